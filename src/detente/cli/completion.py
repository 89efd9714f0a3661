"""Print the completion script of a shell: eval "$(detente completion bash)"."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from detente.errors import DetenteError, nearest

app = typer.Typer(add_completion=False)

# The shells ask the program itself, so that a new command completes without a new script.
SCRIPTS = {
    "bash": """_detente() {
    local IFS=$'\\n'
    COMPREPLY=($(detente completion --words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -o bashdefault -F _detente detente""",
    "zsh": """#compdef detente
_detente() {
    local -a found
    found=("${(@f)$(detente completion --words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then compadd -- $found; else _files; fi
}
compdef _detente detente""",
    "fish": """function __detente
    set -l words (commandline -opc) (commandline -ct)
    detente completion --words -- $words[2..-1] 2>/dev/null
end
complete -c detente -a '(__detente)'""",
}
INSTALL = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/completions/detente.fish"}


@app.command()
def completion(
    arguments: Annotated[list[str], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
    words: Annotated[
        bool, typer.Option("--words", hidden=True, help="List what can stand for the last word.")
    ] = False,
) -> None:
    """Print a script that completes commands, options and treaty ids in your shell."""
    if words:
        print("\n".join(candidates(arguments)))
        return
    shell = arguments[0]
    if shell not in SCRIPTS or len(arguments) > 1:
        raise DetenteError(f"no completion for '{' '.join(arguments)}'", fix=nearest(shell, SCRIPTS))
    print(f"# detente completion {shell} >> {INSTALL[shell]}")
    print(SCRIPTS[shell])


def candidates(words: list[str]) -> list[str]:
    """What can stand for the last of `words`, the words after `detente`; empty where only the user can know."""
    from importlib import import_module

    from detente.cli import command_names

    *before, last = words
    names = command_names()
    if not before:
        return _fit(last, names)
    if before[0] not in names:
        return []
    node: Any = typer.main.get_command(import_module(f"detente.cli.{before[0].replace('-', '_')}").app)
    for word in before[1:]:
        node = getattr(node, "commands", {}).get(word, node)
    if last.startswith("-"):
        return _fit(last, sorted(o for p in node.params for o in p.opts if o.startswith("--")))
    if hasattr(node, "commands"):
        return _fit(last, sorted(node.commands))
    if before[-1].startswith("--"):
        return []  # an option's value: the shell offers files
    return _fit(last, sorted({choice for p in node.params for choice in _choices(p)}))


def _fit(start: str, choices: list[str]) -> list[str]:
    return [c for c in choices if c.startswith(start)]


def _choices(parameter: Any) -> list[str]:
    """The names that a positional argument may take, where the package knows them all."""
    if parameter.param_type_name != "argument":
        return []
    if parameter.name in ("source", "treaty", "limits", "a", "b"):
        from detente.treaty.load import instrument_ids

        return instrument_ids()
    if parameter.name == "party":
        from detente.parties import parties

        return list(parties())
    return []

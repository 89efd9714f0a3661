"""The `detente` program: dispatch to a sub-command, and the one place where errors become a line."""

from __future__ import annotations

import importlib
import os
import sys

from detente import __version__
from detente.errors import DetenteError, nearest

HELP = """Usage: detente COMMAND [ARGUMENTS]

Nuclear arms control as one open system: law, numbers, records, proofs, monitoring.

Commands:
{commands}

detente COMMAND --help tells more; most commands take --json.
Exit codes: 0 answered, 1 a check failed, 2 bad input.
"""


def run(arguments: list[str], commands: dict[str, str]) -> int:
    """Run the program on `arguments`; the exit code. `commands`: each sub-command's name and summary."""
    try:
        code = _answer(arguments, commands)
        sys.stdout.flush()  # a closed pipe must show here, not when the interpreter ends
        return code
    except DetenteError as bad:
        return _say(str(bad))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of a pipe went away: nothing more to tell it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as bad:  # a full disk, a folder that may not be written, a host that does not answer
        return _say(
            f"{bad.filename}: {bad.strerror}"
            if bad.filename and bad.strerror
            else str(bad) or type(bad).__name__
        )


def _answer(arguments: list[str], commands: dict[str, str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        width = max(map(len, commands), default=0)
        lines = "\n".join(f"  {name:<{width}}  {text}" for name, text in commands.items())
        print(HELP.format(commands=lines), end="")
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"detente {__version__}")
        return 0
    return _call(arguments[0], arguments[1:], commands)


def _call(name: str, arguments: list[str], commands: dict[str, str]) -> int:
    if name not in commands:
        raise DetenteError(f"no command '{name}'", fix=nearest(name, commands))
    import typer

    usage_error = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
    command = typer.main.get_command(importlib.import_module(f"detente.cli.{name.replace('-', '_')}").app)
    try:
        code = command.main(arguments, prog_name=f"detente {name}", standalone_mode=False)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return 130
    except ModuleNotFoundError as bad:
        if (bad.name or "detente").partition(".")[0] == "detente":
            raise
        what = f"'{name}' needs the package '{bad.name}', which is not installed"
        raise DetenteError(what, fix="pip install 'detente[all]'") from None
    except Exception as bad:
        if isinstance(bad, usage_error):
            return _say(f"{name}: {bad.format_message()}; see 'detente {name} --help'")  # type: ignore[attr-defined]
        raise
    return code if isinstance(code, int) else 0


def _say(line: str) -> int:
    text = " ".join(line.split())
    print("detente:", "".join(c if c.isprintable() else "\ufffd" for c in text), file=sys.stderr)
    return 2

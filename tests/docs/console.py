"""The console blocks of the documentation: read them, run them, compare.

`python -m tests.docs.console PAGE` writes into a page what its commands print now. A block is fenced with
```console. A line that begins with "$ detente" is run in a folder that holds docs/examples; the lines below
it are what it printed; "..." stands for any number of lines, or for a part of one.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import itertools
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """One command with what the page says it prints, and the exit code that `# exit N` after it claims."""

    page: Path
    line: int
    command: str
    expected: list[str]

    @property
    def exit_code(self) -> int:
        found = re.search(r"# exit (\d+)$", self.command)
        return int(found[1]) if found else 0


def pages() -> list[Path]:
    """Every page that has console blocks."""
    return [
        p for p in sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]) if BLOCK.search(p.read_text())
    ]


def examples(page: Path) -> Iterator[Example]:
    """The examples of a page in order."""
    text = page.read_text()
    for block in BLOCK.finditer(text):
        first = text[: block.start(1)].count("\n") + 1
        current: Example | None = None
        for number, line in enumerate(block[1].splitlines(), first):
            if line.startswith("$ "):
                if current:
                    yield current
                current = Example(page, number, line[2:], [])
            elif current:
                current.expected.append(line)
        if current:
            yield current


def run(command: str) -> tuple[int, list[str]]:
    """Exit code and lines of a `detente ...` command, run here, in the present folder."""
    from detente import cli
    from detente.cli._app import run as call

    words = shlex.split(command, comments=True)
    assert words[0] == "detente", f"only detente runs here: {command}"
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = call(words[1:], {name: cli.summary(name) for name in cli.command_names()})
    return code, [line.rstrip() for line in out.getvalue().rstrip("\n").splitlines()]


def fits(expected: list[str], printed: list[str]) -> bool:
    """True where the printed lines are the expected ones, "..." standing for lines or a part of one."""
    if not expected:
        return not printed
    if expected[0].strip() == "...":
        return any(fits(expected[1:], printed[i:]) for i in range(len(printed) + 1))
    return bool(printed) and _same(expected[0], printed[0]) and fits(expected[1:], printed[1:])


def _same(expected: str, printed: str) -> bool:
    parts = [re.escape(_plain(part)) for part in expected.split("...")]
    return re.fullmatch(r"\s*.*\s*".join(parts), _plain(printed)) is not None


def _plain(line: str) -> str:
    return " ".join(line.split())


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A fresh folder with the examples in it, entered."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "docs" / "examples", folder / "docs" / "examples")
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)


def aligned(lines: list[str]) -> list[str]:
    """Tab-separated lines as columns: what a reader of a page sees instead of tabs."""
    out: list[str] = []
    for _, group in itertools.groupby(lines, key=lambda line: line.count("\t")):
        rows = [line.split("\t") for line in group]
        widths = [max(map(len, column)) for column in itertools.zip_longest(*rows, fillvalue="")]
        out += ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=False)).rstrip() for r in rows]
    return out


def requoted(expected: list[str], printed: list[str]) -> list[str]:
    """The quoted lines as they are printed now: each the likest printed line below the one before it."""
    if not any("..." in line for line in expected):
        return aligned(printed)
    quoted: list[str] = []
    start = 0
    for line in expected:
        if line.strip() == "..." or start >= len(printed):
            quoted.append(line)
            continue
        near = [difflib.SequenceMatcher(None, _plain(line), _plain(p)).ratio() for p in printed[start:]]
        start += near.index(max(near)) + 1
        quoted.append(line if _same(line, printed[start - 1]) else "  ".join(printed[start - 1].split("\t")))
    return quoted


def fill(page: Path) -> None:
    """Write into the page what its commands print now."""
    text = page.read_text()
    with workplace():
        for example in examples(page):
            code, printed = run(example.command)
            if code != example.exit_code:
                print(f"{page.name}:{example.line}: exit {code}", file=sys.stderr)
            if not fits(example.expected, printed):
                old = "\n".join([f"$ {example.command}", *example.expected])
                text = text.replace(
                    old, "\n".join([f"$ {example.command}", *requoted(example.expected, printed)]), 1
                )
    page.write_text(text)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        fill(Path(argument).resolve())

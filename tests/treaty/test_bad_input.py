"""Bad input: each file of ``bad/`` has one mistake, told in one line with its place and what to do.

The first line of a file is a part of the message wanted; ``# <-`` marks the line it must name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from detente.errors import DetenteError
from detente.treaty.load import load, loads

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
HEAD = (
    "id: x\ntitle: X\nkind: treaty\nparties: [US, RU]\nsummary: s\nsources:\n  A: {ref: a}\n  S: {ref: a}\n"
)


def _wanted(path: Path) -> tuple[str, int]:
    lines = path.read_text().splitlines()
    marked = [n for n, line in enumerate(lines, start=1) if "# <-" in line]
    assert len(marked) <= 1, f"{path.name} marks several lines"
    return lines[0].removeprefix("# "), marked[0] if marked else 1


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_one_clear_error_with_its_line(path: Path) -> None:
    message, line = _wanted(path)
    with pytest.raises(DetenteError) as bad:
        load(path)
    assert message in str(bad.value)
    assert bad.value.where == f"{path.name}:{line}"
    assert "\n" not in str(bad.value)


def test_without_a_mistake_the_file_would_be_read() -> None:
    """The head that the bad files share is sound, so that each fails for its own reason only."""
    assert loads(HEAD.encode()).instrument.id == "x"
    assert len(BAD) > 60


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfeid: x", b"id: \x00", b"id: x\n\x85\xff", "id: x".encode("utf-16"), b'id: "\\ud800"',
     b"%YAML 3.0\n---\nid: x",
     b"[" * 100_000, b"- " * 100_000, b"a: " + b"{a: " * 5000, b"".join(b" " * n + b"a:\n" for n in range(1500)),
     b"x" * 5_000_000, b"", b"---\n...", b"# nothing", b"? ", b"&a", b"*a", b"!", b"|", b"'", b'"\\',
     b"\t", b"\r", b"\xef\xbb\xbf",
     b"id: ~", b"? ? ?", b"{}", b"[]", b"null: null", b": :"],
)  # fmt: skip
def test_bytes_that_are_no_treaty(data: bytes) -> None:
    with pytest.raises(DetenteError) as bad:
        loads(data, "x.yaml")
    assert str(bad.value).startswith("x.yaml")


@pytest.mark.parametrize(
    "name",
    ["x" * 5000 + ".yaml", "x" * 5000, "a\0b", "a\0b.yaml", "", "/dev/null/x.yaml", "none.yaml", "new-stat"],
)
def test_names_of_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DetenteError):
        load(name)


def test_a_misspelt_id_gets_the_nearest() -> None:
    with pytest.raises(DetenteError, match="no instrument 'new-stat'; did you mean 'new-start'"):
        load("new-stat")


def test_a_users_folder_is_read_again_each_time(tmp_path: Path) -> None:
    (tmp_path / "treaty.yaml").write_text(HEAD)
    assert load(tmp_path).instrument.title == "X"
    (tmp_path / "treaty.yaml").write_text(HEAD.replace("title: X", "title: Y"))
    assert load(tmp_path).instrument.title == "Y"


def test_a_mistake_in_the_second_file_names_that_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "treaty.yaml").write_text(
        HEAD
        + "counting:\n  - {id: a, text: t, unit: u, select: {kind: icbm}, article: I, cite: [S], quality: text}\n"
    )
    (tmp_path / "more.yaml").write_text(
        "\n\ncounting:\n  - {id: b, text: t, unit: u, select: {kind: icbn}, article: I, cite: [S], quality: text}\n"
    )
    with pytest.raises(DetenteError, match=r"^more\.yaml:4: unknown item class 'icbn'"):
        load(tmp_path)
    (tmp_path / "more.yaml").write_text("title: again\n")
    with pytest.raises(DetenteError, match=r"^more\.yaml:1: 'title' is given in two files"):
        load(tmp_path)


def _exceptions(of: Callable[[int], list[str]], count: int) -> bytes:
    rest = "text: t, article: I, cite: [S], quality: text"
    rule = f"counting:\n  - {{id: r, unit: u, select: {{kind: icbm}}, {rest}}}\n"
    links = (
        f"  - {{id: e{n}, of: [{', '.join(of(n))}], select: {{converted: true}}, {rest}}}\n"
        for n in range(count)
    )
    return (HEAD + rule + "exceptions:\n" + "".join(links)).encode()


@pytest.mark.parametrize(
    "of",
    [
        lambda n: ["r" if n == 0 else f"e{n - 1}"],  # one long chain
        lambda n: ["r", *(f"e{m}" for m in range(n))],  # more paths than anyone can walk
    ],
)
def test_a_chain_of_exceptions_that_no_law_has_is_refused(of: Callable[[int], list[str]]) -> None:
    with pytest.raises(DetenteError, match="rests on more than 10 others in a row"):
        loads(_exceptions(of, 60))
    assert loads(_exceptions(of, 9)).instrument.exceptions


@pytest.mark.parametrize(
    ("entry", "line"), [("  B: {ref: b, tilte: c}\n", 9), ("  B: {ref: 3}\n", 9), ("  B: {title: c}\n", 9)]
)
def test_the_line_of_a_mapping_s_entry(entry: str, line: int) -> None:
    with pytest.raises(DetenteError) as bad:
        loads((HEAD + entry).encode(), "x.yaml")
    assert bad.value.where == f"x.yaml:{line}"


@pytest.mark.parametrize("path", BAD[::9], ids=lambda p: p.stem)
def test_the_commands_say_it_in_one_line_and_write_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detente import cli
    from detente.cli._app import run

    monkeypatch.chdir(tmp_path)
    commands = dict.fromkeys(cli.command_names(), "")
    assert run(["treaty", str(path)], commands) == 2
    assert run(["assess", str(path), "--as-of", "2020-01-01"], commands) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_check_command_exits_1_with_every_problem(tmp_path: Path) -> None:
    from detente.cli.check import app

    path = tmp_path / "two.yaml"
    path.write_text(
        HEAD + "counting:\n"
        "  - {id: a, text: t, unit: u, select: {kind: icbn}, article: I, cite: [S], quality: text}\n"
        "  - {id: b, text: t, unit: u, select: {kind: icbm}, article: I, cite: [Z], quality: text}\n"
    )
    done = CliRunner().invoke(app, [str(path)])
    assert done.exit_code == 1
    assert sorted(re.findall(r"two\.yaml:(\d+): ", done.output)) == ["10", "11"]

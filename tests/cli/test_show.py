"""Tables: plain lines in a pipe, ruled on a terminal, and never read as markup."""

from __future__ import annotations

import sys

import pytest

from detente.cli._show import show_table


def test_a_pipe_gets_one_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("title", ("a", "b"), [("x\ty", "line\nbreak"), (None, 3)])
    assert capsys.readouterr().out == "a\tb\nx y\tline break\n\t3\n"


def test_a_terminal_gets_rules_and_brackets_stay(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    show_table("title", ("article",), [("[Art. II] [red]kept[/red]",)])
    out = capsys.readouterr().out
    assert "[Art. II] [red]kept[/red]" in out and "│" in out

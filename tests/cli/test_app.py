"""The program itself: dispatch, exit codes, one line on stderr for bad input, what it prints where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from detente import __version__, cli
from detente.cli._app import run
from detente.errors import DetenteError

ENV = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
COMMANDS = {name: cli.summary(name) for name in cli.command_names()}


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "detente", *arguments], capture_output=True, text=True, env=ENV
    )


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str], flag: str) -> None:
    assert run([flag], COMMANDS) == 0
    out, err = capsys.readouterr()
    assert not err
    assert "Exit codes: 0 answered, 1 a check failed, 2 bad input." in out
    for name, text in COMMANDS.items():
        assert f"  {name} " in out
        assert text in out


def test_no_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([], COMMANDS) == 2
    assert "Usage: detente" in capsys.readouterr().out


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"], COMMANDS) == 0
    assert capsys.readouterr().out == f"detente {__version__}\n"


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["asess"], {"assess": "", "brief": ""}) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err == "detente: no command 'asess'; did you mean 'assess'?\n"


def test_a_private_file_is_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["_show"], COMMANDS) == 2
    assert run(["../errors"], COMMANDS) == 2
    assert capsys.readouterr().err.count("no command") == 2


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_a_summary_and_its_own_help(name: str) -> None:
    assert len(COMMANDS[name]) > 10
    done = program(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: detente" in done.stdout


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_an_unknown_option_is_one_line_and_exit_2(name: str) -> None:
    done = program(name, "--no-such-option-anywhere")
    assert done.returncode == 2
    assert not done.stdout
    assert done.stderr.startswith("detente: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_an_error_is_one_clean_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise DetenteError("two\nlines and \x1b[31mred\x07", where="a.yaml:3", fix="mend it")

    monkeypatch.setattr("detente.cli._app._call", fail)
    assert run(["x"], {"x": ""}) == 2
    assert capsys.readouterr().err == "detente: a.yaml:3: two lines and \ufffd[31mred\ufffd; mend it\n"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (OSError(28, "No space left on device", "out/x.json"), "out/x.json: No space left on device"),
        (PermissionError(13, "Permission denied"), "[Errno 13] Permission denied"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bad: OSError, says: str
) -> None:
    def fail(*_: object) -> int:
        raise bad

    monkeypatch.setattr("detente.cli._app._call", fail)
    assert run(["x"], {"x": ""}) == 2
    assert capsys.readouterr().err == f"detente: {says}\n"


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("detente.cli._app._call", stop)
    assert run(["x"], {"x": ""}) == 130


def test_the_program_runs_as_a_module() -> None:
    done = program("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"detente {__version__}\n", "")


def test_help_into_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m detente --help | true; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, env=ENV,
    )  # fmt: skip
    assert done.returncode == 0
    assert not done.stderr


def test_every_step_of_monitor_has_its_panel() -> None:
    from detente.cli.monitor import PANELS, app

    in_panels = [name for own in PANELS.values() for name in own]
    group = get_command(app)
    assert list(group.commands) == in_panels  # type: ignore[attr-defined]

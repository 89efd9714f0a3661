"""`doctor` sees what is missing and what is too old; `completion` offers what can stand next."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import metadata

import pytest

from detente import cli
from detente.cli._app import run
from detente.cli.completion import SCRIPTS, candidates

COMMANDS = {name: cli.summary(name) for name in cli.command_names()}


def test_a_whole_base_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"], COMMANDS) == 0
    found = json.loads(capsys.readouterr().out)
    base = [f for f in found if f[0] == ""]
    assert {"python", "numpy", "typer"} <= {f[1] for f in base}
    assert all(f[2] == "ok" for f in base)


def test_a_missing_extra_is_named_with_its_remedy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "cryptography":
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name == "obspy" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    assert run(["doctor"], COMMANDS) == 0  # extras are extras
    out = capsys.readouterr().out
    assert "node\tcryptography\tmissing" in out
    assert "pip install 'detente[node]'" in out
    assert "monitor\tobspy\ttoo old\t0.1" in out
    assert "not whole: monitor, node" in out


def test_a_broken_base_is_exit_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda _: ["no-such-package>=2"])
    assert run(["doctor"], COMMANDS) == 1
    assert "no-such-package\tmissing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ass"], ["assess"]),
        (["node", "es"], ["escrow"]),
        (["node", "escrow", "lo"], ["log"]),
        (["assess", "new"], ["new-start"]),
        (["assess", "new-start", "--as"], ["--as-of"]),
        (["why", "new-start", "II.1.b", "CN"], ["CN"]),
        (["assess", "new-start", "--as-of", "20"], []),
        (["nonsense", "x"], []),
    ],
)
def test_completion_offers_what_can_stand_next(words: list[str], offered: list[str]) -> None:
    assert candidates(words) == offered


def test_an_unknown_shell_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "tcsh"], COMMANDS) == 2
    assert capsys.readouterr().err == "detente: no completion for 'tcsh'; known: bash, fish, zsh\n"


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_the_script_is_a_script_of_that_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    assert run(["completion", shell], COMMANDS) == 0
    script = capsys.readouterr().out
    done = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr

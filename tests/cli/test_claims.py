"""The claims command: lists, filters, one claim in full, JSON, and errors in one line."""

from __future__ import annotations

import json

import pytest

from detente.cli import command_names, summary
from detente.cli._app import run as call


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = call(["claims", *arguments], {name: summary(name) for name in command_names()})
    told = capsys.readouterr()
    return code, told.out, told.err


def test_a_party_s_claims_on_a_past_day(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--speaker", "SIPRI", "--as-of", "2025-12-01")
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0 and [r[0] for r in rows[1:]] == ["C044", "C045", "C046"]
    assert {r[5] for r in rows[1:]} == {"supported", "supported, in part"}


def test_one_claim_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "C044", "--as-of", "2026-11-23")
    assert code == 0
    for text in ("+90 to January 2024", "+20 to January 2026", "what would change it", "SIPRI/CN/2025-01"):
        assert text in out


def test_json_is_an_assessment_with_both_clocks(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "C044", "--as-of", "2026-11-23", "--json")
    found = json.loads(out)
    assert code == 0 and found["then"]["known"] == "2025-06-30" and found["now"]["known"] == "2026-11-23"
    assert found["now"]["parts"][0]["tests"][0]["finding"]["facts"]


def test_by_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--speaker", "FR", "--verdict", "recorded", "--json")
    assert code == 0 and [a["claim"]["id"] for a in json.loads(out)] == ["C050"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["C0444"], "no claim"),
        (["--verdict", "true"], "no verdict"),
        (["--speaker", "Nemo"], "nobody"),
        (["C044", "--as-of", "2020-01-01"], "later"),
        (["C044", "--as-of", "yesterday"], "not a date"),
        (["C044", "--speaker", "US"], "leave the ID out"),
    ],
)
def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2 and not out and said in err and err.count("\n") == 1

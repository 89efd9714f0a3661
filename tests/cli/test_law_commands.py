"""The law's commands: answers, JSON, exit codes, one line for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detente.cli import command_names, summary
from detente.cli._app import run

COMMANDS = {name: summary(name) for name in command_names()}


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(list(arguments), COMMANDS)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["treaties", "--as-of", "2026-11-23"], ["new-start", "expired since 2026-02-05"]),
        (["treaty", "new-start", "--as-of", "2024-01-01"], ["disputed", "at most 1 550 warheads"]),
        (["treaty", "new-start", "--coverage"], ["encoded", "Art. II"]),
        (["assess", "new-start", "--as-of", "2022-09-01"], ["RU\tII.1.b\tmet\t1 549\t<= 1 550\t1"]),
        (["assess", "new-start", "--as-of", "2022-03-01"], ["disputed", "901 of at most 800"]),
        (["assess", "new-start", "--as-of", "2022-03-01", "--viewpoint", "US"], ["US\tII.1.c\tmet"]),
        (["why", "new-start", "II.1.b", "US", "--as-of", "2020-09-01"], ["48 warheads", "[Art. II.1(b)]"]),
        (["deadlines", "new-start", "--as-of", "2011-12-31"], ["2011-03-22", "no log given"]),
        (["history", "new-start"], ["2016-09-01\tRU\tII.1.b\tnot_applicable\t1 796"]),
    ],
)
def test_answers(capsys: pytest.CaptureFixture[str], arguments: list[str], words: list[str]) -> None:
    code, out, err = call(capsys, *arguments)
    assert (code, err) == (0, "")
    for word in words:
        assert word in out, word


@pytest.mark.parametrize(
    "arguments",
    [
        ["treaties"],
        ["treaty", "new-start"],
        ["assess", "new-start", "--as-of", "2023-03-01"],
        ["why", "new-start", "II.1.a", "RU", "--as-of", "2022-09-01"],
        ["deadlines", "new-start"],
        ["history", "new-start"],
        ["brief"],
    ],
)
def test_json_is_json(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, _ = call(capsys, *arguments, "--json")
    assert code == 0 and json.loads(out)


def test_the_schema_accepts_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    import jsonschema

    from detente.treaty import instrument_ids, load

    validator = jsonschema.Draft202012Validator(json.loads(call(capsys, "schema")[1]))
    for name in instrument_ids():
        assert not list(validator.iter_errors(load(name).text.tree)), name
    assert list(validator.iter_errors({"id": "x", "limitz": []}))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["assess", "new-strat"], "did you mean 'new-start'?"),
        (["assess", "new-start", "--as-of", "2026-02-30"], "not a date"),
        (["assess", "new-start", "--viewpoint", "CN"], "no party"),
        (["why", "new-start", "II.1.z", "US"], "did you mean"),
        (["why", "new-start", "II.1.a", "ZZ"], "unknown party"),
        (["assess", "new-start", "--inventory", "/nowhere.csv"], "cannot be read"),
        (["assess", "new-start", "--nonsense"], "nonsense"),
        (["deadlines", "new-start", "--events", "/nowhere.yaml"], "cannot be read"),
        (["history", "new-start", "-o", "x.gif"], "is no png or svg or pdf file"),
        (["check", "/nowhere.yaml"], "cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_code_two(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    code, out, err = call(capsys, *arguments)
    assert code == 2 and out == ""
    assert err.count("\n") == 1 and words in err and "Traceback" not in err


def test_an_inventory_of_ones_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = tmp_path / "mine.csv"
    rows.write_text(
        "party,kind,count,deployed,nuclear,warheads,source\n"
        "US,icbm,400,true,,1,my book\nUS,slbm,240,true,,4,my book\nUS,heavy_bomber,60,true,true,,my book\n"
    )
    code, out, _ = call(capsys, "assess", "new-start", "--as-of", "2020-01-01", "--inventory", str(rows))
    assert code == 0
    assert "US\tII.1.a\tmet\t700\t<= 700\t0" in out
    assert "US\tII.1.b\tmet\t1 420\t<= 1 550\t130" in out
    assert "US\tII.1.c\tindeterminate\tat least 60" in out


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("US,icmb,400,true,x", "mine.csv:2: unknown item class 'icmb'; did you mean 'icbm'?"),
        ("US,icbm,-4,true,x", "mine.csv:2: a negative count"),
        ("US,icbm,400,perhaps,x", "mine.csv:2: 'perhaps' in column 'deployed'"),
        ("US,icbm,400,true,", "mine.csv:2: a row without a source"),
        ("XX,icbm,400,true,x", "mine.csv:2: unknown party 'XX'"),
        ("US,icbm,many,true,x", "mine.csv:2: 'many' in column 'count'"),
    ],
)
def test_a_wrong_row_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, row: str, words: str
) -> None:
    rows = tmp_path / "mine.csv"
    rows.write_text(f"party,kind,count,deployed,source\n{row}\n")
    code, out, err = call(capsys, "assess", "new-start", "--as-of", "2020-01-01", "--inventory", str(rows))
    assert (code, out) == (2, "") and words in err


def test_diff_of_a_law_and_a_proposal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from detente.treaty import load

    patch = tmp_path / "p.yaml"
    patch.write_text(
        f"patch: p\ntitle: P\nbase: new-start\nbase_digest: {load('new-start').digest}\nrationale: r\ncite: [X]\n"
        "quality: assumed\nsources: {X: {ref: x}}\noperations:\n  - {set: limits/II.1.b/bound, to: 1000}\n"
    )
    code, out, _ = call(capsys, "diff", "new-start", str(patch))
    assert code == 1 and "Art. II.1(b)\tlimits/II.1.b\tbound\t1550\t1000" in out
    assert call(capsys, "diff", "new-start", "new-start")[0] == 0
    assert call(capsys, "check", str(patch))[0] == 0
    patch.write_text("patch: p\n")
    assert call(capsys, "check", str(patch))[0] == 1


def test_rows_that_contradict_are_an_error_for_their_limit_only(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = tmp_path / "twice.csv"
    rows.write_text(
        "party,kind,count,deployed,nuclear,warheads,source\nUS,icbm,400,true,,1,x\nUS,slbm,240,true,,4,x\n"
        "US,heavy_bomber,60,true,true,,x\nUS,deployed_missile_warhead,1300,,,,x\n"
    )
    code, out, err = call(capsys, "assess", "new-start", "--as-of", "2020-01-01", "--inventory", str(rows))
    assert code == 2 and "two forms" in err and err.count("\n") == 1
    assert "US\tII.1.a\tmet" in out and "US\tII.1.b\terror" in out

"""The commands: answers on stdout, one line for bad input, figures that are images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detente.cli import command_names, summary
from detente.cli._app import run


def detente(*arguments: str) -> int:
    return run(list(arguments), {n: summary(n) for n in command_names()})


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:  # type: ignore[type-arg]
    assert detente(*arguments, "--json") == 0
    found: dict = json.loads(capsys.readouterr().out)  # type: ignore[type-arg]
    return found


def test_forces_as_a_day_knew_them(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "forces", "china", "--as-of", "2022-12-31", "--known", "2023-06-15")
    assert found["party"] == "CN" and found["known"] == "2023-06-15"
    assert {r["series"]: r.get("best") for r in found["rows"] if r["status"] == "stockpile"}["FAS"] == 350
    assert detente("forces", "CN", "--by", "type") == 0
    captured = capsys.readouterr()
    assert "DF-26" in captured.out and "recalled" in captured.err
    assert detente("forces", "UK", "--vintages", "2022") == 0
    assert detente("forces", "compare", "CN", "UK", "--status", "deployed") == 0
    assert detente("forces", "datasets") == 0


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_is_exported_reads_back(suffix: str, tmp_path: Path) -> None:
    from detente.forces.catalogue import all_counts
    from detente.forces.counts import read_counts

    path = tmp_path / f"all.{suffix}"
    assert detente("forces", "export", str(path)) == 0
    assert {c.id for c in read_counts(path)} == {c.id for c in all_counts()}
    assert detente("forces", "export", str(tmp_path / "all.xls")) == 2
    assert not (tmp_path / "all.xls").exists()


def test_stockpiles_through_time_as_a_figure(tmp_path: Path) -> None:
    picture = tmp_path / "time.png"
    assert detente("forces", "compare", "CN", "FR", "-o", str(picture)) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_check_passes_on_the_embedded_sets(capsys: pytest.CaptureFixture[str]) -> None:
    assert detente("forces", "check") == 0
    assert "0 broken" in capsys.readouterr().out


def test_a_users_wrong_file_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "series,party,kind,status,unit,best,as_of,published,quality,source\n"
        "mine,CN,warhead,stockpile,warheads,-5,2026,2026,estimate,me\n"
    )
    assert detente("forces", "check", str(path)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert (
        captured.err == "detente: mine.csv:2: a negative count -5 in column 'best'; counts are zero or more\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("forces", "XX"),
        ("forces", "CN", "--by", "colour"),
        ("forces", "CN", "--as-of", "yesterday"),
        ("forces", "check", "/no/such/file.csv"),
        ("project",),
        ("project", "CN", "--to", "1999"),
        ("project", "CN", "--draws", "3"),
        ("proposals", "compare", "--years", "soon"),
        ("proposals", "compare", "nothing-of-the-kind"),
        ("breakout", "US", "hotline"),
        ("breakout", "IN", "new-start"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert detente(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("detente: ") and captured.err.count("\n") == 1


def test_project_answers_the_claim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = ("--known", "2026-11-23", "--draws", "2000")
    found = answer(capsys, "project", "CN", "--to", "2035", *known)
    asked = {(c["definition"], c["limit"], c["by"]): c for c in found["chances"]}
    for definition in ("stockpile", "operational", "fissile material for"):
        for by in ("2030-01-01", "2030-12-31"):
            assert 0 <= asked[definition, 1000.0, by]["p"] <= 1
            assert asked[definition, 1000.0, by]["marks"]
    assert found["seed"] == 1 and len(found["quantiles"]["warheads"]) == len(found["years"]) == 9
    picture = tmp_path / "fan.png"
    assert detente("project", "CN", "--to", "2035", *known, "-o", str(picture)) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr()
    assert "what drives the spread" not in said.err and "plutonium bound" in said.out


def test_parties_without_systems_have_a_total_only(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "project", "IN", "--to", "2030", "--known", "2026-11-23", "--draws", "500")
    assert found["weights"]["bottom up"] == 0


def test_the_backtest_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "project", "--backtest")
    assert found["scores"][0]["group"] == "all"


def test_proposals_and_their_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = ("--known", "2026-11-23", "--draws", "400")
    arguments = ("proposals", "compare", "three-equal", "p5-alliances", "--years", "2026:2028", *known)
    assert detente(*arguments, "-o", str(tmp_path)) == 0
    out = capsys.readouterr().out
    assert "with allies" in out and "largest permitted force" not in capsys.readouterr().err
    for name in ("proposals.png", "headroom.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert detente("proposals", "list") == 0
    assert detente("breakout", "US", "new-start", *known) == 0
    assert "The time an upload takes is not computed" in capsys.readouterr().out


def test_drivers_of_totals_and_of_verdicts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = answer(capsys, "forces", "US", "--drivers", "--as-of", "2024-01-01")
    assert found["seed"] == 1 and all(t["drivers"] for t in found["totals"])
    own = tmp_path / "own.csv"
    own.write_text(
        "party,kind,type,count,low,high,source,deployed,nuclear,warheads\n"
        "US,icbm,Minuteman III,400,380,440,test,true,true,1\n"
        "US,slbm,Trident II,230,220,250,test,true,true,4\n"
        "US,heavy_bomber,B-52H,66,60,70,test,true,true,1\n"
    )
    asked = ("assess", "new-start", "--as-of", "2020-09-01", "--inventory", str(own), "--complete")
    judged = answer(capsys, *asked, "--drivers")
    by_limit = {(d["party"], d["provision"]): d for d in judged["drivers"]}
    first = by_limit["US", "limits/II.1.a"]
    assert 0.1 < first["p_met"] < 0.9
    assert first["inputs"][0]["input"] == "US Minuteman III: missiles"
    verdict = next(v for v in judged["assessment"]["verdicts"] if v["party"] == "US")
    assert verdict["p_met"] == first["p_met"] and verdict["basis"] == "draws"
    assert detente("assess", "new-start", "--drivers") == 2
    assert "nothing to draw" in capsys.readouterr().err

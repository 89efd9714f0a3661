"""Event files: every mistake is told with its file and line, and the commands answer."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from detente.cli import command_names, summary
from detente.cli._app import run
from detente.errors import DetenteError
from detente.monitor.event_files import event_names, read_event, with_priors

TEXT = (files("detente.monitor") / "events" / "lop-nor-2020.yaml").read_text(encoding="utf-8")


def _line(text: str, needle: str) -> int:
    return text[: text.index(needle)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title:", "titel:", "unknown key 'titel'"),
        ("  lat: 46.768978", "  lat: far north", "expected `float`, got `str`"),
        ("  lat: 46.768978", "  lat: 146.768978", "off the Earth"),
        ("  p_sd_s: 1.3\n", "", "missing required field `p_sd_s`"),
        ("    kind: earthquake", "    kind: volcano", "invalid enum value 'volcano'"),
        ('published: "2026-04-16"', 'published: "April"', "is not a date"),
        ("p: Pg_idc, s: Lg}, ev2", "p: Pq, s: Lg}, ev2", "unknown phase 'Pq'"),
        (
            "arrivals: {ev1: {source: 1}, ev2: {source: 2}}",
            "arrivals: {ev1: {source: 1, p: later}, ev2: {source: 2}}",
            "has no named P",
        ),
        ("type: ML, low", "low", "missing required field `type`"),
        ("used: true, ", "", "one magnitude, and only one"),
        ("id: ev2\n    p", "id: ev1\n    p", "appears twice"),
        ("says: [tunnels, shafts]", "says: [tunnels, shaft]", "did you mean 'shafts'?"),
        ("weights: [0.1, 0.2, 0.3, 0.4, 0.5, 0.4", "weights: [-0.1, 0.2, 0.3, 0.4, 0.5, 0.4", "weights"),
        ('start: "2020-06-22T09:21:11.500"', 'start: "2020-06-22T09:18:11.500"', ""),
        ('start: "2020-06-22T09:19:50.700"', 'start: "yesterday"', "'yesterday' is not a time"),
        ("    yield_t: {low: 1, high: 300}", "    yield_t: {low: 300, high: 1}", "low <= high"),
        ("station:\n", "station: &here\n", ""),
        ("region:\n  south: 40.0", "region:\n  south: 40.0\n  south: 41.0", "appears twice"),
        ("notes:", "notes: [", "broken YAML"),
        ("probability: {two-places: 0.95, ", "probability: {", "needs a number for each"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    assert old in TEXT
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    if not message:
        read_event(path)
        return
    with pytest.raises(DetenteError) as told:
        read_event(path)
    assert message in str(told.value)
    assert "mine.yaml" in str(told.value)


def test_the_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = TEXT.replace("    kind: chemical", "    kindd: chemical")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DetenteError, match=f"mine.yaml:{_line(text, 'kindd')}: unknown key 'kindd'.*'kind'"):
        read_event(path)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[1, 2]", b"a: &x 1\nb: *x\n", b"? [1]\n: 2\n", b"x: " + b"[" * 5000]
)
def test_garbage_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(DetenteError, match=r"bad\.yaml"):
        read_event(path)


def test_evidence_has_a_day() -> None:
    assert read_event("lop-nor-2020").known_from == "2026-04-16"


def test_names_and_priors() -> None:
    assert event_names() == ["lop-nor-2020"]
    with pytest.raises(DetenteError, match="did you mean 'lop-nor-2020'"):
        read_event("lopnor-2020")
    with pytest.raises(DetenteError, match="cannot be read"):
        read_event("/nowhere/x.yaml")
    for bad in ("earthquake", "earthquake=-1", "earthquake=inf", "quake=1"):
        with pytest.raises(DetenteError):
            with_priors(read_event("lop-nor-2020"), [bad])


def _run(*arguments: str) -> int:
    return run(list(arguments), {n: summary(n) for n in command_names()})


def test_event_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shot = ("event", "lop-nor-2020", "--draws", "2000", "--json")
    assert _run(*shot, "--figures", str(tmp_path)) == 0
    first = capsys.readouterr().out
    assert _run(*shot) == 0
    assert capsys.readouterr().out == first
    found = json.loads(first)
    assert {p["signal"] for p in found["places"]} == {"ev1", "ev2"}
    assert len(found["statements"]) == 9
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lop-nor-2020-map.png", "lop-nor-2020-yield.png"]
    assert _run("event", "lop-nor-2020", "--draws", "2000") == 0
    assert "do not decide" in capsys.readouterr().out


def test_yield_and_hide_commands(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert _run("yield", "--mb", "6.1", "--site", "punggye-ri", "--depth", "700", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["yield_kt"]["low"] < 109 < 340 < found["yield_kt"]["high"]
    assert _run("hide", "--threshold", "3.25", "--radius", "0", "--figure", str(tmp_path / "h.png")) == 0
    out = capsys.readouterr().out
    assert "tamped" in out
    assert "recalled" in out
    assert (tmp_path / "h.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    "arguments",
    [
        ("event", "nothing"),
        ("event", "lop-nor-2020", "--draws", "5"),
        ("event", "lop-nor-2020", "--model", "flat", "--draws", "2000"),
        ("yield", "--magnitude", "2.75", "--site", "lop-nor"),
        ("yield", "--site", "lop-nor"),
        ("yield", "--mb", "5", "--ml", "5", "--site", "lop-nor"),
        ("yield", "--mb", "5", "--site", "lop"),
        ("hide", "--radius", "-3"),
        ("hide", "--place", "nowhere"),
        ("hide", "--depth", "nan"),
        ("hide", "--rock", "cheese"),
        ("hide", "--law", "none"),
    ],
)
def test_bad_arguments_exit_2(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert _run(*arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) == 1

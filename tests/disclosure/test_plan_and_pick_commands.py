"""The commands `plan` and `pick` as a reader types them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from detente.cli import command_names, summary
from detente.cli._app import run
from detente.disclosure.pick_files import read_records, read_terms
from detente.disclosure.planning_figure import draw
from detente.errors import DetenteError


def detente(*arguments: str) -> int:
    return run(list(arguments), {n: summary(n) for n in command_names()})


def test_plan_answers_the_new_start_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert detente("plan", "--items", "700", "--hidden", "10", "--per-year", "10") == 0
    out = capsys.readouterr().out
    assert "13.5 % in 1 year, 52.6 % in 5 years, 78.8 % in 10 years" in out
    assert "never declared" in out


def test_plan_json_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    assert detente("plan", "--json", "--years", "1") == 0
    year = json.loads(capsys.readouterr().out)["years"][0]
    assert round(year["no_item_twice"], 4) == 0.1348
    assert "/" in year["exact"][0]


def test_plan_size_is_160_not_161(capsys: pytest.CaptureFixture[str]) -> None:
    assert detente("plan", "size", "--items", "800", "--hidden", "1", "--confidence", "20%", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {"confidence": 0.2, "exact": 160, "iaea": 160, "jaech": 160}
    ]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("plan", "belief", "--items", "800", "--visit", "100"), "12.6 %"),
        (("plan", "belief", "--visit", "100:1"), "0.0 %"),
        (("plan", "sites", "--years", "5"), "all 10 at one site"),
        (("plan", "game", "--periods", "12", "--inspections", "6"), "0.184"),
        (("plan", "mix", "--target", "a=1", "--target", "b=1", "--visits", "2"), "no target is worth"),
        (("plan", "mix", "--target", "a=9", "--target", "b=1", "--visits", "1/9"), "still worth"),
        (("plan", "deter", "--loss", "4"), "more than 20.0 %"),
        (("plan", "--slots", "1400", "--mislinked", "3"), "5.0 items on average"),
        (("plan", "--hidden", "1", "--items", "50000"), "<0.1 %"),
    ],
)
def test_plan_subcommands(arguments: tuple[str, ...], shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert detente(*arguments) == 0
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--items", "5", "--hidden", "6"),
        ("plan", "--items", "-1"),
        ("plan", "--years", "0"),
        ("plan", "--items", "50001"),
        ("plan", "--recognised", "2"),
        ("plan", "--slots", "900", "--mislinked", "800"),
        ("plan", "size", "--confidence", "99%", "--recognised", "0.5"),
        ("plan", "size", "--hidden", "0"),
        ("plan", "belief", "--visit", "many"),
        ("plan", "belief", "--visit", "10:11"),
        ("plan", "belief", "--visit", "9000"),
        ("plan", "belief", "--prior", "hope"),
        ("plan", "sites", "--quota", "0"),
        ("plan", "sites", "--hidden", "9999"),
        ("plan", "sites", "--visit-cost", "-1"),
        ("plan", "deter", "--gain", "0"),
        ("plan", "deter", "--alarm", "11"),
        ("plan", "deter", "--recognised", "0"),
        ("plan", "game", "--inspections", "-1"),
        ("plan", "mix", "--target", "=1"),
        ("plan", "mix", "--target", "a"),
        ("plan", "mix"),
        ("plan", "figure", "-o", "x.txt"),
        ("plan", "figure", "-o", "/nowhere/x.png", "--years", "2"),
        ("pick", "terms", "/nowhere"),
        ("pick", "expand", "zz", "--slots", "5", "--picks", "1"),
        ("pick", "expand", "00", "--slots", "5", "--picks", "6"),
    ],
)
def test_bad_requests_end_with_one_line_and_exit_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert detente(*arguments) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "Traceback" not in told


def test_a_figure_is_drawn(tmp_path: Path) -> None:
    draw(tmp_path / "f.png", 70, 5, 10, 4, 8)
    assert (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"
    draw(tmp_path / "f.svg", 70, 5, 10, 4, 8)
    assert (
        "70 declared items" in (tmp_path / "f.svg").read_text()
        or (tmp_path / "f.svg").stat().st_size > 10_000
    )


TERMS = """
version: detente-pick/1
treaty: three-sided
treaty_digest: "sha256:9f0c"
inspection: 2027-03
inspecting: US
inspected: CN
contributors:
  - {{party: CN, key: "{CN}", registered: 2026-01-15}}
  - {{party: US, key: "{US}", registered: 2026-01-15}}
population: {{root: 7d3c9a, log: log.example/cn, size: 412, slots: 800}}
picks: 6
commit_by: 2027-03-01T11:00:00Z
reveal_by: 2027-03-01T11:50:00Z
closing: [dice]
"""
DICE = """
- {kind: dice, party: US, at: 2027-03-01T12:30:00Z, digits: "31415 92653 58979 32384"}
- {kind: dice, party: CN, at: 2027-03-01T12:31:00Z, digits: "31415 92653 58979 32384"}
"""


def test_a_pick_from_keys_to_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def path(name: str) -> str:
        return str(tmp_path / name)

    def output(name: str, *arguments: str) -> str:
        capsys.readouterr()
        assert detente(*arguments) == 0
        text = capsys.readouterr().out
        (tmp_path / name).write_text(text)
        return text.strip()

    keys = {p: output(f"{p}.pub", "pick", "key", path(f"{p}.key")) for p in ("CN", "US")}
    assert stat.S_IMODE((tmp_path / "CN.key").stat().st_mode) == 0o600
    (tmp_path / "terms.yaml").write_text(TERMS.format(**keys))
    (tmp_path / "dice.yaml").write_text(DICE)
    for p in keys:
        who = ("--party", p, "--key", path(f"{p}.key"))
        output(f"{p}.c", "pick", "commit", path("terms.yaml"), *who, "--at", "2027-03-01T10:00:00Z")
        assert detente("pick", "reveal", path("terms.yaml"), *who, "--at", "2027-03-01T11:00:00Z") == 2
        output(f"{p}.r", "pick", "reveal", path("terms.yaml"), *who, "--at", "2027-03-01T11:20:00Z")
    heard = [path(f"{p}.{k}") for p in keys for k in "cr"]
    assert detente("pick", "settle", path("terms.yaml"), *heard) == 1
    assert "Not settled yet" in capsys.readouterr().out
    settled = output("s.json", "pick", "settle", path("terms.yaml"), *heard, path("dice.yaml"), "--json")
    found = json.loads(settled)
    assert (
        detente("pick", "settle", path("terms.yaml"), *heard, path("dice.yaml"), "--expect", path("s.json"))
        == 0
    )
    seeded = output("x", "pick", "expand", found["seed"], "--slots", "800", "--picks", "6")
    assert list(map(int, seeded.split())) == found["choice"][0]["slots"]
    found["choice"][0]["slots"][0] += 1
    (tmp_path / "s.json").write_text(json.dumps(found))
    assert (
        detente("pick", "settle", path("terms.yaml"), *heard, path("dice.yaml"), "--expect", path("s.json"))
        == 1
    )
    secret = (tmp_path / "CN.key").read_text().strip()
    assert all(secret not in p.read_text() for p in tmp_path.iterdir() if p.name != "CN.key")


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "- 1", "{", "a: b: c", "version: detente-pick/1", "\x00", "&a [*a]", "!!python/object:os.system {}",
        TERMS.format(CN="00", US="11"), TERMS.format(CN="x", US="y") + "surplus: 1\n",
    ],
)  # fmt: skip
def test_broken_files_are_refused_with_their_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(DetenteError):
        read_terms(path)
    if text != "[]":
        with pytest.raises(DetenteError, match=r"broken\.yaml"):
            read_records(path)

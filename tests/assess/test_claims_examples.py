"""The examples that must be right, each judged by a number that was read elsewhere."""

from __future__ import annotations

import csv
from datetime import date
from importlib.resources import files

import pytest

from detente.assess import rooms
from detente.assess.claims import claim
from detente.assess.judge import Assessment, Tried, Word, assess_claim
from detente.assess.section import claims_section

TODAY = date(2026, 11, 23)
monitor = pytest.mark.skipif(not rooms.monitor_is_here(), reason="needs detente[monitor]")


def judged(name: str, known: date = TODAY) -> Assessment:
    return assess_claim(claim(name), known)


def tried(a: Assessment, part: str, word: str = "") -> list[Tried]:
    found = [t for p in a.now.parts for t in p.tests if t.part == part]
    return [t for t in found if word in t.definition]


def sipri_china() -> dict[int, float]:
    """January stockpiles of China as SIPRI's newest prints give them, read from the file itself."""
    text = files("detente.forces").joinpath("data", "sipri_yearbook.csv").read_text("utf-8")
    rows = csv.DictReader(x for x in text.splitlines() if not x.startswith("#"))
    mine = [r for r in rows if r["party"] == "CN" and r["status"] == "stockpile" and not r["category"]]
    return {int(r["as_of"][:4]): float(r["best"]) for r in sorted(mine, key=lambda r: r["published"])}


def test_1550_and_700_are_exact() -> None:
    a = judged("C056")
    assert a.word is Word.supported and a.then.word is Word.supported
    assert [t.finding.margin for p in a.now.parts for t in p.tests] == [0.0] * 4
    assert all(t.finding.sources and t.finding.facts for p in a.now.parts for t in p.tests)


def test_1551_is_not_what_the_treaty_says() -> None:
    import msgspec

    c = claim("C056")
    wrong = msgspec.structs.replace(
        c.tests[0], question=msgspec.structs.replace(c.tests[0].question, value=1551)
    )
    assert assess_claim(msgspec.structs.replace(c, tests=(wrong,)), TODAY).word is Word.contradicted


def test_about_100_a_year_is_true_to_2025_and_not_of_the_newest_step() -> None:
    stock = sipri_china()
    assert [stock[y] - stock[y - 1] for y in (2024, 2025, 2026)] == [90, 100, 20]  # the yearbooks
    a = judged("C044")
    part = "about 100 a year since 2023"
    (own,) = tried(a, part, "to January 2025")
    (newest,) = tried(a, part, "newest step")
    assert own.word is Word.supported and "+90 to January 2024, +100 to January 2025;" in own.finding.text
    assert newest.word is Word.contradicted and "+20 to January 2026" in newest.finding.text
    assert a.word is Word.supported and "newest step" in a.now.why  # SIPRI's own definition decides
    then = {t.definition: t for p in a.then.parts for t in p.tests}
    assert then[newest.definition].word is Word.supported  # on the day the newest step was +100
    assert "January 2026" not in then[newest.definition].finding.text


def test_1000_by_2030_is_a_chance_by_definition_and_day() -> None:
    from detente.forces.project import project
    from detente.forces.questions import answers

    a = judged("C002")
    trials = [t for p in a.now.parts for t in p.tests]
    assert len({t.definition for t in trials}) == 4 and all(0 <= (t.finding.p or 0) <= 1 for t in trials)
    made = project("CN", 2031, known=TODAY, n=rooms.DRAWS, seed=rooms.SEED)
    direct = {
        (x.definition, x.by): x.p for x in answers(made, 1000.0, (date(2030, 12, 31),))
    }  # the room's own answer: nothing is computed here
    (end,) = tried(a, "more than 1000 by 2030", "military stockpile, by the end of 2030")
    assert end.finding.p == direct["stockpile", "2030-12-31"]
    assert a.word is Word.undecided
    assert a.then.known == date(2026, 2, 6) and a.then.parts[0].tests[0].finding.p != trials[0].finding.p


@pytest.mark.parametrize("name", ["C006", "C011", "C026", "C040", "C055"])
def test_a_stance_is_recorded_and_not_judged(name: str) -> None:
    a = judged(name)
    assert a.word is Word.recorded and a.then.word is Word.recorded and not a.now.parts


def test_violations_are_split_into_what_was_found_and_what_was_not() -> None:
    a = judged("C001")
    words = {p.part: p.word for p in a.now.parts}
    assert words["a finding on inspections and the commission"] is Word.supported
    assert words["the limits on deployed warheads and systems"] is Word.contradicted
    assert words["the limit on launchers"] is Word.contradicted
    assert a.word is Word.undecided and a.untested
    (finding,) = tried(a, "a finding on inspections and the commission")
    assert "2023-01-31" in finding.finding.text and "no excess over the limits" in finding.finding.text
    (limits,) = tried(a, "the limits on deployed warheads and systems")
    assert limits.finding.margin == 1  # 1549 of 1550 declared for 2022-09-01
    denial = {p.part: p.word for p in judged("C025").now.parts}
    assert denial["the limits on deployed warheads and systems"] is Word.supported  # the same record, denied


def test_the_findings_were_not_there_before_2023() -> None:
    import msgspec

    early = msgspec.structs.replace(claim("C001"), date="2022-01-15")
    a = assess_claim(early, TODAY)
    found = {p.part: p.word for p in a.then.parts}
    assert found["a finding on inspections and the commission"] is Word.undecided
    assert a.now.parts[0].word is Word.supported


def test_901_turns_on_the_reading() -> None:
    a = judged("C032")
    texts = [t.finding.text for p in a.now.parts for t in p.tests]
    assert "901 against 800" in texts[0] and "101 over" in texts[0]
    assert "800 against 800" in texts[1]
    assert a.word is Word.undecided and "turns on the definition" in a.now.why


def test_the_treaty_had_ended() -> None:
    assert judged("C024").word is Word.supported
    assert judged("C034").word is Word.supported


@monitor
def test_the_test_of_2020_is_undecided_with_the_numbers() -> None:
    from detente.monitor.event_files import read_event
    from detente.monitor.event_report import analyse

    a = judged("C003")
    assert a.word is Word.undecided is judged("C037").word
    report = analyse(read_event("lop-nor-2020"), draws=rooms.EVENT_DRAWS, seed=rooms.SEED).report
    said = next(s for s in report.statements if s.id == "us-explosion")
    (test,) = tried(a, "a nuclear explosion")
    assert said.numbers in test.finding.text and "Bayes factor" in said.numbers
    assert "2026-04-16" in a.then.parts[0].tests[0].finding.text  # the readings came out after the claim
    assert a.changes


@monitor
def test_500_tonnes_stands_against_the_capability_map() -> None:
    a = judged("C041")
    part = "detection from about 500 tonnes"
    (there,) = tried(a, part, "at Lop Nor")
    (worst,) = tried(a, part, "where the network is worst")
    assert there.word is Word.supported and (there.finding.margin or 0) > 10
    assert worst.word is Word.undecided and "t by magnitude-yield law" in worst.finding.text
    (beside,) = (t for t in a.now.beside if "muffled" in t.definition)
    assert beside.word is Word.contradicted


@monitor
def test_a_day_has_every_claim_of_its_time_with_doors() -> None:
    section = claims_section(TODAY)
    assert section is not None and len(section.assessed) == 56
    for a in section.assessed:
        assert (a.word is Word.recorded) == (a.claim.standing == "position")
        for t in (t for p in a.now.parts for t in p.tests):
            assert t.finding.text.endswith(".") or ":" in t.finding.text
            assert t.finding.command.startswith("detente "), (a.claim.id, t)
            assert t.finding.changes, (a.claim.id, t)
            assert t.finding.sources or t.finding.facts or t.finding.marks or t.word is Word.undecided
            assert "-0 " not in t.finding.text and "nan" not in t.finding.text
    assert sum(section.tally.values()) == 56


def test_a_day_before_all_claims_has_none() -> None:
    assert claims_section(date(2019, 1, 1)) is None
    early = claims_section(date(2022, 4, 1))
    assert early is not None and {a.claim.id for a in early.assessed} == {
        "C022",
        "C032",
        "C033",
        "C048",
        "C055",
    }


def test_without_the_monitoring_packages_its_claims_are_open_and_say_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms, "monitor_is_here", lambda: False)
    for name in ("C003", "C005", "C041"):
        a = judged(name)
        assert a.word is Word.undecided and "pip install 'detente[monitor]'" in a.changes
    assert judged("C056").word is Word.supported


def test_a_claim_of_a_month_is_known_at_its_end() -> None:
    assert claim("C043").day == date(2026, 3, 31)
    assert judged("C044").then.known == date(2025, 6, 30)


def test_no_day_before_the_claim_is_asked_about() -> None:
    assert assess_claim(claim("C056"), date(2020, 1, 1)).now.known == date(2026, 2, 6)


@monitor
def test_every_command_that_is_named_answers(capsys: pytest.CaptureFixture[str]) -> None:
    import shlex

    from detente.cli import command_names, summary
    from detente.cli._app import run

    section = claims_section(TODAY)
    assert section is not None
    commands = {n: summary(n) for n in command_names()}
    named = {
        t.finding.command
        for a in section.assessed
        for t in (*(t for p in a.now.parts for t in p.tests), *a.now.beside)
    }
    for command in sorted(named):
        first, *arguments = shlex.split(command)
        assert first == "detente" and run(arguments, commands) in (0, 1), capsys.readouterr().err
        assert capsys.readouterr().out

"""Symmetric treatment: swapping the parties swaps the verdict and nothing else; the speaker is no input."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import msgspec
import pytest

from detente.assess.claims import Claim, Trial, all_claims
from detente.assess.judge import Word, assess_claim, weakest, word_of
from detente.assess.questions import Declared, Finding, Passes, Ratio, compared
from detente.forces import declarations
from detente.tables import Row

DAY, TODAY = "2019-09-01", date(2026, 11, 23)
OVER, WITHIN = ("710", "1600", "810"), ("690", "1500", "790")


def synthetic(question: Any, **more: Any) -> Claim:
    given: dict[str, Any] = {
        "id": "C999", "date": "2020-01-01", "party": "UK", "speaker": "a synthetic speaker",
        "kind": "assertion", "text": "x", "standing": "computable", "sources": ("here",),
        "tests": (Trial(part="p", definition="d", question=question),), **more,
    }  # fmt: skip
    return Claim(**given)


def world(monkeypatch: pytest.MonkeyPatch, us: tuple[str, ...], ru: tuple[str, ...]) -> None:
    """Declarations of one day as they are not: numbers of both parties chosen here."""
    columns = ("deployed_delivery_systems", "deployed_warheads", "total_launchers")
    rest = {"as_of": DAY, "published": "2019-10-01", "quality": "official", "source": "synthetic", "note": ""}
    rows = tuple(
        Row({"party": p, **dict(zip(columns, n, strict=True)), **rest}, "x")
        for p, n in (("US", us), ("RU", ru))
    )
    monkeypatch.setattr(declarations, "_aggregates", lambda: rows)
    monkeypatch.setattr(declarations, "_systems", lambda: ())


def over(party: str) -> Claim:
    return synthetic(
        Declared(
            instrument="new-start",
            limits=("II.1.a", "II.1.b", "II.1.c"),
            party=party,
            since=DAY,
            until=DAY,
            says="over",
        )
    )


PAIRS = (("the United States", "Russia"), ("The United States", "Russia"), ("US", "RU"))


def mirrored(text: str) -> str:
    """The text with the two parties exchanged."""
    text = re.sub(r"\b[Tt]he United States\b", "\0", text)
    text = re.sub(r"\bRussia\b", "\1", text)
    text = re.sub(r"\bUS\b", "\2", text)
    text = re.sub(r"\bRU\b", "\3", text)
    return text.translate({0: "Russia", 1: "the United States", 2: "RU", 3: "US"})


def told(claim: Claim) -> str:
    text = msgspec.json.encode(assess_claim(claim, TODAY), order="deterministic").decode()
    return text.replace("The United States", "the United States")


def test_a_mirrored_world_gives_the_mirrored_assessment_to_the_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world(monkeypatch, us=OVER, ru=WITHIN)
    us, ru = told(over("US")), told(over("RU"))
    world(monkeypatch, us=WITHIN, ru=OVER)
    assert told(over("RU")) == mirrored(us)
    assert told(over("US")) == mirrored(ru)


def test_swapping_the_party_swaps_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    world(monkeypatch, us=OVER, ru=WITHIN)
    us, ru = (assess_claim(over(p), TODAY) for p in ("US", "RU"))
    assert (us.word, ru.word) == (Word.supported, Word.contradicted)
    assert us.changes == tuple(mirrored(c) for c in ru.changes)
    assert skeleton(us.now.parts[0].tests[0].finding.text.partition("(")[0]) == skeleton(
        mirrored(ru.now.parts[0].tests[0].finding.text.partition("(")[0])
    )


def skeleton(text: str) -> str:
    return re.sub(r"[\d ]+", "#", text).casefold().rstrip("#. ")


@pytest.mark.parametrize("pair", [("CN", "RU"), ("RU", "US"), ("FR", "UK"), ("CN", "US")])
def test_more_than_the_other_turns_with_the_names(pair: tuple[str, str]) -> None:
    a, b = pair
    words = {
        (x, y): assess_claim(synthetic(Ratio(party=x, other=y, value=1, relation="above")), TODAY).word
        for x, y in ((a, b), (b, a))
    }
    assert set(words.values()) == {Word.supported, Word.contradicted}


@pytest.mark.parametrize("name", ["C001", "C024", "C032", "C035", "C044"])
def test_who_speaks_is_no_input_of_the_verdict(name: str) -> None:
    given = next(c for c in all_claims() if c.id == name)
    other = msgspec.structs.replace(given, party="FR", speaker="somebody else", kind="denial")
    first, second = assess_claim(given, TODAY), assess_claim(other, TODAY)
    assert (first.now, first.then, first.changes) == (second.now, second.then, second.changes)


def test_the_verdict_follows_the_record_not_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    real = assess_claim(over("RU"), TODAY).word
    world(monkeypatch, us=WITHIN, ru=OVER)
    assert (real, assess_claim(over("RU"), TODAY).word) == (Word.contradicted, Word.supported)


def test_a_chance_is_a_word_only_at_the_stated_thresholds() -> None:
    chances = {0.0: Word.contradicted, 0.01: Word.contradicted, 0.0101: Word.undecided, 0.5: Word.undecided}
    chances |= {0.9899: Word.undecided, 0.99: Word.supported, 1.0: Word.supported}
    for p, word in chances.items():
        assert word_of(Finding(answer="open", text="", p=p)) is word


def test_a_conjunction_is_as_weak_as_its_weakest_part() -> None:
    assert weakest([Word.supported, Word.consistent]) is Word.consistent
    assert weakest([Word.supported, Word.undecided, Word.consistent]) is Word.undecided
    assert weakest([Word.undecided, Word.contradicted]) is Word.contradicted


def test_relations() -> None:
    assert compared(90, "about", 100, 0.15) == (True, 5.0)
    assert compared(84, "about", 100, 0.15)[0] is False
    assert compared(1, "above", 1, 0)[0] is False and compared(1, "at_least", 1, 0)[0] is True
    assert compared(1, "below", 1, 0)[0] is False and compared(1, "at_most", 1, 0)[0] is True
    assert compared(2, "equal", 2, 0) == (True, 0.0) and compared(2.5, "equal", 2, 0) == (False, -0.5)


def test_rival_definitions_that_disagree_leave_it_undecided() -> None:
    def ratio(bound: float, role: str) -> Trial:
        asked = Ratio(party="CN", other="US", value=bound, relation="at_most")
        return Trial(part="p", definition=str(bound), question=asked, role=role)  # type: ignore[arg-type]

    def word(*tests: Trial) -> Word:
        return assess_claim(synthetic(None, tests=tests), TODAY).word

    assert word(ratio(0.5, "used")) is Word.supported
    assert word(ratio(0.5, "used"), ratio(0.01, "rival")) is Word.undecided
    assert word(ratio(0.5, "stated"), ratio(0.01, "rival")) is Word.supported  # the speaker said which
    assert word(ratio(0.5, "used"), ratio(0.01, "beside")) is Word.supported
    assert word(ratio(0.5, "used"), ratio(0.01, "used")) is Word.contradicted  # both were meant


def test_a_projection_speaks_of_any_party_in_the_same_words() -> None:
    texts = [
        assess_claim(synthetic(Passes(party=p, limit=10_000, by="2030-01-01")), TODAY) for p in ("US", "RU")
    ]
    lines = [skeleton(mirrored(t.now.parts[0].tests[0].finding.text)) for t in texts[:1]]
    lines += [skeleton(t.now.parts[0].tests[0].finding.text) for t in texts[1:]]
    assert lines[0] == lines[1] and {t.word for t in texts} == {Word.contradicted}

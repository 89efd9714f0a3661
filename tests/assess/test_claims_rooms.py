"""Each kind of question on facts that are known from elsewhere, and its errors."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from detente.assess import rooms
from detente.assess.judge import ROOMS
from detente.assess.questions import Asked, Question
from detente.errors import DetenteError

TODAY = date(2026, 11, 23)


def answer(asked: dict[str, Any], day: str = "2026-03-01", known: date = TODAY) -> Any:
    question = msgspec.convert(asked, Question)
    return ROOMS[type(question)](question, date.fromisoformat(day), known)


def test_every_kind_has_a_room() -> None:
    assert set(ROOMS) == set(Asked.__subclasses__())


KNOWN = [
    # the treaty's own text and parties
    ({"ask": "member", "instrument": "new-start", "party": "CN", "says": False}, "2026-03-01", "yes"),
    ({"ask": "member", "instrument": "new-start", "party": "RU", "says": False}, "2026-03-01", "no"),
    ({"ask": "bound", "instrument": "new-start", "limit": "II.1.c", "party": "US", "value": 800}, "2020-01-01", "yes"),
    ({"ask": "bound", "instrument": "inf", "limit": "IV.1", "party": "US", "value": 5}, "2000-01-01", "no"),
    # in force 5 February 2011 to 5 February 2026; suspended in Russia's view from 21 February 2023
    ({"ask": "status", "instrument": "new-start", "states": ["in force"]}, "2020-01-01", "yes"),
    ({"ask": "status", "instrument": "new-start", "states": ["in force"]}, "2023-03-15", "open"),
    ({"ask": "status", "instrument": "new-start", "states": ["expired"]}, "2026-02-04", "no"),
    ({"ask": "status", "instrument": "new-start", "states": ["expired"]}, "2026-02-05", "yes"),
    ({"ask": "status", "instrument": "ctbt", "states": ["in force"]}, "2026-02-05", "no"),
    # who is bound by what
    ({"ask": "bound_by", "party": "US", "topics": ["limits"], "says": "none"}, "2020-01-01", "no"),
    ({"ask": "bound_by", "party": "US", "topics": ["limits"], "says": "none"}, "2024-01-01", "open"),
    ({"ask": "bound_by", "party": "US", "topics": ["limits"], "says": "none"}, "2026-03-01", "yes"),
    ({"ask": "bound_by", "party": "CN", "topics": ["notification"], "says": "some"}, "2026-03-01", "yes"),
    ({"ask": "bound_by", "party": "CN", "topics": ["notification"], "says": "some"}, "2009-01-01", "no"),
    ({"ask": "duty", "instrument": "launch-notification-1988", "duty": "launch", "party": "US"}, "2026-03-01", "yes"),
    ({"ask": "duty", "instrument": "launch-notification-1988", "duty": "launch", "party": "CN"}, "2026-03-01", "no"),
    # published counts: SIPRI 2025 and 2026, Trident alone in the United Kingdom
    ({"ask": "level", "party": "CN", "value": 600, "relation": "equal", "of": "2025-01"}, "2026-03-01", "yes"),
    ({"ask": "level", "party": "CN", "value": 600, "relation": "above", "of": "2025-01"}, "2026-03-01", "no"),
    ({"ask": "level", "party": "CN", "value": 600, "relation": "above", "of": "2031-01"}, "2026-03-01", "open"),
    ({"ask": "level", "party": "world", "value": 12187, "relation": "equal", "status": "inventory",
      "of": "2026-01"}, "2026-07-01", "yes"),
    ({"ask": "steps", "party": "CN", "since": 2023, "value": 70, "relation": "equal"}, "2026-07-01", "yes"),
    ({"ask": "steps", "party": "CN", "since": 2026, "value": 70, "relation": "equal"}, "2026-07-01", "open"),
    ({"ask": "ratio", "party": "RU", "other": "US", "value": 1, "relation": "above"}, "2026-07-01", "yes"),
    ({"ask": "legs", "party": "UK", "value": 1}, "2026-07-01", "yes"),
    ({"ask": "legs", "party": "US", "value": 1}, "2026-07-01", "no"),
    # the year of the database that the US withheld and Russia did not give
    ({"ask": "declared", "instrument": "new-start", "limits": ["II.1.b"], "party": "RU", "since": "2023-01-01",
      "until": "2026-01-01", "says": "within"}, "2026-03-01", "open"),
    ({"ask": "declared", "instrument": "new-start", "limits": ["II.1.b"], "party": "US", "since": "2023-01-01",
      "until": "2026-01-01", "says": "within"}, "2026-03-01", "yes"),
    # 800 launchers of the United States by its own reading, which Russia does not share
    ({"ask": "declared", "instrument": "new-start", "limits": ["II.1.c"], "party": "US", "since": "2022-03-01",
      "until": "2022-03-01", "says": "within"}, "2026-03-01", "yes"),
    ({"ask": "reading", "instrument": "new-start", "limit": "II.1.c", "party": "US", "day": "2022-03-01",
      "reading": "conversions-unconfirmed", "says": "over", "margin": 100}, "2026-03-01", "no"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "day", "expected"), KNOWN, ids=lambda x: str(x)[:60])
def test_known_answers(asked: dict[str, Any], day: str, expected: str) -> None:
    assert answer(asked, day).answer == expected


def test_nothing_that_was_published_later_is_known() -> None:
    asked = {"ask": "steps", "party": "CN", "since": 2023, "value": 100, "relation": "about", "over": "last"}
    assert "January 2025" not in answer(asked, "2025-06-01", known=date(2025, 6, 1)).text
    assert "+100 to January 2025" in answer(asked, "2025-07-01", known=date(2025, 7, 1)).text
    act = {"ask": "act", "instrument": "new-start", "statement": "us-finding-2023"}
    assert answer(act, known=date(2023, 1, 30)).answer == "open"
    assert answer(act, known=date(2023, 1, 31)).answer == "yes"


@pytest.mark.parametrize(
    "asked",
    [
        {"ask": "status", "instrument": "new-start", "states": ["dead"]},
        {"ask": "status", "instrument": "new-stat", "states": ["expired"]},
        {"ask": "act", "instrument": "new-start", "statement": "us-finding"},
        {"ask": "duty", "instrument": "new-start", "duty": "nothing", "party": "US"},
        {"ask": "bound", "instrument": "new-start", "limit": "II.1.d", "party": "US", "value": 1},
        {"ask": "passes", "party": "CN", "by": "2030-01-01"},
    ],
    ids=str,
)
def test_a_question_that_cannot_be_asked_says_so(asked: dict[str, Any]) -> None:
    with pytest.raises(DetenteError):
        answer(asked)


def test_upload_is_the_forces_room_s_own_answer() -> None:
    from detente.forces.breakout import breakout

    direct = breakout("US", "new-start", known=TODAY, n=rooms.DRAWS, seed=rooms.SEED)
    found = answer({"ask": "breakout", "party": "US", "law": "new-start"})
    assert found.answer == "yes" and found.margin == direct.gain[0] > 0


@pytest.mark.skipif(not rooms.monitor_is_here(), reason="needs detente[monitor]")
def test_capability_is_the_site_report_s_own_answer() -> None:
    from detente.monitor.site import find_place, site_report
    from detente.monitor.tonnage import COUPLED

    report = site_report(rooms.network(), find_place("lop-nor"), (COUPLED,), magnitude=2.75)
    level = report.levels[2]
    (span,) = level.tonnes

    def asked(tonnes: float, says: str) -> str:
        q = {"ask": "capability", "place": "lop-nor", "tonnes": tonnes, "says": says}
        return str(answer(q).answer)

    assert asked(span.high_t, "detected") == "yes" and asked(span.high_t, "hidden") == "no"
    assert asked(0.9 * span.low_t, "hidden") == "yes"
    assert asked((span.low_t + span.high_t) / 2, "detected") == "open"
    missed = {"ask": "detection", "place": "lop-nor", "magnitude": 2.75, "says": "missed"}
    assert answer(missed).p == pytest.approx(1 - (level.probability or 0))

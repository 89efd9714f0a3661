"""The test ban's entry into force against lists that were published at the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from detente.treaty.life import events_known, missing_ratifications
from detente.treaty.load import load

CTBT = load("ctbt").instrument
ANNEX_2 = set(CTBT.groups["annex-2"].members)
# CTBTO, March 2006: the 34 that had ratified
OF_2006 = {
    "DZ",
    "AR",
    "AU",
    "AT",
    "BD",
    "BE",
    "BG",
    "BR",
    "CA",
    "CL",
    "CD",
    "FI",
    "FR",
    "DE",
    "HU",
    "IT",
    "JP",
    "KR",
    "MX",
    "NL",
    "NO",
    "PE",
    "PL",
    "RO",
    "RU",
    "SK",
    "ZA",
    "ES",
    "SE",
    "CH",
    "TR",
    "UA",
    "UK",
    "VN",
}
# atomicarchive, between October 1999 and February 2000: the 26 that had ratified
OF_1999 = {
    "AR",
    "AU",
    "AT",
    "BE",
    "BR",
    "UK",
    "BG",
    "CA",
    "FI",
    "FR",
    "DE",
    "HU",
    "IT",
    "JP",
    "MX",
    "NL",
    "NO",
    "PE",
    "PL",
    "RO",
    "SK",
    "ZA",
    "KR",
    "ES",
    "SE",
    "CH",
}


def ratified(day: str) -> set[str]:
    return ANNEX_2 - set(missing_ratifications(CTBT, date.fromisoformat(day)))


def test_annex_2_has_44_states() -> None:
    assert len(ANNEX_2) == 44


def test_the_nine_that_are_missing() -> None:
    missing = set(missing_ratifications(CTBT, date(2026, 11, 23)))
    assert missing == {"CN", "KP", "EG", "IN", "IR", "IL", "PK", "RU", "US"}


@pytest.mark.parametrize(
    ("day", "states"),
    [
        ("1998-04-06", {"AT", "JP", "PE", "SK", "UK", "FR"}),
        ("2000-01-31", OF_1999),
        ("2004-09-28", OF_2006 - {"VN"}),
        ("2006-03-10", OF_2006),
    ],
)
def test_lists_published_at_the_time(day: str, states: set[str]) -> None:
    assert ratified(day) == states


@pytest.mark.parametrize(("day", "number"), [("2001-11-26", 31), ("2023-11-01", 36), ("2023-11-02", 35)])
def test_counts_published_at_the_time(day: str, number: int) -> None:
    assert len(ratified(day)) == number


def test_it_never_entered_into_force_and_would_after_180_days(law: Callable[..., object]) -> None:
    assert "entry_into_force" not in events_known(CTBT, date(2026, 11, 23))
    # all nine ratify on one day: in force 180 days later
    from detente.treaty.load import checked

    text = load("ctbt").text
    tree = dict(text.tree)
    nine = ["CN", "KP", "EG", "IN", "IR", "IL", "PK", "RU", "US"]
    last = {"id": "all", "act": "ratified", "date": "2027-01-01", "by": nine, "article": "deposit"}
    tree["life"] = [*tree["life"], last | {"cite": ["UNTC"], "quality": "assumed"}]
    from msgspec.structs import replace

    changed = checked(replace(text, tree=tree)).instrument
    assert events_known(changed, date(2027, 1, 1))["entry_into_force"].earliest == date(2027, 6, 30)

"""The status of every instrument on days that tell, in each party's eyes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detente.treaty.life import State

CASES = [
    # instrument, day, viewer, state
    ("salt-1-interim", "1972-10-02", "US", "signed"),
    ("salt-1-interim", "1972-10-03", "US", "in force"),
    ("salt-1-interim", "1977-10-02", "SU", "in force"),
    ("salt-1-interim", "1977-10-03", "US", "observed voluntarily"),
    ("salt-1-interim", "1986-05-26", "US", "observed voluntarily"),
    ("salt-1-interim", "1986-05-27", "US", "expired"),
    ("ptbt", "1963-10-09", "UK", "signed"),
    ("ptbt", "1963-10-10", "UK", "in force"),
    ("ptbt", "2026-11-23", "RU", "in force"),
    ("ttbt", "1975-01-01", "US", "signed"),
    ("ttbt", "1977-01-01", "RU", "observed voluntarily"),
    ("ttbt", "1990-12-11", "US", "in force"),
    ("ttbt", "2026-11-23", "US", "in force"),  # renews itself every five years
    ("pnet", "1976-05-27", "US", "not signed"),
    ("pnet", "1976-05-28", "US", "signed"),
    ("pnet", "1990-12-11", "RU", "in force"),
    ("inf", "1988-05-31", "US", "signed"),
    ("inf", "2019-02-01", "US", "in force"),
    ("inf", "2019-02-02", "RU", "suspended"),
    ("inf", "2019-08-02", "RU", "withdrawn"),
    ("start-1", "1994-12-04", "UA", "signed"),
    ("start-1", "1994-12-05", "KZ", "in force"),
    ("start-1", "2009-12-05", "RU", "expired"),
    ("start-2", "1999-01-01", "US", "signed"),
    ("start-2", "2002-06-14", "RU", "withdrawn"),
    ("sort", "2003-06-01", "US", "in force"),
    ("sort", "2011-02-05", "US", "terminated"),
    ("new-start", "2023-02-20", "RU", "in force"),
    ("new-start", "2023-02-21", "RU", "suspended"),
    ("new-start", "2023-02-21", "US", "in force"),
    ("new-start", "2026-02-04", "US", "in force"),
    ("new-start", "2026-02-05", "RU", "expired"),
    ("hotline-1963", "1963-06-20", "US", "in force"),
    ("nrrc-1987", "2026-11-23", "US", "in force"),
    ("launch-notification-1988", "2026-11-23", "RU", "in force"),
    ("strategic-exercises-1989", "1989-12-31", "US", "signed"),
    ("strategic-exercises-1989", "1990-01-01", "US", "in force"),
    ("strategic-exercises-1989", "2026-11-23", "US", "in force"),
    ("china-russia-2009", "2010-12-15", "CN", "signed"),
    ("china-russia-2009", "2026-11-23", "CN", "in force"),
    ("china-russia-2009", "2030-12-15", "RU", "in force"),
    ("china-russia-2009", "2030-12-16", "RU", "expired"),
    ("hague-code", "2002-11-25", "US", "in force"),
    ("ctbt", "2026-11-23", "US", "signed"),
    ("putin-offer-2025", "2025-09-21", "US", "not signed"),
    ("putin-offer-2025", "2025-09-22", "US", "offered"),
    ("putin-offer-2025", "2026-02-05", "RU", "declined"),
    ("p5-statement-2022", "2022-01-03", "CN", "observed voluntarily"),
    ("lavrov-statement-2026", "2026-02-10", "RU", "not signed"),
    ("lavrov-statement-2026", "2026-02-11", "RU", "observed voluntarily"),
]


@pytest.mark.parametrize(("name", "day", "viewer", "state"), CASES)
def test_status(law: Callable[..., object], name: str, day: str, viewer: str, state: str) -> None:
    found = law(name, day).status().views[viewer]
    assert found.state is State(state)


def test_1977_day_by_day_known_only_then(law: Callable[..., object]) -> None:
    """Who did not know of the extension of 2020 saw the China-Russia agreement end in 2020."""
    then = law("china-russia-2009", "2020-12-16", known="2020-12-01").status()
    assert then.state is State.expired


@pytest.mark.parametrize(
    ("name", "party", "day", "state"),
    [
        ("ctbt", "IN", "2026-11-23", "not signed"),
        ("ctbt", "KP", "2026-11-23", "not signed"),
        ("ctbt", "CN", "2026-11-23", "signed"),
        ("hague-code", "CN", "2026-11-23", "not a party"),
        ("hague-code", "IN", "2016-05-31", "not a party"),
        ("hague-code", "IN", "2016-06-01", "in force"),
        ("ptbt", "FR", "1974-01-01", "not a party"),
    ],
)
def test_towards_a_state_that_may_join(
    law: Callable[..., object], name: str, party: str, day: str, state: str
) -> None:
    assert law(name, day).status(party).state is State(state)

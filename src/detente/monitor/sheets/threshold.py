"""Does a treaty's yield threshold apply where and when an event was? And how probably was it passed?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np

from detente.monitor.bulletin.records import Event
from detente.monitor.character.magnitudes import as_idc, body_wave
from detente.monitor.character.yields import UNKNOWN_ROCK, nearest_site

WEAPON_SITES: Final = {"nevada": "US", "semipalatinsk": "SU", "novaya-zemlya": "SU"}
"""Whose weapon test site it was, by the ids of ``data/yield_sites.csv``: the parties of the threshold treaty."""

TREATY: Final = "Threshold Test Ban Treaty"
BOUND_KT: Final = 150.0
OBSERVED_FROM: Final = "1977-01-01"  # both said so in 1976; the library has the year alone
IN_FORCE_FROM: Final = "1990-12-11"
"""As `library/ttbt` has them: this room does not import the law, `tests/monitor/sheets` holds the two together."""


class Threshold(msgspec.Struct, frozen=True):
    """A bound on one test's yield (kt) that bound the site's party on the day: of which treaty, in what state."""

    kt: float
    treaty: str
    article: str
    state: str
    party: str


def threshold_applies(event: Event) -> Threshold | None:
    """The Threshold Test Ban Treaty's bound, where the event lies at a party's test site while it was kept."""
    site, _ = nearest_site(event)
    if site is UNKNOWN_ROCK or site.id not in WEAPON_SITES:
        return None
    return _bound(WEAPON_SITES[site.id], datetime.fromtimestamp(event.origin.time, UTC).date().isoformat())


def _bound(party: str, day: str) -> Threshold | None:
    if day < OBSERVED_FROM:
        return None
    state = "in force" if day >= IN_FORCE_FROM else "observed voluntarily"
    return Threshold(BOUND_KT, TREATY, "Art. I.1", state, party)


def p_above(event: Event, kt: float, *, seed: int = 1) -> float | None:
    """Probability that the coupled yield is over `kt`, if it was an explosion; None where no yield is known."""
    from detente.monitor.magnitude_yield import estimate_yield

    mb = body_wave(event)
    if not event.yields or mb is None:
        return None
    site, _ = nearest_site(event)
    draws = estimate_yield(as_idc(mb), site, kind="mb", agency="idc", sd=mb.sd, seed=seed).draws
    return float(np.mean(draws > kt))

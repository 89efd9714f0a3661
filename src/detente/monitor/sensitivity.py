"""How far an event's weighing moves when an assumption takes another credible value."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import msgspec
import numpy as np

from detente.errors import DetenteError
from detente.monitor.event import Event, Region
from detente.monitor.event_size import pattern_likelihood, sizes
from detente.monitor.hypotheses import Weighed, weigh

OTHER_MODEL = {"ak135": "iasp91", "iasp91": "ak135"}
AT_SITE = (0.1, 0.9)  # share of chemical blasts that lie in the test areas


def variants(event: Event, base: Weighed, *, model: str = "ak135") -> dict[str, Weighed]:
    """The weighing under each other assumption, by its name in words; `base`: under those of the file."""
    draws = len(next(iter(base.sizes.values())).mb)
    changed: dict[str, tuple[Event, float, str]] = {
        "path errors doubled": (event, 2.0, model),
        f"travel times of {OTHER_MODEL[model]}": (event, 1.0, OTHER_MODEL[model]),
        "ordinary sources from a box half as wide and high": (
            msgspec.structs.replace(event, region=_halved(event)),
            1.0,
            model,
        ),
    }
    if event.areas and any(h.kind == "chemical" for h in event.hypotheses):
        for share in AT_SITE:
            changed[f"{100 * share:.0f} % of blasts at the test areas"] = (
                _blasts_at(event, share),
                1.0,
                model,
            )
    found = {}
    for name, (other, widen, earth) in changed.items():
        # an assumption under which nothing fits says nothing about which hypothesis is better
        with suppress(DetenteError):
            found[name] = weigh(
                other, draws=draws, seed=base.seed, widen=widen, model=earth, reuse=base.sizes
            )
    if event.pattern is not None:
        found["size by the magnitude alone"] = _resized(
            event, msgspec.structs.replace(event, pattern=None), base
        )
    if event.magnitude.type != "mb":
        as_mb = [msgspec.structs.replace(m, type="mb") if m.used else m for m in event.magnitudes]
        found["the magnitude read as mb"] = _resized(
            event, msgspec.structs.replace(event, magnitudes=as_mb), base
        )
    return found


def _blasts_at(event: Event, share: float) -> Event:
    other = [
        msgspec.structs.replace(h, in_areas=share) if h.kind == "chemical" else h for h in event.hypotheses
    ]
    return msgspec.structs.replace(event, hypotheses=other)


def _halved(event: Event) -> Region:
    """The region halved in both directions about its test areas, or about its own middle."""
    r = event.region
    lat = float(np.mean([a.lat for a in event.areas])) if event.areas else (r.south + r.north) / 2
    lon = float(np.mean([a.lon for a in event.areas])) if event.areas else (r.west + r.east) / 2
    south, north = (lat + (edge - lat) / 2 for edge in (r.south, r.north))
    west, east = (lon + (edge - lon) / 2 for edge in (r.west, r.east))
    return Region(south=south, north=north, west=west, east=east, basis="halved")


def _resized(event: Event, other: Event, base: Weighed) -> Weighed:
    """`base` with the sizes of another event file, the places being the same."""
    pattern, draws = pattern_likelihood(other), len(next(iter(base.sizes.values())).mb)
    size = [
        sizes(other, h, draws=min(draws, 20_000), seed=base.seed, pattern=pattern).evidence
        for h in event.hypotheses
    ]
    with np.errstate(divide="ignore"):
        return msgspec.structs.replace(base, size=np.log10(size))


def weakest(factors: Iterable[float]) -> float:
    """Of several log10 factors, the one nearest to zero; zero where they point both ways."""
    values = list(factors)
    if min(values) <= 0 <= max(values):
        return 0.0
    return min(values, key=abs)

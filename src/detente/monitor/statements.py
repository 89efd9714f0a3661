"""What parties said of an event, each statement tested: compatible, incompatible or not testable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from detente.monitor.event import Event, Statement
from detente.monitor.event_location import Location, local_km
from detente.monitor.event_size import coupled_mb
from detente.monitor.hypotheses import Weighed, bayes_words
from detente.monitor.sensitivity import weakest

Array = npt.NDArray[np.float64]
Answer = Literal["compatible", "incompatible", "not testable"]
DECIDES = (
    20.0  # a Bayes factor (or its inverse) at which a statement is contradicted; Kass & Raftery "strong"
)
RARE = 0.05


class Tested(msgspec.Struct, frozen=True):
    """One statement, the answer, and the numbers it rests on."""

    id: str
    by: str
    date: str
    text: str
    answer: Answer
    numbers: str
    source: str


class Evidence(msgspec.Struct, frozen=True, eq=False):
    """What statements are tested against; `others`: the weighing under other credible assumptions."""

    event: Event
    weighed: Weighed
    others: tuple[Weighed, ...]
    located: tuple[Location, ...]
    seed: int


def test_statements(evidence: Evidence) -> list[Tested]:
    """Every statement of the event's file against what its data allow."""
    found = []
    for s in evidence.event.statements:
        answer, numbers = _TESTS[s.test](evidence, s)
        found.append(Tested(s.id, s.by, s.date, s.text, answer, numbers, s.source))
    return found


_Found = tuple[Answer, str]


def set_factor(log10_evidence: Array, prior: Array, inside: npt.NDArray[np.bool_]) -> float:
    """log10 Bayes factor of a set of hypotheses against the rest, each set averaged over its prior weights.

    A set whose members all have prior zero is averaged evenly.
    """
    value = []
    for chosen in (inside, ~inside):
        weight = prior[chosen] if prior[chosen].sum() > 0 else np.ones(int(chosen.sum()))
        top = log10_evidence[chosen].max()
        value.append(top + np.log10((weight / weight.sum()) @ 10 ** (log10_evidence[chosen] - top)))
    return float(value[0] - value[1])


def _of_set(s: Statement, ids: tuple[str, ...], evidence: list[Array], prior: Array) -> _Found:
    inside = np.array([i in s.says for i in ids])
    if inside.all() or not inside.any():
        return "not testable", "it names all hypotheses or none"
    factors = [set_factor(e, prior, inside) for e in evidence]
    left = weakest(factors)
    odds = f"Bayes factor {10 ** factors[0]:.2g} for it against the rest"
    numbers = (
        f"{odds} ({10 ** min(factors):.2g} to {10 ** max(factors):.2g} by assumption): {bayes_words(left)}"
    )
    if left <= -np.log10(DECIDES):
        return "incompatible", numbers
    return ("not testable" if abs(left) < np.log10(3) else "compatible"), numbers


def _sources(x: Evidence, s: Statement) -> _Found:
    w = x.weighed
    return _of_set(s, w.sources, [v.of_sources() for v in (w, *x.others)], w.prior_sources)


def _readings(x: Evidence, s: Statement) -> _Found:
    w = x.weighed
    return _of_set(s, w.readings, [v.of_readings() for v in (w, *x.others)], w.prior_readings)


def _yield(x: Evidence, s: Statement) -> _Found:
    if s.range_t is None or not s.says:
        return "not testable", "no range given"
    size = x.weighed.sizes[s.says[0]]
    p, q = size.between(s.range_t.low, s.range_t.high), size.quantiles()
    if q is None:
        return "not testable", f"{s.says[0]} has no yield"
    numbers = (
        f"under {s.says[0]}: median {q.mid:.3g} t, 90 % {q.low:.3g} to {q.high:.3g} t, "
        f"P({s.range_t.low:g} to {s.range_t.high:g} t) = {p:.2f}"
    )
    return ("compatible" if p >= RARE else "incompatible"), numbers


def _capability(x: Evidence, s: Statement) -> _Found:
    if s.range_t is None:
        return "not testable", "no yield given"
    e, rng = x.event, np.random.default_rng([x.seed, 7])
    mb = coupled_mb(e, np.full(20_000, s.range_t.low / 1000), rng)
    coupled = [h.id for h in e.hypotheses if h.kind == "nuclear-coupled"]
    low, mid, high = np.quantile(mb, (0.05, 0.5, 0.95))
    numbers = f"{s.range_t.low:g} t coupled would be mb {mid:.1f} ({low:.1f} to {high:.1f}); the event is M "
    numbers += f"{e.magnitude.low:g} to {e.magnitude.high:g}"
    if not coupled:
        return "not testable", numbers
    p = x.weighed.sizes[coupled[0]].above(s.range_t.low)
    numbers += f"; P(coupled yield > {s.range_t.low:g} t) {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
    return ("compatible" if p <= RARE else "incompatible"), numbers


def _place(x: Evidence, s: Statement) -> _Found:
    parts, best = [], 0.0
    for place in x.located:
        for area in (a for a in x.event.areas if a.id in s.says):
            level = outside_level(place, area.lat, area.lon)
            best = max(best, 1 - level)
            parts.append(f"{place.signal}: {area.id} centre on the {100 * level:.3g} % ellipse")
    area_km2 = min(place.ellipse().area_km2 for place in x.located)
    numbers = f"{'; '.join(parts)}; the smaller 90 % ellipse covers {area_km2:,.0f} km2"
    return ("compatible" if best >= RARE else "incompatible"), numbers


def outside_level(place: Location, lat: float, lon: float) -> float:
    """Level of the draws' Gaussian ellipse through (lat, lon): 0 at the centre, 1 far away."""
    lat0, lon0, _ = place.median
    xy = np.stack(local_km(place.lat, place.lon, lat0, lon0))
    to = np.array([float(v) for v in local_km(lat, lon, lat0, lon0)])
    return float(1 - np.exp(-to @ np.linalg.solve(np.cov(xy), to) / 2))


def _magnitude(x: Evidence, s: Statement) -> _Found:
    if s.range_m is None:
        return "not testable", "no magnitude given"
    m = x.event.magnitude
    overlap = s.range_m.low <= m.high and s.range_m.high >= m.low
    numbers = f"{m.by} gives {m.type} {m.low:g} to {m.high:g}"
    return ("compatible" if overlap else "incompatible"), numbers


def _open(x: Evidence, s: Statement) -> _Found:
    e, w = x.event, x.weighed
    evidence = w.of_sources()[w.prior_sources > 0]
    ids = np.array(w.sources)[w.prior_sources > 0]
    order = np.argsort(-evidence)
    kinds = {h.id: h.kind.split("-")[0] for h in e.hypotheses}
    rival = next((i for i in order if kinds[ids[i]] != kinds[ids[order[0]]]), order[-1])
    first, second = (w.sources.index(ids[i]) for i in (order[0], rival))
    factors = [float(v.of_sources()[first] - v.of_sources()[second]) for v in (w, *x.others)]
    left = weakest(factors)
    numbers = (
        f"best {ids[order[0]]} against best of another kind {ids[rival]}: factor {10 ** factors[0]:.2g} "
        f"({10 ** min(factors):.2g} to {10 ** max(factors):.2g} by assumption), {bayes_words(left)}"
    )
    return ("incompatible" if left >= np.log10(DECIDES) else "compatible"), numbers


def _none(x: Evidence, s: Statement) -> _Found:
    return "not testable", s.why or "no observation of this event bears on it"


_TESTS: dict[str, Callable[[Evidence, Statement], _Found]] = {
    "sources": _sources,
    "readings": _readings,
    "yield": _yield,
    "capability": _capability,
    "place": _place,
    "magnitude": _magnitude,
    "open": _open,
    "none": _none,
}

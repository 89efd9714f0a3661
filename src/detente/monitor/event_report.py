"""The whole analysis of one event as plain records: places, hypotheses, yields, statements."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from detente.errors import DetenteError
from detente.monitor.decoupling import MEASURED_IN, NOT_MEASURED
from detente.monitor.event import Event
from detente.monitor.event_location import Ellipse, Location, area_geometry, locate
from detente.monitor.hypotheses import Weighed, area_share, bayes_words, weigh
from detente.monitor.information import Worth, worths
from detente.monitor.magnitude_yield import laws, yield_of_magnitude
from detente.monitor.sensitivity import variants, weakest
from detente.monitor.statements import Evidence, Tested, set_factor, test_statements
from detente.verdict import Quantiles

Array = npt.NDArray[np.float64]
DECOUPLING_STATED = 70.0


class Place(msgspec.Struct, frozen=True):
    """A located signal: degrees, UTC; 5 and 95 % of the origin time, s; distances and P(inside) per area."""

    signal: str
    model: str
    lat: float
    lon: float
    origin: str
    origin_low_s: float
    origin_high_s: float
    distance_km: Quantiles
    ellipse: Ellipse
    ellipse_km2: float
    area_km: dict[str, Quantiles]
    inside: dict[str, float]


class Source(msgspec.Struct, frozen=True):
    """One hypothesis: prior, log10 evidence of size and of place and time, posterior; yield in tonnes."""

    id: str
    prior: float
    size: float
    place: float
    posterior: float
    yield_t: Quantiles | None
    above_100: float | None
    above_500: float | None
    effective_draws: float
    basis: str


class ReadingResult(msgspec.Struct, frozen=True):
    """One reading of the arrivals: prior, log10 evidence, posterior."""

    id: str
    text: str
    prior: float
    evidence: float
    posterior: float


class Pair(msgspec.Struct, frozen=True):
    """Bayes factor of one hypothesis over another, its range by assumption, what the weakest is worth."""

    first: str
    second: str
    factor: float
    low: float
    high: float
    words: str


class Moved(msgspec.Struct, frozen=True):
    """The factor for a nuclear test against the rest under another assumption."""

    assumption: str
    factor: float


class ByLaw(msgspec.Struct, frozen=True):
    """Yield (tonnes) that the middle magnitude means under one published law, read as mb."""

    law: str
    coupled_t: float
    decoupled_yield_convention_t: float
    decoupled_amplitude_convention_t: float
    marks: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """Everything that `detente event` prints."""

    event: str
    title: str
    draws: int
    seed: int
    places: list[Place]
    geometry: dict[str, tuple[float, float]]
    sources: list[Source]
    readings: list[ReadingResult]
    pairs: list[Pair]
    reading_pairs: list[Pair]
    test_against_rest: Pair | None
    moved: list[Moved]
    by_law: list[ByLaw]
    worth: list[Worth]
    statements: list[Tested]
    sentence: str
    marks: list[str]


class Analysis(msgspec.Struct, frozen=True, eq=False):
    """A report with the draws behind it, for the figures."""

    event: Event
    report: Report
    weighed: Weighed
    bare: list[Location]
    honest: list[Location]


def analyse(event: Event, *, draws: int = 100_000, seed: int = 1, model: str = "ak135") -> Analysis:
    """Locate, weigh and test one event with `draws` seeded draws. Raises DetenteError for too few or many."""
    if not 1000 <= draws <= 10_000_000:
        raise DetenteError(f"{draws} draws", fix="give 1000 to 10,000,000")
    bare = [locate(event, s, draws=draws, seed=seed, model=model) for s in event.signals]
    honest = [locate(event, s, draws=draws, seed=seed, path=event.path, model=model) for s in event.signals]
    weighed = weigh(event, draws=draws, seed=seed, model=model)
    others = variants(event, weighed, model=model)
    every = (weighed, *others.values())
    readings = _readings(event, weighed)
    reading_pairs = _pairs(weighed.readings, [w.of_readings() for w in every], weighed.prior_readings)
    against = _test_against_rest(event, every)
    report = Report(
        event=event.event,
        title=event.title,
        draws=draws,
        seed=seed,
        places=[_place(event, x) for x in (*bare, *honest)],
        geometry={a.id: area_geometry(event, a) for a in event.areas},
        sources=_sources(event, weighed),
        readings=readings,
        pairs=_pairs(weighed.sources, [w.of_sources() for w in every], weighed.prior_sources),
        reading_pairs=reading_pairs,
        test_against_rest=against,
        moved=[Moved(name, p.factor) for name, w in others.items() if (p := _test_against_rest(event, (w,)))],
        by_law=_by_law(event),
        worth=worths(event, weighed),
        statements=test_statements(Evidence(event, weighed, every[1:], tuple(honest), seed)),
        sentence=_sentence(against, readings, reading_pairs),
        marks=_marks(event),
    )
    return Analysis(event, report, weighed, bare, honest)


def _place(event: Event, x: Location) -> Place:
    lat, lon, origin = x.median
    low, high = np.quantile(x.origin_s, (0.05, 0.95))
    km = np.quantile(x.distance_deg, (0.05, 0.5, 0.95)) * 111.195
    ellipse = x.ellipse()
    return Place(
        signal=x.signal,
        model=x.model,
        lat=lat,
        lon=lon,
        origin=_clock(origin),
        origin_low_s=float(low - origin),
        origin_high_s=float(high - origin),
        distance_km=Quantiles(*(float(k) for k in km)),
        ellipse=ellipse,
        ellipse_km2=ellipse.area_km2,
        area_km={a.id: Quantiles(*x.distance_km(a)) for a in event.areas},
        inside={a.id: x.inside(a) for a in event.areas},
    )


def _clock(seconds: float) -> str:
    minutes, s = divmod(round(seconds * 10) / 10, 60)
    hours, m = divmod(int(minutes), 60)
    return f"{hours:02d}:{m:02d}:{s:04.1f}"


def _sources(event: Event, w: Weighed) -> list[Source]:
    total, posterior, found = w.of_sources(), w.posterior_sources(), []
    for i, h in enumerate(event.hypotheses):
        size = w.sizes[h.id]
        q = size.quantiles()
        found.append(
            Source(
                h.id,
                float(w.prior_sources[i]),
                float(w.size[i]),
                float(total[i] - w.size[i]),
                float(posterior[i]),
                q,
                size.above(100) if q else None,
                size.above(500) if q else None,
                size.effective(),
                h.basis,
            )
        )
    return found


def _readings(event: Event, w: Weighed) -> list[ReadingResult]:
    evidence, posterior = w.of_readings(), w.posterior_readings()
    return [
        ReadingResult(r.id, r.text, float(w.prior_readings[i]), float(evidence[i]), float(posterior[i]))
        for i, r in enumerate(event.readings)
    ]


def _pairs(ids: tuple[str, ...], evidence: list[Array], prior: Array) -> list[Pair]:
    """Every pair of those weighed, the better one first; `evidence`: as the file says, then the variants."""
    used = [i for i in range(len(ids)) if prior[i] > 0]
    found = []
    for n, i in enumerate(used):
        for j in used[n + 1 :]:
            if not np.isfinite(evidence[0][[i, j]]).any():
                continue  # neither can make the data: no factor
            a, b = (i, j) if evidence[0][i] >= evidence[0][j] else (j, i)
            found.append(_pair(ids[a], ids[b], [_gap(e[a], e[b]) for e in evidence]))
    return found


def _gap(a: float, b: float) -> float:
    """log10 factor, bounded where one side is impossible."""
    return float(np.clip(max(a, -300.0) - max(b, -300.0), -300, 300))


def _pair(first: str, second: str, log10_factors: list[float]) -> Pair:
    factor, low, high = (
        float(10 ** np.clip(v, -300, 300)) for v in (log10_factors[0], min(log10_factors), max(log10_factors))
    )
    return Pair(first, second, factor, low, high, bayes_words(weakest(log10_factors)))


def _test_against_rest(event: Event, every: tuple[Weighed, ...]) -> Pair | None:
    inside = np.array([h.kind.startswith("nuclear") for h in event.hypotheses])
    prior = every[0].prior_sources
    if not (inside & (prior > 0)).any() or not (~inside & (prior > 0)).any():
        return None
    factors = [set_factor(w.of_sources(), prior, inside) for w in every]
    return _pair("a nuclear test", "nature or chemistry", factors)


def _by_law(event: Event) -> list[ByLaw]:
    m = (event.magnitude.low + event.magnitude.high) / 2
    found = []
    for law in laws().values():
        coupled = yield_of_magnitude(m, law)
        found.append(
            ByLaw(
                law.name,
                1000 * coupled,
                1000 * coupled * DECOUPLING_STATED,
                1000 * yield_of_magnitude(m, law, factor=DECOUPLING_STATED),
                law.marks(coupled),
            )
        )
    return found


def _sentence(against: Pair | None, readings: list[ReadingResult], pairs: list[Pair]) -> str:
    said = []
    if against:
        side, values = (against.first, against.second), (against.factor, against.low, against.high)
        if against.factor < 1:
            side, values = side[::-1], (1 / values[0], 1 / values[2], 1 / values[1])
        said.append(
            f"The data are {values[0]:.2g} times as probable under {side[0]} as under {side[1]} "
            f"({values[1]:.2g} to {values[2]:.2g} by assumption): {against.words}."
        )
    order = [r for r in sorted(readings, key=lambda r: -r.evidence) if r.prior > 0][:2]
    best = next((p for p in pairs if [p.first, p.second] == [r.id for r in order]), None)
    if best:
        said.append(
            f"The arrivals read best as '{order[0].text}', {best.factor:.2g} times better than as "
            f"'{order[1].text}': {best.words}."
        )
    return " ".join(said)


def _marks(event: Event) -> list[str]:
    share = area_share(event)
    return [
        f"path errors: {event.path.basis}",
        f"the test areas cover {100 * share:.1f} % of the box that ordinary sources may come from: "
        f"{event.region.basis}",
        *([f"who saw it: {event.pattern.basis}"] if event.pattern else []),
        *(
            [NOT_MEASURED]
            if any(h.kind == "nuclear-decoupled" and h.rock != MEASURED_IN for h in event.hypotheses)
            else []
        ),
        "recalled: source-model constants and the rule of decoupling rest on constants not read in a source",
        *(["assumed: ML - mb = 0 +- 0.4"] if event.magnitude.type != "mb" else []),
        "the magnitude is one agency's; the signals are one analyst's picks at one array",
        *event.notes,
    ]

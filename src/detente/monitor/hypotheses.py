"""Rival hypotheses of one event: how well each source and each reading of the arrivals predicts the data.

Evidence of a source and a reading = size (does it make such a magnitude?) x place and time (does it put the
arrivals there?). Times and back-azimuths are integrated on a grid of places and of the path's shared errors,
so that part carries no sampling noise; sizes are seeded draws. Nothing else about the event is known here.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from detente.errors import DetenteError
from detente.monitor.event import LATER, Area, Event, PathErrors, Reading, Region
from detente.monitor.event_location import DISTANCES_DEG, destination, local_km, times
from detente.monitor.event_size import Sizes, pattern_likelihood, sizes
from detente.monitor.geo import KM_PER_DEG, distance_azimuth

Array = npt.NDArray[np.float64]

_AZIMUTH_STEP = 0.25
_NODES = 41  # of each shared error, over +- 4 standard deviations


class Weighed(msgspec.Struct, frozen=True, eq=False):
    """`place` (source, reading) and `size` (source,): log10 evidence of the two parts; -inf: impossible.

    `sources`, `readings`: ids in order; priors normalised. `sizes`: draws of each source.
    """

    sources: tuple[str, ...]
    readings: tuple[str, ...]
    prior_sources: Array
    prior_readings: Array
    place: Array
    size: Array
    sizes: dict[str, Sizes]
    seed: int

    def of_sources(self) -> Array:
        """log10 evidence of each source, readings averaged over their prior."""
        with np.errstate(divide="ignore"):
            return self.size + np.log10((10**self.place) @ self.prior_readings)

    def of_readings(self) -> Array:
        """log10 evidence of each reading, sources averaged over their prior."""
        weight = self.prior_sources * 10 ** (self.size - self.size.max())
        with np.errstate(divide="ignore"):
            return np.asarray(np.log10(weight @ 10**self.place) + self.size.max(), float)

    def posterior_sources(self) -> Array:
        """Posterior probability of each source under the file's priors."""
        return _posterior(self.of_sources(), self.prior_sources)

    def posterior_readings(self) -> Array:
        return _posterior(self.of_readings(), self.prior_readings)


def _posterior(log10_evidence: Array, prior: Array) -> Array:
    weight = prior * 10 ** (log10_evidence - log10_evidence.max())
    return np.asarray(weight / weight.sum(), float)


def weigh(
    event: Event,
    *,
    draws: int = 100_000,
    seed: int = 1,
    widen: float = 1.0,
    model: str = "ak135",
    reuse: dict[str, Sizes] | None = None,
) -> Weighed:
    """Evidence of every hypothesis and reading of `event`.

    `widen` multiplies the path's error widths; `reuse`: sizes drawn before.
    """
    path = event.path
    if widen != 1:
        names = ("p_sd_s", "s_sd_s", "scatter_s", "back_azimuth_sd_deg")
        path = msgspec.structs.replace(path, **{n: getattr(path, n) * widen for n in names})
    grid = _Grid(event)
    size = reuse
    if size is None:
        pattern = pattern_likelihood(event)
        size = {h.id: sizes(event, h, draws=draws, seed=seed, pattern=pattern) for h in event.hypotheses}
    priors = [np.array([x.prior for x in group], float) for group in (event.hypotheses, event.readings)]
    place = np.array([_place_evidence(event, grid, path, r, model) for r in event.readings]).T
    able = place * np.array([size[h.id].evidence for h in event.hypotheses])[:, None]
    if not (priors[0][:, None] * priors[1] * able > 0).any():
        raise DetenteError(
            "no weighed hypothesis and reading can make these arrivals and this magnitude",
            where=event.event,
            fix="widen the region, the path's errors or the sizes",
        )
    with np.errstate(divide="ignore"):
        return Weighed(
            tuple(h.id for h in event.hypotheses),
            tuple(r.id for r in event.readings),
            priors[0] / priors[0].sum(),
            priors[1] / priors[1].sum(),
            np.log10(place),
            np.array([np.log10(size[h.id].evidence) for h in event.hypotheses]),
            size,
            seed,
        )


class _Grid:
    """Place priors as weights on cells of distance (deg) and back-azimuth (deg) from the station."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.step = 4  # every fourth distance of the tables: 0.04 degrees, 4 km
        self.distance = DISTANCES_DEG[:: self.step]
        self.azimuth = np.arange(0, 360, _AZIMUTH_STEP) + _AZIMUTH_STEP / 2
        region = self._cells(*box_points(event.region))
        discs = [self._cells(*disc_points(a)) for a in event.areas]
        areas = np.mean(discs, axis=0) if discs else region
        rows, columns = ((areas + region).any(axis=k) for k in (1, 0))  # the cells that any source can lie in
        self.areas, self.region = (np.ascontiguousarray(c[rows][:, columns]) for c in (areas, region))
        self.index = np.flatnonzero(rows) * self.step
        self.distance, self.azimuth = self.distance[rows], self.azimuth[columns]

    def _cells(self, lat: Array, lon: Array, weight: Array) -> Array:
        s = self.event.station
        d, az, _ = distance_azimuth(s.lat, s.lon, lat, lon)
        width = self.distance[1] - self.distance[0]
        edges = np.append(self.distance - width / 2, self.distance[-1] + width / 2)
        azimuth_edges = np.arange(0, 360 + _AZIMUTH_STEP / 2, _AZIMUTH_STEP)
        cells, _, _ = np.histogram2d(d, az, bins=(edges, azimuth_edges), weights=weight)
        return np.asarray(cells / weight.sum(), float)


def disc_points(area: Area, n: int = 4000) -> tuple[Array, Array, Array]:
    """`n` points that fill a disc evenly (a sunflower), and equal weights."""
    k = np.arange(n) + 0.5
    km, turn = area.radius_km * np.sqrt(k / n), 180 * (3 - np.sqrt(5)) * k
    lat, lon = destination(area.lat, area.lon, turn % 360, km / KM_PER_DEG)
    return lat, lon, np.ones(n)


def box_points(region: Region, n: int = 150) -> tuple[Array, Array, Array]:
    """`n` squared points of a latitude-longitude box, weighted by their share of its surface."""
    lat = region.south + (np.arange(n) + 0.5) / n * (region.north - region.south)
    lon = region.west + (np.arange(n) + 0.5) / n * (region.east - region.west)
    la, lo = (a.ravel() for a in np.meshgrid(lat, lon))
    return la, lo, np.cos(np.radians(la))


def _place_evidence(event: Event, grid: _Grid, path: PathErrors, r: Reading, model: str) -> list[float]:
    """Density of arrival differences (1/s) and back-azimuths (1/degree) under a reading, for each source."""
    sd = np.sqrt(path.p_sd_s**2 + path.s_sd_s**2 - 2 * path.correlation * path.p_sd_s * path.s_sd_s)
    z = np.linspace(-4, 4, _NODES)
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    shift = path.s_mean_s - path.p_mean_s + sd * z  # of S - P
    turn = path.back_azimuth_mean_deg + path.back_azimuth_sd_deg * z
    sources: dict[int, list[str]] = {}
    for name in sorted(r.arrivals, key=lambda n: _mean(event, n, "p")):
        sources.setdefault(r.arrivals[name].source, []).append(name)
    timing = [_timing(event, grid, path, r, names, shift, model) for names in sources.values()]
    azimuth = [_azimuths(event, grid, names, turn) for names in sources.values()]
    if r.same_place:
        timing, azimuth = [np.prod(timing, axis=0)], [np.prod(azimuth, axis=0)]
    # linear in the place prior: once for the areas, once for the region, whatever the hypothesis mixes
    ends = [[t @ c @ a.T for t, a in zip(timing, azimuth, strict=True)] for c in (grid.areas, grid.region)]
    found = []
    for h in event.hypotheses:
        each = [h.in_areas * a + (1 - h.in_areas) * b for a, b in zip(*ends, strict=True)]  # (shift, turn)
        together = float(weight @ np.prod(each, axis=0) @ weight)
        found.append(together / event.origin_window_s ** (len(sources) - 1))
    return found


def _mean(event: Event, signal: str, which: str) -> float:
    found = next(s for s in event.signals if s.id == signal)
    return float(getattr(found, which).moments(event.zero)[0])


def _timing(
    event: Event, grid: _Grid, path: PathErrors, r: Reading, names: list[str], shift: Array, model: str
) -> Array:
    """(shift, distance): density of all arrivals of one source relative to its first P."""
    first = names[0]
    signal = {s.id: s for s in event.signals}
    phases = {ph for a in r.arrivals.values() for ph in (a.p, a.s)} - {LATER} | {"P", "S"}
    table = {ph: times(ph, model)[grid.index] for ph in phases}
    p0, p0_sd = signal[first].p.moments(event.zero)
    named = r.arrivals[first]
    out = np.ones((len(shift), len(grid.distance)))
    for name in names:
        for which in ("p", "s"):
            if (name, which) == (first, "p"):
                continue
            phase = getattr(r.arrivals[name], which)
            mean, sd = getattr(signal[name], which).moments(event.zero)
            spread = np.hypot(np.hypot(sd, p0_sd), np.sqrt(2) * path.scatter_s)
            # a later arrival follows the first of its kind: P of this source, or its predicted S
            base = phase if phase != LATER else named.p if which == "p" else _first_s(named.s)
            predicted = table[base] - table[named.p]
            gap = mean - p0 - predicted - (shift[:, None] if which == "s" else 0.0)
            out = out * (_window(gap, event, spread) if phase == LATER else _normal(gap, spread))
    return np.nan_to_num(out)


def _first_s(phase: str) -> str:
    return "S" if phase == LATER else phase


def _normal(x: Array, sd: float) -> Array:
    return np.asarray(np.exp(-((x / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi)), float)


def _window(x: Array, event: Event, sd: float) -> Array:
    low, high = event.later_window_s.low, event.later_window_s.high
    return np.asarray((ndtr((x - low) / sd) - ndtr((x - high) / sd)) / (high - low), float)


def _azimuths(event: Event, grid: _Grid, names: list[str], turn: Array) -> Array:
    """(turn, azimuth): density of the back-azimuths of one source's signals, 1/degree each."""
    out = np.ones((len(turn), len(grid.azimuth)))
    for s in event.signals:
        if s.id in names:
            mean, sd = s.back_azimuth.moments()
            off = (mean - grid.azimuth[None, :] - turn[:, None] + 180) % 360 - 180
            out = out * _normal(off, max(sd, _AZIMUTH_STEP))
    return out


def bayes_words(log10_factor: float) -> str:
    """What a Bayes factor is worth (Kass & Raftery 1995, JASA 90, 773, section 3.2)."""
    size = abs(log10_factor)
    if size < np.log10(3):
        return "these data do not decide"
    if size < np.log10(20):
        return "these data lean, and do not decide"
    return "strong evidence" if size < np.log10(150) else "very strong evidence"


def area_share(event: Event) -> float:
    """Share of the region's surface that the test areas cover."""
    lat, lon, weight = box_points(event.region)
    hit = np.zeros(len(lat), bool)
    for a in event.areas:
        x, y = local_km(lat, lon, a.lat, a.lon)
        hit |= np.hypot(x, y) <= a.radius_km
    return float(weight[hit].sum() / weight.sum())

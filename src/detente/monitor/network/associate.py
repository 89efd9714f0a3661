"""Association: arrivals of a whole network to events, each by its odds against noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.amplitude_veith_clawson import q_factor
from detente.monitor.bulletin.records import Arrival, Event, Missed, Origin
from detente.monitor.network.locate import SLOWNESS_ERROR_S_KM, Corrections, locate, log_depth_prior, nodes
from detente.monitor.network.locate import Settings as LocateSettings
from detente.monitor.network.phases import PHASES, SHEAR, Network, geographic, model
from detente.monitor.traveltime import TravelTimes
from detente.monitor.waves.trace import Array, Site

Float = NDArray[np.float64]
Int = NDArray[np.int64]

# What P loses beyond 100 degrees, as Q: the core's shadow, then the focus near 145. Recalled, for detection only.
_FAR: Final = (
    (100.0, 4.4),
    (110.0, 5.2),
    (135.0, 5.0),
    (142.0, 4.4),
    (146.0, 4.0),
    (155.0, 4.3),
    (180.0, 4.5),
)
LATER_INDEX: Final = (3, 5, 4, 7, 8, 9, 10, 11, 12, 13)  # of PHASES, in the order of the kernel's LATER
CODA_S: Final = 40.0  # assumed: false picks after a strong signal die off with this time
TRUE_DIRECTION: Final = (
    0.94  # assumed: share of directions that are the wave's own where the signal is strong
)
HALF_TRUE_SNR: Final = 4.0  # assumed: of a beam at whose signal-to-noise ratio half of them are
REACH_S: Final = 1400.0  # P and PKP are there by then, from anywhere
PRIOR_S: Final = 300.0  # a station's noise rate is a priori Gamma of shape 2 and this scale: 24 an hour
DEAF_S: Final = 90.0  # onsets of one signal's train are one: each counted onset stops the count for so long
CODA_EACH: Final = 0.5  # and number about this many for each factor of ten in its signal-to-noise ratio


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is held to be.

    `events_a_day`: prior rate over the globe; `least_score`: log-odds that an event must reach; `least_p`:
    stations that must have seen its P; `sd`: scatter of log10 amplitude about the law; `reliability`: how often
    a station that hears a loud signal reports it; `snr`: signal-to-noise ratio seen half the time, where the
    arrivals do not tell; `step_deg` of the search; `locate`: how the events found are located.
    """

    events_a_day: float = 100.0
    least_score: float = 1.5
    least_p: int = 2
    sd: float = 0.38
    reliability: float = 0.95
    snr: float = 3.5
    step_deg: float = 2.0
    depths_km: tuple[float, ...] = (10.0, 120.0, 350.0, 580.0)
    least_weight: float = 11.0
    rounds: int = 2
    locate: LocateSettings = LocateSettings()

    def __post_init__(self) -> None:
        if not (self.events_a_day > 0 and self.sd > 0 and 0 < self.reliability < 1 and self.step_deg > 0):
            raise DetenteError(
                "association needs a rate, a scatter and a step above 0, reliability within 0 to 1"
            )


class Table(msgspec.Struct, frozen=True, eq=False):
    """Arrivals and stations as the kernels take them: see `_score_kernel`."""

    arrivals: tuple[Arrival, ...]
    zero: float
    length_s: float
    a: Float
    hint: Int
    first: Int
    st: Float
    network: Network

    @classmethod
    def of(
        cls,
        arrivals: Sequence[Arrival],
        sites: Mapping[str, Site | Array],
        settings: Settings,
        listened: Mapping[str, float] | None = None,
    ) -> Table:
        """Sort by station and time. Raises DetenteError for an arrival at an unknown station."""
        unknown = sorted({a.station for a in arrivals} - set(sites))
        if unknown:
            raise DetenteError(f"no place for station '{unknown[0]}'", where="arrivals")
        net = Network.of(sites)
        where = {code: i for i, code in enumerate(net.codes)}
        ordered = sorted(arrivals, key=lambda a: (where[a.station], a.time, a.id))
        zero = min(a.time for a in arrivals)
        length = max(a.time for a in arrivals) - zero
        station = np.array([where[a.station] for a in ordered])
        first = np.searchsorted(station, np.arange(len(net.codes) + 1))
        rows = np.array([_features(a, zero, bool(net.is_array[where[a.station]])) for a in ordered])
        heard = _heard(net.codes, length, listened)
        noise = _noise(rows, first, heard, trains=listened is not None)
        true = [_true_direction(a, bool(net.is_array[where[a.station]])) for a in ordered]
        a = np.column_stack([rows, noise, true])
        hint = np.array([_hint(a.phase) for a in ordered])
        return cls(
            tuple(ordered),
            zero,
            length,
            a,
            hint,
            first,
            _stations(rows, ordered, first, net, heard, settings),
            net,
        )


def _features(a: Arrival, zero: float, is_array: bool) -> tuple[float, ...]:
    """Time, error, azimuth, error, slowness, error, log10 A/T; an array's model errors counted in."""
    direction = direction_sd = slow = slow_sd = log_a = np.nan
    p = a.slowness_s_km if a.slowness_s_km is not None else 0.06
    if a.backazimuth_deg is not None:
        direction = a.backazimuth_deg
        wide = np.degrees(np.arctan2(SLOWNESS_ERROR_S_KM, max(p, 0.005)))
        given = a.backazimuth_sd_deg if a.backazimuth_sd_deg is not None else (8.0 if is_array else 25.0)
        direction_sd = min(120.0, float(np.hypot(given, wide)))
    if a.slowness_s_km is not None:
        slow = p
        given = a.slowness_sd_s_km if a.slowness_sd_s_km is not None else (0.01 if is_array else 0.06)
        slow_sd = float(np.hypot(given, SLOWNESS_ERROR_S_KM))
    if a.amplitude_nm and a.period_s and a.amplitude_nm > 0 and a.period_s > 0:
        log_a = float(np.log10(a.amplitude_nm / a.period_s))
    return a.time - zero, a.time_sd, direction, direction_sd, slow, slow_sd, log_a


def _true_direction(a: Arrival, is_array: bool) -> float:
    """The chance that azimuth and slowness are the wave's own: an f-k has a threshold below which noise wins it."""
    if not is_array or not a.snr or a.snr <= 0:
        return TRUE_DIRECTION
    return float(TRUE_DIRECTION / (1.0 + (HALF_TRUE_SNR / a.snr) ** 4))


def _hint(phase: str) -> int:
    if not phase or phase in ("N", "Tx", "tx"):
        return 0
    return 2 if phase[0] in "SLRsl" and not phase.startswith("sP") else 1


def _heard(codes: Sequence[str], length: float, listened: Mapping[str, float] | None) -> Float:
    """Seconds heard of each station: as told, or the span of all arrivals, an hour at least."""
    if listened is None:
        return np.full(len(codes), max(length, 3600.0))
    return np.array([listened.get(code, 0.0) for code in codes])


def _noise(rows: Float, first: Int, heard: Float, *, trains: bool) -> Float:
    """Log densities of each arrival if noise: time, azimuth, slowness, log amplitude (n, 4).

    Time: the station's own rate, raised behind signals stronger by twice in amplitude, if from their direction.
    Slowness: the network's own histogram, smoothed. Amplitude: the station's own, smoothed.
    """
    out = np.zeros((len(rows), 4))
    out[:, 1] = -np.log(360.0)
    slow = rows[:, 4]
    seen = slow[np.isfinite(slow)]
    if seen.size:
        grid = np.linspace(0.0, 0.5, 101)
        density = np.histogram(np.clip(seen, 0, 0.4999), grid, density=True)[0]
        smooth = np.convolve(
            np.pad(density, 6, mode="edge"), np.hanning(15)[1:-1] / np.hanning(15).sum(), "valid"
        )
        density = 0.8 * smooth + 0.2 / 0.5
        out[:, 2] = np.log(np.interp(np.nan_to_num(slow), 0.5 * (grid[1:] + grid[:-1]), density))
    for s in range(first.size - 1):
        part = slice(first[s], first[s + 1])
        own = rows[part]
        if not len(own):
            continue
        rate = _rate(own[:, 0], float(heard[s])) if trains else (len(own) + 3.0) / heard[s]
        out[part, 0] = np.log(rate + _coda(own))
        loud = own[:, 6]
        known = loud[np.isfinite(loud)]
        if known.size:
            wide = 0.25
            z = (loud[:, None] - known[None, :]) / wide
            spread = np.exp(-0.5 * z * z).sum(1) / (known.size * wide * np.sqrt(2 * np.pi))
            out[part, 3] = np.log(np.nan_to_num(spread) * 0.95 + 0.02)
    return out


def _rate(times: Float, heard_s: float) -> float:
    """Noise onsets a second, from onsets in order within so many seconds heard: the mean of a Gamma posterior.

    An event's own train must not pass for noise: after each onset counted the count stops for 90 s, which leaves
    the rate of a Poisson process unbiased (a dead time that is not extended); the onset in question is left out.
    """
    count, last = 0, -np.inf
    for t in times:
        if t - last > DEAF_S:
            count, last = count + 1, t
    return float((count + 1.0) / (max(heard_s - count * DEAF_S, 0.0) + PRIOR_S))


def _coda(own: Float) -> Float:
    """Rate (per s) of false picks that the signals before each arrival make at its time and azimuth."""
    t, log_a = own[:, 0], own[:, 6]
    extra = np.zeros(len(own))
    low = np.nanquantile(log_a, 0.1) if np.isfinite(log_a).any() else 0.0
    for k in range(len(own)):
        j = np.searchsorted(t, t[k] - 5 * CODA_S)
        before = np.arange(j, k)
        strong = before[log_a[before] - np.nan_to_num(log_a[k]) > 0.3]
        if not strong.size:
            continue
        since = t[k] - t[strong]
        rate = CODA_EACH * np.clip(log_a[strong] - low - 0.3, 0, 3) * np.exp(-since / CODA_S) / CODA_S
        if np.isfinite(own[k, 2]):
            turn = (own[k, 2] - own[strong, 2] + 180) % 360 - 180
            sd = np.hypot(own[k, 3], own[strong, 3])
            alike = np.exp(-0.5 * (turn / sd) ** 2) * 360 / (sd * np.sqrt(2 * np.pi))
            rate = rate * np.where(np.isfinite(turn), 0.2 + 0.8 * alike, 1.0)
        extra[k] = rate.sum()
    return extra


def _stations(
    rows: Float, ordered: Sequence[Arrival], first: Int, net: Network, heard: Float, settings: Settings
) -> Float:
    """(station, 2): log10 A/T seen half the time, and the silence in s after which a station was surely off.

    The level: the station's own noise (amplitude over signal-to-noise ratio) times the ratio that its weakest
    arrivals reach; where arrivals give no amplitudes, the capability model's noise at its kind of site.
    """
    out = np.empty((len(net.codes), 2))
    typical = []
    for s in range(len(net.codes)):
        part = ordered[first[s] : first[s + 1]]
        loud = np.array([
            (rows[first[s] + i, 6], np.log10(a.snr)) for i, a in enumerate(part)
            if a.snr and a.snr > 0 and np.isfinite(rows[first[s] + i, 6])
        ])  # fmt: skip
        out[s, 0] = np.nan
        if len(loud) >= 8:
            noise = float(np.median(loud[:, 0] - loud[:, 1]))
            out[s, 0] = noise + float(np.quantile(loud[:, 1], 0.05))
            typical.append((bool(net.is_array[s]), out[s, 0]))
        out[s, 1] = 9.0 * heard[s] / (len(part) + 1.0)
    for s in map(int, np.flatnonzero(np.isnan(out[:, 0]))):
        alike = [v for is_array, v in typical if is_array == net.is_array[s]]
        out[s, 0] = np.median(alike) if alike else _modelled(bool(net.is_array[s]), settings.snr)
    return out


@lru_cache(maxsize=8)
def _modelled(is_array: bool, snr: float) -> float:
    """log10 of A/T at 1 Hz that a typical station sees half the time, from the capability's noise."""
    from detente.monitor.capability import noise_floor
    from detente.monitor.stations import network

    kinds = [s for s in network(("primary", "auxiliary")) if (s.kind == "array") == is_array]
    floor = np.array([float(noise_floor(s, np.array([1.0]))[0]) for s in kinds])
    return float(np.median(np.log10(snr * floor)))


class Law(msgspec.Struct, frozen=True, eq=False):
    """Tables of the kernels: Q by distance and depth, log of missing and of seeing, the scatter."""

    q: Float
    missed: Float
    found: Float
    sd: float

    @classmethod
    def of(cls, settings: Settings) -> Law:
        from scipy.special import ndtr

        x, z = np.meshgrid(np.arange(181.0), np.arange(8) * 100.0, indexing="ij")
        far = np.interp(x, *np.array(_FAR).T) - 0.0005 * z
        q = np.where(x <= 100, q_factor(np.minimum(x, 100), z, extrapolate=True), far)
        chance = settings.reliability * ndtr(np.linspace(-6, 6, 1201))
        return cls(q, np.log1p(-chance), np.log(np.maximum(chance, 1e-9)), settings.sd)


class Search(msgspec.Struct, frozen=True, eq=False):
    """What the kernels share: earth, net and law tuples, the prior."""

    table: Table
    settings: Settings
    earth: tuple[Any, ...]
    net: tuple[Any, ...]
    law: tuple[Any, ...]
    base: float
    depth_prior: Float

    @classmethod
    def of(cls, table: Table, settings: Settings) -> Search:
        m = model(settings.locate.earth)
        law = Law.of(settings)
        n = table.network
        base = float(np.log(settings.events_a_day / 86400.0 / 5.1e8))
        return cls(
            table,
            settings,
            (m.times, m.flattening, m.errors, SHEAR),
            (n.places, n.frames, n.elevation_km),
            (law.q, law.missed, law.found, law.sd),
            base,
            np.asarray(log_depth_prior(np.arange(701.0))),
        )

    @property
    def data(self) -> tuple[Any, ...]:
        return self.table.a, self.table.hint

    def candidates(self, owner: Int) -> Float:
        """(n, 5): latitude, longitude (radians, geocentric), depth km, time s, weight; from the stack."""
        from detente.monitor.network import _birth_kernel as kernel

        grid = nodes(self.settings.step_deg)
        depths = np.array(self.settings.depths_km)
        out = np.empty((len(grid), depths.size, 48, 2), np.float32)
        kernel.stack(
            grid, depths, self.settings.step_deg, self.table.length_s + 2400.0 + 60.0,
            self.settings.least_weight, self.table.a, owner, self.table.first, self.table.st, self.earth[0],
            self.net[0], self.net[1], self.law, out,
        )  # fmt: skip
        i, d, k = np.nonzero(out[..., 0])
        return np.column_stack([grid[i], depths[d], out[i, d, k, 1], out[i, d, k, 0]]).astype(float)

    def again(self, candidates: Float, owner: Int, freed: NDArray[np.bool_]) -> Float:
        """Those that may use an arrival which its event let go, weighed anew: the others were tried in vain."""
        from detente.monitor.network import _birth_kernel as kernel

        times = np.sort(self.table.a[freed, 0])
        low, high = np.searchsorted(times, candidates[:, 3] + np.array([[-60.0], [REACH_S]]))
        kept: Float = candidates[high > low]
        if not len(kept):
            return kept
        change = np.any(np.diff(kept[:, :3], axis=0) != 0, axis=1)
        groups = np.concatenate([[0], np.flatnonzero(change) + 1, [len(kept)]])
        kernel.reweigh(
            kept, groups, self.settings.step_deg, self.table.a, owner, self.table.first, self.table.st,
            self.earth[0], self.net[0], self.net[1], self.law,
        )  # fmt: skip
        good: Float = kept[kept[:, 4] >= self.settings.least_weight]
        return good

    def births(self, candidates: Float, owner: Int, serial: int) -> list[Found]:
        """Events among the candidates, from arrivals that nobody owns; they take them."""
        from detente.monitor.network import _birth_kernel as kernel

        t, s = self.table, self.settings
        found = np.zeros((2000, 7))
        many, _ = kernel.births(
            candidates, s.step_deg, s.least_weight, self.base, self.depth_prior, s.least_score, serial, t.a,
            t.hint, owner, t.first, t.st, self.earth, self.net, self.law, found,
        )  # fmt: skip
        return [Found(serial + i, found[i, :4].copy(), float(found[i, 4])) for i in range(many)]

    def revisit(self, event: Found, owner: Int) -> Found:
        """Fit an event anew to its own and the free arrivals, and let it own what it then uses."""
        from detente.monitor.network import _birth_kernel as kernel

        t, n = self.table, len(self.table.network.codes)
        x = event.x.copy()
        pick, gain, seen = np.empty((n, 11), np.int64), np.empty((n, 11)), np.empty((n, 4))
        score, mb, count = kernel.revisit(
            x, self.base, self.depth_prior, event.serial, t.a, t.hint, owner, t.first, t.st, self.earth,
            self.net, self.law, pick, gain, seen,
        )  # fmt: skip
        owner[owner == event.serial] = -1
        alive = score >= self.settings.least_score and count >= self.settings.least_p
        if alive:
            owner[pick[pick >= 0]] = event.serial
        return Found(event.serial, x, float(score) if alive else DEAD, float(mb), pick, seen)

    def revise(self, events: list[Found], owner: Int) -> list[Found]:
        """Fit every event anew, let rivals contest arrivals they both explain, and bury what then has too little."""
        alive = [
            e for e in (self.revisit(e, owner) for e in sorted(events, key=_weak_first)) if e.score > DEAD
        ]
        for strong, weak in self._rivals(alive):
            by_serial = {e.serial: e for e in alive}
            if strong not in by_serial or weak not in by_serial:
                continue
            pair = self._contest(by_serial[strong], by_serial[weak], owner)
            by_serial |= {e.serial: e for e in pair}
            alive = [e for e in by_serial.values() if e.score > DEAD]
        return alive

    def _rivals(self, events: list[Found]) -> list[tuple[int, int]]:
        """Pairs whose origins are so near, in time for their distance, that they may explain the same signals."""
        pairs = []
        for i, one in enumerate(events):
            for other in events[i + 1 :]:
                apart = _arc(one.x, other.x)
                if abs(one.x[3] - other.x[3]) < 60.0 + 14.0 * apart and apart < 40.0:
                    strong, weak = sorted((one, other), key=_weak_first, reverse=True)
                    pairs.append((strong.serial, weak.serial))
        return pairs

    def _contest(self, one: Found, other: Found, owner: Int) -> tuple[Found, Found]:
        """One event first, then the other from what is left, or neither moved: the best total odds wins."""
        before = owner.copy()
        best: tuple[float, Int, tuple[Found, Found]] = (one.score + other.score + 0.5, before, (one, other))
        for first, second in ((one, other), (other, one)):
            trial = np.where((before == one.serial) | (before == other.serial), -1, before)
            a = self.revisit(first, trial)
            b = self.revisit(second, trial)
            total = sum(e.score for e in (a, b) if e.score > DEAD)
            if total > best[0]:
                best = (total, trial, (a, b))
        owner[:] = best[1]
        return best[2]


class Found(msgspec.Struct, frozen=True, eq=False):
    """An event while it is sought: latitude, longitude (radians, geocentric), km, s; odds; what it uses."""

    serial: int
    x: Float
    score: float
    mb: float = 0.0
    pick: Int | None = None
    seen: Float | None = None


DEAD: Final = -1e9


def _weak_first(event: Found) -> tuple[float, int]:
    return event.score, event.serial


def _arc(a: Float, b: Float) -> float:
    """Degrees between two places in radians."""
    half = np.sin((a[0] - b[0]) / 2) ** 2 + np.cos(a[0]) * np.cos(b[0]) * np.sin((a[1] - b[1]) / 2) ** 2
    return float(np.degrees(2 * np.arcsin(np.sqrt(min(1.0, half)))))


def associate(
    arrivals: Sequence[Arrival],
    sites: Mapping[str, Site | Array],
    *,
    settings: Settings | None = None,
    corrections: Corrections | None = None,
    listened: Mapping[str, float] | None = None,
) -> tuple[Event, ...]:
    """Events in order of time, each with its origin, the arrivals it uses and the stations that missed it.

    `arrivals` of a day or any stretch; `sites` of every station that listened (one without any arrival counts as
    off); `listened`: seconds of record heard from each, for its noise rate, see `_rate`; without it the rate is
    (n + 3) over the span of all arrivals, an hour at least. An event's score is the natural logarithm of its odds
    against its arrivals being noise: arrival times, azimuths, slownesses and amplitudes, stations that should have
    seen it and did not, and the prior rate.
    Raises DetenteError for an arrival at an unknown station. Sources: docs/location.md.
    """
    chosen = settings or Settings()
    if not arrivals:
        return ()
    table = Table.of(arrivals, sites, chosen, listened)
    search = Search.of(table, chosen)
    owner = np.full(len(table.a), -1, np.int64)
    candidates = search.candidates(owner)
    alive: list[Found] = []
    serial = 0
    for _ in range(chosen.rounds):
        born = search.births(candidates, owner, serial)
        serial += len(born)
        before = owner.copy()
        alive = search.revise([*alive, *born], owner)
        candidates = search.again(candidates, owner, (before >= 0) & (owner < 0))
        if not born or not len(candidates):
            break
    alive = [search.revisit(e, owner) for e in alive]
    finished = [_event(e, search, sites, corrections) for e in alive if e.score > DEAD]
    return tuple(sorted((e for e in finished if e is not None), key=lambda e: e.origin.time))


def _event(
    found: Found, search: Search, sites: Mapping[str, Site | Array], corrections: Corrections | None
) -> Event | None:
    """The located event, with phases named and misses told."""
    table = search.table
    assert found.pick is not None and found.seen is not None
    used = []
    for s, j in zip(*np.nonzero(found.pick >= 0), strict=True):
        a = table.arrivals[int(found.pick[s, j])]
        name = PHASES[LATER_INDEX[j - 1]] if j else first_p(float(found.seen[s, 0]), float(found.x[2]))
        used.append(msgspec.structs.replace(a, phase=name))
    codes = table.network.codes
    missed = [
        Missed(station=codes[s], phase="P", p_detect=round(float(found.seen[s, 3]), 3))
        for s in np.flatnonzero((found.pick[:, 0] < 0) & (found.seen[:, 3] > 0.5))
    ]
    start = Origin(
        id="", time=table.zero + float(found.x[3]), lat=float(geographic(np.degrees(found.x[0]))),
        lon=float(np.degrees(found.x[1])), time_sd=1.0, depth_km=float(found.x[2]),
    )  # fmt: skip
    try:
        origin = locate(
            used, sites, settings=search.settings.locate, start=start, corrections=corrections, missed=missed
        )
    except DetenteError:  # too few measurements to place
        return None
    name = _name(origin.time)
    why = {**origin.why, "log_odds": round(found.score, 2), "mb_of_association": round(found.mb, 2)}
    origin = msgspec.structs.replace(origin, id=f"{name}/1", why=why)
    return Event(id=name, origins=(origin,), score=round(found.score, 2))


def _name(time: float) -> str:
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(time, UTC)
    return f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 100000}"


def first_p(distance_deg: float, depth_km: float) -> str:
    """What an analyst calls the first P at a distance: Pg, Pn, P or PKP, by which branch arrives first."""
    if distance_deg > 115.0:
        return "PKP"
    times = TravelTimes()
    first = float(times.time("P", distance_deg, depth_km))
    for name in ("Pg", "Pn"):
        if distance_deg < 20.0 and abs(float(times.time(name, distance_deg, depth_km)) - first) < 0.05:
            return name
    return "P"

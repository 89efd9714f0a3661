"""The search for events: candidates of the stack, births, second fits, and rivals for the same arrivals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.amplitude_veith_clawson import q_factor
from detente.monitor.network.arrival_table import Table
from detente.monitor.network.depth import log_depth_prior
from detente.monitor.network.locate import nodes
from detente.monitor.network.phases import SHEAR, model

if TYPE_CHECKING:
    from detente.monitor.network.associate import Settings

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
REACH_S: Final = 1400.0  # P and PKP are there by then, from anywhere
FALSE_WITHIN: Final = (
    1e-5,
    0.1,
)  # per s: no pick is surely its event's, nor surely false before its time is known
WEAK: Final = 40.0  # log odds below which an event may be at the wrong of several places
ELSEWHERE_S, PLACES = 120.0, 8  # which are sought within so long, the heaviest so many
SAME_DEG, SAME_S = 3.0, 3.0  # two events so near may be one; how far its windows are opened then
DEAD: Final = -1e9


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
        from detente.monitor.network import _stack_kernel as kernel

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
        times = np.sort(self.table.a[freed, 0])
        low, high = np.searchsorted(times, candidates[:, 3] + np.array([[-60.0], [REACH_S]]))
        kept: Float = candidates[high > low]
        self._weigh(kept, owner)
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

    def false(self, found: Found) -> dict[str, float]:
        """By arrival that an event uses: density per s of a false pick there, over the chance that its own is seen.

        The station's rate of noise, times the odds to miss the phase, over what the amplitude says for it.
        """
        from detente.monitor.network._score_kernel import AMPLITUDE_SD, LATER, ROOT, level

        t, out = self.table, {}
        _, missed, _, sd = self.law
        assert found.pick is not None and found.seen is not None
        for s, j in zip(*np.nonzero(found.pick >= 0), strict=True):
            k, above = int(found.pick[s, j]), found.mb - float(found.seen[s, 2])
            seen = 1.0 - np.exp(missed[level((above - (LATER[j - 1, 2] if j else 0.0)) / sd)])
            chance = float(np.clip(seen * (LATER[j - 1, 1] if j else 1.0), 1e-4, 1.0 - 1e-4))
            hit = np.log(chance)
            if j == 0 and np.isfinite(t.a[k, 6]):
                off = (t.a[k, 6] + found.seen[s, 2] - t.st[s, 0] - found.mb) / AMPLITUDE_SD
                hit = np.log(0.95 * np.exp(-0.5 * off * off) / (AMPLITUDE_SD * ROOT) + 0.01) - t.a[k, 10]
            log = t.a[k, 7] + np.log1p(-chance) - hit
            out[t.arrivals[k].id] = float(np.clip(np.exp(log), *FALSE_WITHIN))
        return out

    def revise(self, events: list[Found], owner: Int, candidates: Float) -> list[Found]:
        """Fit every event anew, let rivals contest arrivals they both explain, bury what then has too little, and
        see whether the weak ones lie better elsewhere."""
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
        return [
            self._elsewhere(e, owner, candidates) if e.score < WEAK else e
            for e in sorted(alive, key=_weak_first)
        ]

    def _elsewhere(self, event: Found, owner: Int, candidates: Float) -> Found:
        """The event at the best of the places that may explain what it uses: the first one found was only a peak."""
        near = candidates[np.abs(candidates[:, 3] - event.x[3]) < ELSEWHERE_S]
        free = np.where(owner == event.serial, -1, owner)
        self._weigh(near, free)
        best, tried = event, [event.x]
        for c in near[np.argsort(-near[:, 4], kind="stable")]:
            if c[4] < self.settings.least_weight or len(tried) > PLACES:
                break
            if any(self._beside(c, x) for x in tried):
                continue
            tried.append(c)
            other = self._attempt(c[:4].copy(), 2.8 * self.settings.step_deg, event.serial, free)
            if other.score > best.score + 0.5:
                best = other
        if best is not event:
            assert best.pick is not None
            owner[owner == event.serial] = -1
            owner[best.pick[best.pick >= 0]] = event.serial
        return best

    def _beside(self, c: Float, x: Float) -> bool:
        """Are two candidates next to each other, in place, time and depth?"""
        return _arc(c, x) < 1.6 * self.settings.step_deg and abs(c[3] - x[3]) < 30 and abs(c[2] - x[2]) < 200

    def _attempt(self, x: Float, tolerance: float, serial: int, owner: Int) -> Found:
        """The event that a start of place, depth and time leads to, over all depths; nothing is owned by it yet."""
        from detente.monitor.network import _birth_kernel as kernel

        t, n = self.table, len(self.table.network.codes)
        work = np.empty((n, 11), np.int64), np.empty((n, 11)), np.empty((n, 4))
        score, mb, count = kernel.attempt(
            x, tolerance, self.base, self.depth_prior, serial, t.a, t.hint, owner, t.first, t.st, self.earth, self.net,
            self.law, work,
        )  # fmt: skip
        alive = score >= self.settings.least_score and count >= self.settings.least_p
        return Found(serial, x, float(score) if alive else DEAD, float(mb), work[0], work[2])

    def _weigh(self, candidates: Float, owner: Int) -> None:
        """Weigh candidates anew, in place."""
        from detente.monitor.network import _weigh_kernel as kernel

        if not len(candidates):
            return
        change = np.any(np.diff(candidates[:, :3], axis=0) != 0, axis=1)
        groups = np.concatenate([[0], np.flatnonzero(change) + 1, [len(candidates)]])
        kernel.reweigh(
            candidates, groups, self.settings.step_deg, self.table.a, owner, self.table.first, self.table.st,
            self.earth[0], self.net[0], self.net[1], self.law,
        )  # fmt: skip

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
        if (
            _arc(one.x, other.x) < SAME_DEG
        ):  # at another depth the one may explain the other as its own reflections
            trial = np.where((before == one.serial) | (before == other.serial), -1, before)
            whole = self._attempt(one.x.copy(), SAME_S, one.serial, trial)
            if whole.score > best[0] and whole.pick is not None:
                trial[whole.pick[whole.pick >= 0]] = one.serial
                best = (whole.score, trial, (whole, Found(other.serial, other.x, DEAD)))
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


def _weak_first(event: Found) -> tuple[float, int]:
    return event.score, event.serial


def _arc(a: Float, b: Float) -> float:
    """Degrees between two places in radians."""
    half = np.sin((a[0] - b[0]) / 2) ** 2 + np.cos(a[0]) * np.cos(b[0]) * np.sin((a[1] - b[1]) / 2) ** 2
    return float(np.degrees(2 * np.arcsin(np.sqrt(min(1.0, half)))))

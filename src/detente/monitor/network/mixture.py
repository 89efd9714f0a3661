"""What each arrival of an event may be: its names, with P seen or lost, and a false pick, as the sampler takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.network.depth import Fit
from detente.monitor.network.observed import Problem, true_direction
from detente.monitor.network.phases import INDEX, PHASES, SHEAR

Float = NDArray[np.float64]
Int = NDArray[np.int64]

FALSE: Final = 0.0013
"""Assumed, where nothing is known of a station's noise: density per s of a false pick, beside 1 for the event's own;
one in twenty of the arrivals given, within 15 s of where the event's should be."""

# What an arrival may be beside its name, with the station's P seen, and with it lost: assumed.
NAMES: Final[Mapping[str, tuple[dict[str, float], dict[str, float]]]] = {
    "P": ({"P": 1.0}, {"pP": 0.67, "sP": 0.33}),
    "Pn": ({"Pn": 0.9, "Pg": 0.1}, {"Sn": 0.5, "Lg": 0.5}),
    "Pg": ({"Pg": 0.9, "Pn": 0.1}, {"Lg": 0.6, "Sn": 0.4}),
    "Sn": ({"Sn": 0.85, "Lg": 0.15}, {"Lg": 0.85, "Sn": 0.15}),
    "Lg": ({"Lg": 0.85, "Sn": 0.15}, {"Lg": 0.85, "Sn": 0.15}),
    "pP": ({"pP": 0.8, "sP": 0.2}, {"sP": 0.8, "pP": 0.2}),
    "sP": ({"sP": 0.8, "pP": 0.2}, {"sP": 0.8, "pP": 0.2}),
    "PKP": ({"PKP": 0.85, "PKPbc": 0.1, "PKPab": 0.05}, {"PKPbc": 0.6, "PKPab": 0.3, "PKP": 0.1}),
    "PKPbc": ({"PKPbc": 0.8, "PKP": 0.1, "PKPab": 0.1}, {"PKPbc": 0.8, "PKP": 0.1, "PKPab": 0.1}),
    "PKPab": ({"PKPab": 0.85, "PKPbc": 0.1, "PKP": 0.05}, {"PKPab": 0.85, "PKPbc": 0.1, "PKP": 0.05}),
}


def _tables() -> tuple[Int, Float]:
    names = np.full((len(PHASES), 2, 3), -1)
    chance = np.zeros((len(PHASES), 2, 3))
    for row, phase in enumerate(PHASES):
        for way, may in enumerate(NAMES.get(phase, ({phase: 1.0}, {phase: 1.0}))):
            for j, (name, share) in enumerate(may.items()):
                names[row, way, j], chance[row, way, j] = INDEX[name], share
    return names, chance


_NAMES, _CHANCE = _tables()


class Mixture(msgspec.Struct, frozen=True, eq=False):
    """Arrivals in order of station: `order` into the problem's; the rest for `_region_kernel`."""

    problem: Problem
    order: Int
    o: Float
    extra: Float
    false: Float
    lost: Float
    true: Float
    say: Float
    first: Int
    phase: Int

    @classmethod
    def of(cls, problem: Problem, near: Fit, false: Mapping[str, float] | None = None) -> Mixture:
        """About a place. `false` by arrival: density per s of a false pick, over the chance that its own is seen."""
        order = np.argsort(problem.station, kind="stable")
        o, phase, station = problem.o[order].copy(), problem.phase[order], problem.station[order]
        net, known = problem.network, false or {}
        first = np.searchsorted(station, np.arange(len(net.codes) + 1))
        arrivals = [problem.arrivals[i] for i in order]
        true = [true_direction(a, bool(net.is_array[s])) for a, s in zip(arrivals, station, strict=True)]
        return cls(
            problem, order, o, _extra(problem, near, order), np.array([known.get(a.id, FALSE) for a in arrivals]),
            _lost(o, first), np.array(true), _say(problem, near, order, first), first, phase,
        )  # fmt: skip

    @property
    def args(self) -> tuple[Any, ...]:
        m, n = self.problem.earth, self.problem.network
        return (
            self.o, self.extra, self.false, self.lost, self.true, self.say, self.first, self.phase, _NAMES, _CHANCE,
            m.times, m.errors, n.places, n.frames,
        )  # fmt: skip

    def named(self, x: Float, depth_km: float) -> tuple[Problem, Float]:
        """The problem with the likeliest names at a place (radians) and time, and each arrival's chance to be false."""
        from detente.monitor.network import _region_kernel as kernel

        name, doubt = np.empty(len(self.order), np.int64), np.empty(len(self.order))
        kernel.doubts(float(x[0]), float(x[1]), depth_km, float(x[2]), self.args, name, doubt)
        phase, share = self.problem.phase.copy(), np.empty(len(self.order))
        phase[self.order], share[self.order] = name, doubt
        arrivals = tuple(
            a if new == old else msgspec.structs.replace(a, phase=PHASES[new])
            for a, new, old in zip(
                self.problem.arrivals, phase.tolist(), self.problem.phase.tolist(), strict=True
            )
        )
        return msgspec.structs.replace(self.problem, arrivals=arrivals, phase=phase), share


def _extra(problem: Problem, near: Fit, order: Int) -> Float:
    """(arrival, phase): s beside the sphere's time at the best place: ellipticity, height, path correction."""
    from detente.monitor.network import _phase_kernel as kernel

    net, out = problem.network, np.empty((len(order), 5))
    extra = np.zeros((len(order), len(PHASES)))
    station = problem.station[order]
    for f in range(len(PHASES)):
        kernel.predict(
            near.x[0], near.x[1], near.depth_km, np.full(len(order), f), station, problem.earth.times,
            problem.earth.flattening, net.places, net.frames, net.elevation_km, SHEAR, out,
        )  # fmt: skip
        for k in range(len(order)):
            g = kernel.meant(problem.earth.times, f, out[k, 3], near.depth_km)
            if g >= 0:
                extra[k, f] = out[k, 0] - kernel.spherical(problem.earth.times[g], out[k, 3], near.depth_km)
    shifted: Float = np.nan_to_num(extra) + problem.o[order, 6][:, None]
    return shifted


def _lost(o: Float, first: Int) -> Float:
    """Of each station, the chance that its P sank in the noise and what is called P came later."""
    out = np.zeros(len(first) - 1)
    for s in range(len(out)):
        rows = slice(first[s], first[s + 1])
        calibrated = np.isfinite(o[rows, 7]).any()
        out[s] = 0.0 if calibrated else 1.5 * o[rows, 8].min()
    return out


def _say(problem: Problem, near: Fit, order: Int, first: Int) -> Float:
    """Of each station, how much its say counts beside near ones with the same model errors: row sums of the inverse
    correlation, which is what each adds to a common mean."""
    from detente.monitor.network import _phase_kernel as kernel

    o, station, phase = problem.o[order], problem.station[order], problem.phase[order]
    net, b = problem.network, kernel.basis(near.x[0], near.x[1])
    model = np.empty(len(order))
    for k in range(len(order)):
        x, _ = kernel.arc(b, net.places[station[k]])
        model[k] = kernel.own_error(o[k, 7], problem.earth.errors[phase[k]], x, near.depth_km)
    total = np.hypot(o[:, 1], model)
    alike = problem.alike[np.ix_(order, order)] * np.outer(model / total, model / total)
    np.fill_diagonal(alike, 1.0)
    say = np.clip(np.linalg.solve(alike, np.ones(len(order))), 0.2, 1.0)
    return np.array([say[first[s] : first[s + 1]].mean() for s in range(len(first) - 1)])

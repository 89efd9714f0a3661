"""The made-up world behind a made-up day: how signals fade, arrive late, are picked, and what noise is picked for one.

Nothing here is the associator's: noise levels, outages, path errors, station terms, azimuth biases and false
picks come from distributions of its own, and with `earth` = iasp91 even the travel times do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.amplitude_veith_clawson import q_factor
from detente.monitor.bulletin.records import Arrival
from detente.monitor.chain.day_scene import Source
from detente.monitor.network import _phase_kernel as kernel
from detente.monitor.network.phases import INDEX, SHEAR, Network, geocentric, model
from detente.monitor.waves.trace import Array, Site

Float = NDArray[np.float64]

# A phase beside P: log10 of its short-period amplitude over P's and the scatter, and where it is looked for.
_LATER: Final = {
    "Pg": (0.0, 0.3, 0.3, 6.0),
    "S": (-0.55, 0.35, 18.0, 80.0),
    "Sn": (-0.1, 0.35, 1.5, 18.0),
    "Lg": (0.25, 0.3, 0.3, 14.0),
    "pP": (-0.35, 0.3, 20.0, 95.0),
    "sP": (-0.55, 0.3, 20.0, 95.0),
    "PcP": (-0.75, 0.3, 25.0, 70.0),
    "ScP": (-0.8, 0.3, 20.0, 58.0),
    "PKPbc": (0.1, 0.3, 144.0, 153.0),
    "PKPab": (-0.2, 0.3, 146.0, 175.0),
}
# Distance beyond 100 degrees to Q, by eye from what core phases show on short-period instruments
_FAR: Final = np.array([[100, 4.3], [105, 4.9], [113, 5.1], [116, 4.9], [135, 4.8], [143, 4.1], [150, 4.1],
                        [155, 4.4], [180, 4.5]], float)  # fmt: skip


class DaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """A day: how many events and noise picks, of which kind, and how far the Earth departs from the tables.

    `path_error`: factor on path errors and station terms (0: the Earth is the model); `pick_sd_s`: None for
    errors that grow as signals sink into the noise, or one value for all; `earth`: whose times are true;
    `measured`: False for waves as they arrive, without a detector's errors, to make waveforms of.
    """

    events: int = 150
    noise: int = 8840
    kind: str = "ordinary"
    least_mb: float = 3.1
    earth: str = "iasp91"
    measured: bool = True
    path_error: float = 1.0
    pick_sd_s: float | None = None
    outages: float = 0.04
    start: float = 1_750_000_000.0
    length_s: float = 86400.0
    catalogue: Path | None = None


class World:
    """The day's hidden state: noise, outages, station terms, path errors, biases."""

    def __init__(self, chosen: DaySettings, sites: dict[str, Site | Array], rng: np.random.Generator) -> None:
        self.chosen, self.rng, self.net = chosen, rng, Network.of(sites)
        self.model = model(chosen.earth)
        n = len(self.net.codes)
        quiet = np.where(self.net.is_array, -0.35, 0.15)  # log10 nm: beams 0.45, single sensors 1.4
        self.noise_level = quiet + rng.normal(0, 0.3, n)
        self.threshold = np.log10(np.where(self.net.is_array, 3.2, 3.8)) + rng.normal(0, 0.05, n)
        self.term_s = rng.normal(0, 0.4, n) * chosen.path_error
        self.term_mb = rng.normal(0, 0.2, n)
        self.bias = rng.normal(0, 0.006, (n, 2))  # s/km, of an array's slowness vector
        dead = rng.uniform(size=n) < chosen.outages
        self.down = np.where(dead, 0.0, np.inf), np.where(dead, chosen.length_s, -np.inf)
        partly = ~dead & (rng.uniform(size=n) < 2 * chosen.outages)
        begin = rng.uniform(0, chosen.length_s, n)
        self.down[0][partly] = begin[partly]
        self.down[1][partly] = (begin + rng.exponential(3 * 3600.0, n))[partly]
        self.rate = rng.gamma(1.5, 1.0, n) * (~dead)
        self.waves = rng.normal(0, 1, (24, 7))

    def path_s(self, source: Float, shear: bool, distance: Float) -> Float:
        """A smooth random field of source and station: near paths share their error."""
        k = self.waves
        phase = 8.0 * (k[:, :3] @ source)[:, None] + 6.0 * (k[:, 3:6] @ self.net.places.T) + 6.3 * k[:, 6:]
        field = np.sqrt(2 / len(k)) * np.sin(phase + shear).sum(0)
        sd = np.interp(distance, [0, 2, 5, 18, 25, 180], [0.2, 0.8, 1.3, 1.6, 0.8, 0.8]) * (
            1.8 if shear else 1
        )
        error: Float = field * sd * self.chosen.path_error
        return error

    def up(self, station: int, t: float) -> bool:
        return not (self.down[0][station] <= t <= self.down[1][station])

    def event(self, source: Source, name: str) -> list[tuple[Arrival, str]]:
        """Every pick an event causes, with the phase ('' for its coda)."""
        rng, n = self.rng, len(self.net.codes)
        lat, lon = float(np.radians(geocentric(source.lat))), float(np.radians(source.lon))
        place, _ = kernel.frame_of(lat, lon)
        base = np.full(n, np.nan)
        found: list[tuple[Arrival, str]] = []
        out = np.empty((n, 5))
        for phase in ("P", *_LATER):
            index = np.full(n, INDEX[phase])
            kernel.predict(
                lat, lon, source.depth_km, index, np.arange(n), self.model.times, self.model.flattening,
                self.net.places, self.net.frames, self.net.elevation_km, SHEAR, out,
            )  # fmt: skip
            distance = out[:, 3]
            if phase == "P":
                base = self._log_amplitude(source, distance)
                log_a = base
            else:
                offset, scatter, first, last = _LATER[phase]
                log_a = base + offset + rng.normal(0, scatter, n) - 0.02 * (distance if phase == "Lg" else 0)
                inside = (
                    (distance >= first)
                    & (distance <= last)
                    & np.isfinite(self._own_time(phase, distance, source))
                )
                inside &= (source.depth_km > 15) | (phase not in ("pP", "sP"))
                log_a = np.where(inside, log_a, -9.0)
            late = self.path_s(place[0], bool(SHEAR[INDEX[phase]]), distance) + self.term_s
            for s in map(int, np.flatnonzero(log_a - self.noise_level > self.threshold - 0.3)):
                name_here = "PKP" if phase == "P" and distance[s] > 115 else phase
                a = self._pick(f"{name}-{self.net.codes[s]}-{phase}", s, source.time + out[s, 0] + late[s],
                               log_a[s], out[s], name_here)  # fmt: skip
                if a is not None:
                    found.append((a, name_here))
                    if phase == "P":
                        found += [(c, "") for c in self._coda(a, s)]
        return found

    def _own_time(self, phase: str, distance: Float, source: Source) -> Float:
        table = self.model.times[INDEX[phase]]
        return np.array([kernel.spherical(table, float(x), source.depth_km) for x in distance])

    def _log_amplitude(self, source: Source, distance: Float) -> Float:
        """log10 of A/T, nm/s, of first P."""
        q = np.where(
            distance <= 100,
            q_factor(distance, source.depth_km, extrapolate=True),
            np.interp(distance, *_FAR.T),
        )
        return np.asarray(source.mb - q + self.term_mb + self.rng.normal(0, 0.25, distance.size))

    def _pick(self, name: str, s: int, t: float, log_a: float, path: Float, phase: str) -> Arrival | None:
        rng = self.rng
        log_snr = log_a - self.noise_level[s] + rng.normal(0, 0.08)
        if log_snr < self.threshold[s] or not self.up(s, t) or not 0 <= t < self.chosen.length_s:
            return None
        snr = float(10**log_snr)
        sd, error = self._pick_error(snr, phase)
        slow = path[1] * np.array([np.sin(np.radians(path[2])), np.cos(np.radians(path[2]))])
        return self._arrival(name, s, t + error, sd, slow, snr, log_a, shear=phase in ("S", "Sn", "Lg"))

    def _pick_error(self, snr: float, phase: str) -> tuple[float, float]:
        """The stated sd of a pick and its error, s."""
        if not self.chosen.measured:
            return 0.0, 0.0
        sd = self.chosen.pick_sd_s
        if sd is not None:
            return sd, float(self.rng.normal(0, sd))
        sd = 0.1 + 1.2 / snr + (0.5 if phase in ("S", "Sn", "Lg", "Pg") else 0.0)
        return sd, float(self.rng.normal(0, sd)) * (5.0 if self.rng.uniform() < 0.03 else 1.0)

    def _coda(self, parent: Arrival, s: int) -> list[Arrival]:
        """False picks in the wake of a strong signal, from about its direction."""
        rng, snr = self.rng, parent.snr or 1.0
        found = []
        for k in range(rng.poisson(max(0.0, 0.8 * np.log10(snr / 10.0)))):
            t = parent.time - self.chosen.start + 8.0 + rng.exponential(40.0)
            if t >= self.chosen.length_s:
                continue
            b, p = np.radians(parent.backazimuth_deg or 0.0), parent.slowness_s_km or 0.06
            slow = p * np.array([np.sin(b), np.cos(b)]) + rng.normal(0, 0.02, 2)
            weak = max(3.0, snr * 10 ** rng.uniform(-1.2, -0.4))
            log_a = float(np.log10(weak) + self.noise_level[s])
            found.append(self._arrival(f"{parent.id}-c{k}", s, t, 0.5, slow, weak, log_a))
        return found

    def _arrival(
        self,
        name: str,
        s: int,
        t: float,
        sd: float,
        slow: Float,
        snr: float,
        log_a: float,
        *,
        shear: bool = False,
    ) -> Arrival:
        """What a detector writes down of a signal of slowness vector `slow` (s/km, towards the source)."""
        rng, is_array = self.rng, bool(self.net.is_array[s])
        blur = 0.004 + 0.03 / snr if is_array else 0.03 + 0.1 / snr
        seen = slow + (self.bias[s] if is_array else 0.0)
        if self.chosen.measured:
            seen = seen + rng.normal(0, blur, 2)
            if rng.uniform() < 0.03:  # a side lobe, or the wrong wave
                seen = rng.uniform(-0.3, 0.3, 2)
        p = float(np.hypot(*seen))
        directed = is_array or (snr > 5 and not shear) or not self.chosen.measured
        period = float(rng.uniform(0.5, 1.1))
        return Arrival(
            id=name,
            station=self.net.codes[s],
            time=float(self.chosen.start + t),
            time_sd=max(0.2, sd),
            backazimuth_deg=float(np.degrees(np.arctan2(*seen)) % 360) if directed else None,
            backazimuth_sd_deg=float(np.degrees(np.arctan(blur / max(p, 0.01)))) if directed else None,
            slowness_s_km=p if is_array or not self.chosen.measured else None,
            slowness_sd_s_km=blur if is_array else None,
            amplitude_nm=float(10**log_a * period),
            period_s=period,
            snr=snr,
            method="simulated",
        )

    def noise(self) -> list[Arrival]:
        """False picks: cultural sources in fixed directions, waves from anywhere, each station at its rate."""
        rng, n = self.rng, len(self.net.codes)
        counts = rng.multinomial(self.chosen.noise, self.rate / self.rate.sum())
        found = []
        for s in range(n):
            angle = rng.uniform(0, 2 * np.pi, 3)
            sources = rng.uniform(0.12, 0.35, 3)[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
            for k in range(counts[s]):
                t = rng.uniform(0, self.chosen.length_s)
                if not self.up(s, t):
                    t = rng.uniform(0, self.chosen.length_s)
                    if not self.up(s, t):
                        continue
                kind = rng.uniform()
                if kind < 0.4:
                    slow = sources[rng.integers(3)] + rng.normal(0, 0.01, 2)
                elif kind < 0.7:  # weak teleseisms of events that nobody else saw
                    slow = rng.normal(0, 0.05, 2)
                else:
                    slow = rng.uniform(-0.3, 0.3, 2)
                snr = float(10 ** self.threshold[s] + rng.exponential(1.5))
                log_a = float(np.log10(snr) + self.noise_level[s])
                found.append(self._arrival(f"n-{self.net.codes[s]}-{k}", s, t, 0.8, slow, snr, log_a))
        return found

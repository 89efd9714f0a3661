"""Instrument responses: from counts to ground displacement, by StationXML, poles and zeros, or one number."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import structs
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from detente.errors import DetenteError
from detente.monitor.waves.inventory import channels, is_folder, read_inventory, seconds
from detente.monitor.waves.sacpz import PoleZero, is_sacpz, read_sacpz
from detente.monitor.waves.trace import Fault, Recording, Trace

Complex = NDArray[np.complex128]

NM_PER_M = 1e9
_ORDER = {"M": 0, "M/S": 1, "M/S**2": 2, "M/S/S": 2, "M/SEC": 1, "M/SEC**2": 2}
_SCALE = {"NM": 1e9, "UM": 1e6, "MM": 1e3, "CM": 1e2}
_FACTOR = 2.0
_TABLES = (".csv", ".tsv", ".txt")
_TAPER = 0.05
_LONGEST_TAPER_S = 30.0
# a trace that is no longer in counts: the power of i w that its unit is above displacement
_DONE = {"m": 0, "m/s": 1, "m/s**2": 2}


class Response(msgspec.Struct, frozen=True):
    """How one channel answers the ground between `start` and `end` (s UTC).

    `counts_per_metre(frequencies_hz)`: complex, counts per metre of ground displacement (per pascal where `unit`
    is Pa). `source`: the file it came from.
    """

    channel: str
    counts_per_metre: Callable[[NDArray[np.float64]], NDArray[Any]]
    start: float = -1e12
    end: float = 1e12
    unit: str = "m"
    source: str = ""

    def gain(self, frequency_hz: float) -> float:
        """Counts per nanometre of displacement at one frequency (per pascal for a barometer)."""
        per_unit = abs(complex(self.counts_per_metre(np.array([frequency_hz]))[0]))
        return per_unit / NM_PER_M if self.unit == "m" else per_unit

    def to_displacement_nm(self, trace: Trace, band: tuple[float, float]) -> Trace:
        """Ground displacement in nm within `band` (low, high in Hz), same times, phase kept.

        The spectrum is divided by the response between half the low corner and 1.5 times the high one, with
        cosine flanks outside the band: what arrives leaks a little ahead of its onset, so read amplitudes on
        it, not onset times. Raises DetenteError for a channel that is no seismometer or a band outside the data.
        """
        if self.unit != "m" or trace.unit == "Pa":
            raise DetenteError("a pressure channel has no displacement", where=trace.id)
        return _remove(trace, band, self.counts_per_metre)


class Responses(msgspec.Struct, frozen=True):
    """Many channels' responses, and what was wrong with them."""

    by_channel: dict[str, tuple[Response, ...]]
    faults: tuple[Fault, ...] = ()

    def find(self, trace: Trace) -> Response | None:
        """The response of a trace at its time; a trace without a network or location matches any."""
        held = self.by_channel.get(trace.id, ())
        if not held and not (trace.network and trace.location):
            held = tuple(
                r for name, epochs in self.by_channel.items() if _matches(name, trace) for r in epochs
            )
        return next((r for r in held if r.start <= trace.start < r.end), None)

    def missing(self, recording: Recording) -> tuple[Fault, ...]:
        """A fault for each channel in counts that no response covers."""
        found = {}
        for t in recording.traces:
            if t.unit == "counts" and self.find(t) is None and t.id not in found:
                detail = "no response covers it: no amplitude in nanometres"
                found[t.id] = Fault(channel=t.id, kind="no response", start=t.start, end=t.end, detail=detail)
        return tuple(found.values())


def load(paths: Path | str | Iterable[Path | str]) -> Responses:
    """The responses of StationXML and SAC pole-zero files or folders of them; a broken file is a fault."""
    held: dict[str, list[Response]] = {}
    faults: list[Fault] = []
    for path in station_files([paths] if isinstance(paths, Path | str) else list(paths)):
        if path.suffix.lower() in _TABLES:
            continue  # places only
        try:
            data = path.read_bytes()[:640]
            if is_sacpz(data):
                new = [from_polezero(b, path.name) for b in read_sacpz(path.read_bytes(), path.name)]
                faults += _constants(path)
            else:
                new = list(_from_inventory(read_inventory(path), path.name, faults))
        except (DetenteError, OSError) as bad:
            faults.append(Fault(channel=path.name, kind="no response", start=0.0, end=0.0, detail=str(bad)))
            continue
        for response in new:
            held.setdefault(response.channel, []).append(response)
    return Responses({k: tuple(v) for k, v in held.items()}, tuple(faults))


def flat(channel: str, nm_per_count: float, at_hz: float = 1.0, *, to: str = "velocity") -> Response:
    """A calibration in one number as CSS tables give it (calib, nm/count at `at_hz`), flat in what `to` says."""
    if not (nm_per_count > 0 and at_hz > 0):
        raise DetenteError("a calibration is a positive number", where=channel)
    per_metre = NM_PER_M / nm_per_count
    if to == "displacement":
        return Response(channel, lambda f: np.full(f.shape, per_metre, complex), source="calib")
    return Response(channel, lambda f: per_metre * 1j * f / at_hz, source="calib")


def from_polezero(block: PoleZero, source: str = "") -> Response:
    """A SAC pole-zero block as a response. Raises DetenteError for an input unit that is no motion or pressure."""
    extra, scale, unit = _input(block.unit, source)
    zeros, poles = np.array(block.zeros, complex), np.array(block.poles, complex)

    def per_metre(f: NDArray[np.float64]) -> Complex:
        s = 2j * np.pi * np.asarray(f, float)
        up = np.prod(s[:, None] - zeros[None, :], axis=1)
        down = np.prod(s[:, None] - poles[None, :], axis=1)
        answer: Complex = block.constant * scale * s**extra * up / down
        return answer

    return Response(block.channel, per_metre, block.start, block.end, unit, source)


def _input(unit: str, where: str) -> tuple[int, float, str]:
    """Derivatives of displacement, factor per metre, and the base unit of an input unit's name."""
    name = unit.upper().strip()
    if name in ("PA", "PASCAL", "PASCALS"):
        return 0, 1.0, "Pa"
    for small, factor in _SCALE.items():
        if name == small or name.startswith(f"{small}/"):
            return _ORDER[name.replace(small, "M", 1)], factor, "m"
    if name not in _ORDER:
        raise DetenteError(f"input unit '{unit}' is no ground motion", where=where)
    return _ORDER[name], 1.0, "m"


def _constants(path: Path) -> Iterator[Fault]:
    """Blocks whose constant is not what their own sensitivity and normalisation say."""
    for block in read_sacpz(path.read_bytes(), path.name):
        try:
            told = float(block.notes["SENSITIVITY"].split()[0]) * float(block.notes["A0"])
        except (KeyError, ValueError, IndexError):
            continue
        ratio = abs(block.constant / told) if told else math.inf
        if not 1 / _FACTOR < ratio < _FACTOR:
            detail = f"the constant is {ratio:.3g} times sensitivity x A0"
            yield Fault(channel=block.channel, kind="units", start=block.start, end=block.end, detail=detail)


def _from_inventory(inventory: Any, where: str, faults: list[Fault]) -> Iterator[Response]:
    for name, channel in channels(inventory):
        start, end = seconds(channel.start_date, -1e12), seconds(channel.end_date, 1e12)
        try:
            yield _from_channel(name, channel, start, end, where, faults)
        except DetenteError as bad:
            faults.append(Fault(channel=name, kind="no response", start=start, end=end, detail=bad.what))


def _from_channel(
    name: str, channel: Any, start: float, end: float, where: str, faults: list[Fault]
) -> Response:
    told = channel.response
    if told is None or (not told.response_stages and told.instrument_sensitivity is None):
        raise DetenteError("the station file has no response", where=name)
    if getattr(told, "instrument_polynomial", None) is not None or any(
        hasattr(stage, "approximation_type") for stage in told.response_stages or ()
    ):
        raise DetenteError("a polynomial response has no transfer function", where=name)
    sensitivity = told.instrument_sensitivity
    if not told.response_stages and not sensitivity.value:
        raise DetenteError("a sensitivity of 0", where=name)
    first = told.response_stages[0].input_units if told.response_stages else None
    unit = first or (sensitivity.input_units if sensitivity else None) or ""
    order, scale, base = _input(unit, name)
    said = (sensitivity.input_units if sensitivity else None) or unit
    if said.upper() != unit.upper():
        detail = f"sensitivity in {said}, first stage in {unit}"
        faults.append(Fault(channel=name, kind="units", start=start, end=end, detail=detail))

    def per_metre(f: NDArray[np.float64]) -> Complex:
        s = 2j * np.pi * np.asarray(f, float)
        return (
            _staged(told, f) * scale * s**order
            if told.response_stages
            else _flat(sensitivity, s, order, scale)
        )

    _check_sensitivity(name, told, start, end, faults)
    return Response(name, per_metre, start, end, base, where)


def _flat(sensitivity: Any, s: Complex, order: int, scale: float) -> Complex:
    answer: Complex = float(sensitivity.value) * scale * s**order
    return answer


def _staged(told: Any, f: NDArray[np.float64]) -> Complex:
    """Counts per unit of the first stage's input, all stages; evaluated by evalresp through obspy."""
    try:
        # "DEF": the input's own unit, no conversion
        value = told.get_evalresp_response_for_frequencies(
            np.maximum(f, 1e-9), output="DEF", hide_sensitivity_mismatch_warning=True
        )
    except Exception as bad:  # evalresp's errors come in many kinds
        raise DetenteError(f"the response cannot be evaluated: {bad}") from None
    answer: Complex = np.asarray(value, complex)
    return answer


def _check_sensitivity(name: str, told: Any, start: float, end: float, faults: list[Fault]) -> None:
    sensitivity = told.instrument_sensitivity
    if not told.response_stages or sensitivity is None or not sensitivity.value or not sensitivity.frequency:
        return
    found = abs(complex(_staged(told, np.array([float(sensitivity.frequency)]))[0]))
    ratio = found / abs(float(sensitivity.value))
    if not 1 / _FACTOR < ratio < _FACTOR:
        detail = f"its stages give {ratio:.3g} times its stated sensitivity at {sensitivity.frequency:g} Hz"
        faults.append(Fault(channel=name, kind="units", start=start, end=end, detail=detail))


def _remove(
    trace: Trace, band: tuple[float, float], per_metre: Callable[[NDArray[np.float64]], NDArray[Any]]
) -> Trace:
    low, high = band
    n, nyquist = trace.samples.size, trace.rate_hz / 2
    if not (0 < low < high <= nyquist):
        fix = f"choose 0 < low < high <= {nyquist:g} Hz"
        raise DetenteError(f"band {low:g} to {high:g} Hz", where=trace.id, fix=fix)
    if n < 8:
        raise DetenteError(f"{n} samples are too few", where=trace.id)
    x = trace.samples.astype(np.float64)
    line = np.linspace(-1.0, 1.0, n)
    x -= x.mean()
    x -= line * (x @ line) / (line @ line)
    edge = min(round(_TAPER * n), round(_LONGEST_TAPER_S * trace.rate_hz))
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / max(edge, 1))
    x[:edge] *= ramp
    x[n - edge :] *= ramp[::-1]
    size = fft.next_fast_len(n + round(2 * trace.rate_hz / low), real=True)
    f = fft.rfftfreq(size, 1 / trace.rate_hz)
    window = _window(f, low, high, nyquist)
    use = window > 0
    spectrum = fft.rfft(x, size)
    if trace.unit in _DONE:
        h = (2j * np.pi * f[use]) ** _DONE[trace.unit]
    else:
        h = per_metre(f[use])
    if not (np.isfinite(h).all() and np.abs(h).min() > 0):
        raise DetenteError("the response vanishes within the band", where=trace.id)
    spectrum[~use] = 0
    spectrum[use] *= window[use] / h
    y = fft.irfft(spectrum, size)[:n] * NM_PER_M
    return structs.replace(trace, samples=y.astype(np.float32), unit="nm")


def _window(f: ArrayLike, low: float, high: float, nyquist: float) -> NDArray[np.float64]:
    """One within the band, cosine flanks to half the low corner and 1.5 times the high one (or Nyquist)."""
    f = np.asarray(f, float)
    top = min(1.5 * high, nyquist)
    rise = np.clip((f - low / 2) / (low / 2), 0, 1)
    fall = np.clip((top - f) / (top - high), 0, 1) if top > high else (f <= high).astype(float)
    return (0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall))


def _matches(name: str, trace: Trace) -> bool:
    n, s, loc, c = name.split(".")
    return (
        s == trace.station and c == trace.channel and trace.network in ("", n) and trace.location in ("", loc)
    )


def station_files(given: Iterable[Path | str]) -> list[Path]:
    """The files given, and of folders those that hold StationXML, dataless SEED or pole-zeros.

    Raises DetenteError for a path that does not exist.
    """
    listed: list[Path] = []
    for name in given:
        path = Path(name)
        if is_folder(path):
            found = (Path(here, n) for here, _, names in os.walk(path) for n in names)
            listed += sorted(p for p in found if _describes(p))
        else:
            listed.append(path)
    return listed


def _describes(path: Path) -> bool:
    if not path.is_file():
        return False
    if path.suffix.lower() in (".xml", ".dataless"):
        return True
    try:
        with path.open("rb") as file:
            return is_sacpz(file.read(640))
    except OSError:
        return False  # told as a waveform file, if it is one

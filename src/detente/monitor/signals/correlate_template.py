"""A known signal cut out of a record, filtered as the data will be that are searched for it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.signals.gather import Panel
from detente.monitor.waves.trace import NS

Float32 = NDArray[np.float32]


class Template(msgspec.Struct, frozen=True, eq=False):
    """A known signal: `samples` (channel, n), filtered as the data will be; `start_s`: how long after the event's
    reference time the window begins; `lag` (channel,) samples by which each channel's window begins later.
    """

    name: str
    codes: tuple[str, ...]
    rate_hz: float
    samples: Float32
    start_s: float = 0.0
    lag: tuple[int, ...] = ()

    def reversed(self) -> Template:
        """The same backwards in time: it has the spectrum and the length of the signal, and matches nothing."""
        return msgspec.structs.replace(
            self, name=f"{self.name} reversed", samples=self.samples[:, ::-1].copy()
        )

    def flipped(self) -> Template:
        """The same with the other sign."""
        return msgspec.structs.replace(self, samples=-self.samples)


def filtered(data: Panel, band_hz: tuple[float, float]) -> Panel:
    """The panel band-passed (Butterworth, order 4, causal), as templates and data must be alike."""
    from scipy.signal import sosfilt

    from detente.monitor.signals.filters import band_pass

    sections = band_pass(band_hz, data.rate_hz)
    rows = [
        sosfilt(sections, row.astype(np.float64) - float(row[0])).astype(np.float32) for row in data.samples
    ]
    return msgspec.structs.replace(data, samples=np.stack(rows))


def cut_template(
    data: Panel, name: str, start: float, length_s: float, *, reference: float | None = None
) -> Template:
    """A template from a filtered panel: the window from `start` (s UTC); `reference`: the event's time.

    Raises DetenteError where the panel does not hold the window.
    """
    piece = data.between(start, start + length_s)
    if piece.samples.shape[1] < round(length_s * data.rate_hz) - 1 or not piece.samples.any(axis=1).all():
        raise DetenteError(f"{data.station} has no complete data for template {name}")
    after = 0.0 if reference is None else piece.start_ns / NS - reference
    return Template(name, data.codes, data.rate_hz, piece.samples.copy(), after)


def keep(data: Panel, codes: Sequence[str]) -> Panel:
    """The panel's channels of these names only. Raises DetenteError where none is left."""
    rows = [k for k, code in enumerate(data.codes) if code in codes]
    if not rows:
        raise DetenteError(f"{data.station}: template and data share no channel")
    return msgspec.structs.replace(
        data,
        codes=tuple(data.codes[k] for k in rows),
        samples=data.samples[rows],
        late_s=data.late_s[rows],
        offsets_km=data.offsets_km[rows],
        live=None if data.live is None else data.live[rows],
    )

"""Waveform correlation: find what looks like a known event, at a stated rate of false alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from detente.monitor.signals.correlate_law import Tail, Wider, own, squeezed, tails
from detente.monitor.signals.correlate_law import threshold as threshold
from detente.monitor.signals.correlate_maxima import CHUNK_S as CHUNK_S
from detente.monitor.signals.correlate_maxima import Maxima as Maxima
from detente.monitor.signals.correlate_maxima import Statistic as Statistic
from detente.monitor.signals.correlate_maxima import correlate as correlate
from detente.monitor.signals.correlate_template import Template as Template
from detente.monitor.signals.correlate_template import cut_template as cut_template
from detente.monitor.signals.correlate_template import filtered as filtered
from detente.monitor.signals.correlate_template import keep as keep
from detente.monitor.signals.gather import Panel
from detente.monitor.signals.lines import notched, steady_lines
from detente.monitor.signals.threshold import Law, law


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A detection: `time` (s UTC) of the window's start; `false_per_day`: how often noise alone reaches this."""

    template: str
    time: float
    correlation: float
    level: float
    false_per_day: float


def noise_laws(on_noise: Maxima) -> dict[str, Wider]:
    """By template the law of `squeezed` correlation on noise: reversed templates on the data, or real ones on noise.

    Gumbel's law of the bulk, and the tail of the greatest: noise with spikes passes the first too often.
    """
    rows = squeezed(on_noise.correlation)
    bulk = [law(row, on_noise.chunk_s) for row in rows]
    return {
        name.removesuffix(" reversed"): Wider((one, tail))
        for name, one, tail in zip(on_noise.names, bulk, tails(rows, on_noise.chunk_s), strict=True)
    }


def matches(found: Maxima, laws: Mapping[str, Law | Wider], per_day: float = 1.0) -> tuple[Match, ...]:
    """Detections in order of time, at least a template's length apart; `per_day` false ones a day on average.

    The level is that of the given law or of the bulk of these correlations themselves, whichever is higher: a
    template turned backwards does not match the phases of a hum across the channels, the template does.
    """
    out = []
    for name, row, time in zip(found.names, found.correlation, found.time, strict=True):
        noise = Wider((*_laws_of(laws[name]), *own(row, found.chunk_s)))
        level = threshold(noise, per_day)
        reach = max(found.chunk_s / 2, found.length_s)
        kept: list[int] = []
        for k in sorted(np.flatnonzero(row > level), key=lambda k: (-row[k], k)):
            if any(abs(time[j] - time[k]) < reach for j in kept):
                continue  # a signal resembles itself a little earlier and later
            kept.append(int(k))
            rate = noise.per_day(float(squeezed(row[k : k + 1])[0]))
            out.append(Match(template=name, time=float(time[k]), correlation=float(row[k]), level=level,
                             false_per_day=rate))  # fmt: skip
    return tuple(sorted(out, key=lambda m: (m.time, m.template)))


def _laws_of(noise: Law | Wider) -> tuple[Law | Tail, ...]:
    return noise.laws if isinstance(noise, Wider) else (noise,)


def less_hum(data: Panel, templates: Sequence[Template]) -> tuple[Panel, list[Template]]:
    """Data and templates less the steady lines of the data: what they share of these is no signal.

    The data are notched; of each channel of a template the sine and the cosine of each line are taken out by least
    squares, so that a steady line correlates with it at no phase.
    """
    hum = steady_lines(data.samples, data.rate_hz)
    if not hum:
        return data, list(templates)
    samples = notched(data.samples, data.rate_hz, hum)
    quiet = msgspec.structs.replace(data, samples=samples if data.live is None else samples * data.live)
    return quiet, [_without(t, hum) for t in templates]


def _without(template: Template, hum: Sequence[float]) -> Template:
    n = template.samples.shape[1]
    turn = 2 * np.pi * np.outer(np.arange(n) / template.rate_hz, hum)
    basis, size, _ = np.linalg.svd(np.concatenate([np.cos(turn), np.sin(turn)], axis=1), full_matrices=False)
    basis = basis[:, size > 1e-6 * size[0]]
    x = template.samples.astype(np.float64)
    return msgspec.structs.replace(template, samples=(x - x @ basis @ basis.T).astype(np.float32))


def repeats(
    data: Panel, templates: Sequence[Template], per_day: float = 1.0, statistic: Statistic = "array"
) -> tuple[Match, ...]:
    """What looks like the templates, less the data's hum; `per_day` false matches a day and template.

    The level comes from the same data: the templates turned backwards in time, and where these stand on their heads.
    Raises DetenteError as `correlate` does, and for less than fifty chunks.
    """
    data, templates = less_hum(data, templates)
    laws = noise_laws(correlate(data, [t.reversed() for t in templates], statistic))
    found = correlate(data, templates, statistic)
    heads = _on_their_heads(found, correlate(data, [t.flipped() for t in templates], statistic))
    both = {name: Wider((*laws[name].laws, tail)) for name, tail in zip(found.names, heads, strict=True)}
    return matches(found, both, per_day)


def _on_their_heads(found: Maxima, flipped: Maxima) -> list[Tail]:
    """The tails of the correlations with templates of the other sign where no greater one of the right sign is near.

    Noise has no sign, so these are as frequent as false alarms, spikes through the filter that made the template
    included; a repeat's own side lobes lie beside a greater peak.
    """
    from scipy.ndimage import maximum_filter1d

    reach = 2 * int(np.ceil(found.length_s / found.chunk_s)) + 1
    near = maximum_filter1d(found.correlation, reach, axis=1)
    return tails(squeezed(np.where(flipped.correlation > near, flipped.correlation, 0.0)), found.chunk_s)

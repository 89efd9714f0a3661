"""The steps that a watch takes: the same detection, association and measuring as a recording gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log

from detente.monitor.bulletin.records import Arrival, Event
from detente.monitor.chain.lone import lone_events
from detente.monitor.chain.process import DEFAULT, Settings, characterise
from detente.monitor.chain.watch import Associate, Detect, Finish
from detente.monitor.network.associate import associate as make_events
from detente.monitor.signals.detect import detect as search
from detente.monitor.waves.response import Responses
from detente.monitor.waves.trace import Array, Recording, Trace

_HOUR_S = 3600.0


def _score(event: Event, arrivals: Sequence[Arrival]) -> float:
    """The event's log-odds with the noise rate of what was heard, which may be less than an hour.

    Association takes a station's rate of noise as (n + 3) onsets in an hour at least, for it is made for days. Where
    the arrivals span less, the rate is taken here from the onsets that the event leaves over, with Jeffreys' half.
    """
    span = max(a.time for a in arrivals) - min(a.time for a in arrivals)
    if span >= _HOUR_S:
        return event.score or 0.0
    own = Counter(a.station for a in arrivals)
    used = Counter(u.station for u in event.origin.used)
    score = event.score or 0.0
    for station, count in used.items():
        left = own[station] - count + 0.5
        score -= count * log(left / max(span, 1.0) * _HOUR_S / (own[station] + 3.0))
    return score


def steps(
    arrays: Mapping[str, Array], responses: Responses, settings: Settings = DEFAULT
) -> tuple[Detect, Associate, Finish]:
    """The detector, the associator and the measuring of one event, for the arrays heard."""

    def detect(traces: Sequence[Trace], array: Array) -> Sequence[Arrival]:
        return search(traces, array, settings.detect)

    def associate(arrivals: Sequence[Arrival], known: Mapping[str, Array]) -> Sequence[Event]:
        heard = {a.station for a in arrivals}
        used = {code: array for code, array in known.items() if code in arrays or code in heard}
        found = make_events(arrivals, used, settings=settings.associate)
        events = [e for e in found if _score(e, arrivals) >= settings.associate.least_score]
        return events + list(lone_events(arrivals, events, used, least_snr=settings.lone_snr))

    def finish(event: Event, recording: Recording, arrivals: Sequence[Arrival]) -> Event:
        return characterise([event], recording, arrays, responses, arrivals, settings=settings)[0]

    return detect, associate, finish

"""The steps that a watch takes: the same detection, association and measuring as a recording gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detente.monitor.bulletin.records import Arrival, Event
from detente.monitor.chain.lone import lone_events
from detente.monitor.chain.process import DEFAULT, Settings, characterise
from detente.monitor.chain.watch import Associate, Detect, Finish
from detente.monitor.network.associate import associate as make_events
from detente.monitor.signals.detect import detect as search
from detente.monitor.waves.response import Responses
from detente.monitor.waves.trace import Array, Recording, Trace


def steps(
    arrays: Mapping[str, Array], responses: Responses, settings: Settings = DEFAULT
) -> tuple[Detect, Associate, Finish]:
    """The detector, the associator and the measuring of one event, for the arrays heard."""

    def detect(traces: Sequence[Trace], array: Array) -> Sequence[Arrival]:
        return search(traces, array, settings.detect)

    def associate(
        arrivals: Sequence[Arrival], known: Mapping[str, Array], listened: Mapping[str, float]
    ) -> Sequence[Event]:
        heard = {a.station for a in arrivals}
        used = {code: array for code, array in known.items() if code in arrays or code in heard}
        events = list(make_events(arrivals, used, settings=settings.associate, listened=listened))
        return events + list(lone_events(arrivals, events, used, least_snr=settings.lone_snr))

    def finish(event: Event, recording: Recording, arrivals: Sequence[Arrival]) -> Event:
        return characterise([event], recording, arrays, responses, arrivals, settings=settings)[0]

    return detect, associate, finish

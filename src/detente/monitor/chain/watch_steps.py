"""The steps that a watch takes: the same detection, association and measuring as a recording gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Event
from detente.monitor.chain.watch import Associate, Detect, Finish
from detente.monitor.waves.response import Responses
from detente.monitor.waves.trace import Array, Recording, Trace


def steps(arrays: Mapping[str, Array], responses: Responses) -> tuple[Detect, Associate, Finish]:
    """The detector, the associator and the measuring of one event, for the arrays heard."""
    try:
        detecting = import_module("detente.monitor.signals.detect")
        associating = import_module("detente.monitor.network.associate")
        processing = import_module("detente.monitor.chain.process")
    except ImportError as bad:
        raise DetenteError(f"a step of the chain is not installed ({bad.name})") from None

    def detect(traces: Sequence[Trace], array: Array) -> Sequence[Arrival]:
        found: Sequence[Arrival] = detecting.detect(traces, array)
        return found

    def associate(arrivals: Sequence[Arrival], known: Mapping[str, Array]) -> Sequence[Event]:
        found: Sequence[Event] = associating.associate(arrivals, known)
        return found

    def finish(event: Event, recording: Recording, arrivals: Sequence[Arrival]) -> Event:
        measured = processing.characterise([event], recording, arrays, responses, arrivals)
        one: Event = measured[0]
        return one

    return detect, associate, finish

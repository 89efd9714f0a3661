"""The steps that a watch takes: the same detection, association and measuring as a recording gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import structs

from detente.monitor.bulletin.records import Arrival, Event, Origin, Screening
from detente.monitor.bulletin.times import moment
from detente.monitor.chain.find import all_in, find_events
from detente.monitor.chain.hear import channel_gain
from detente.monitor.chain.listen import apart, heard, listen
from detente.monitor.chain.process import DEFAULT, Settings, characterise
from detente.monitor.chain.watch import Detect
from detente.monitor.chain.watch_events import AllIn, Associate, Finish
from detente.monitor.character.paths import path
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.waves.response import Responses
from detente.monitor.waves.sites import by_array
from detente.monitor.waves.trace import Array, Recording, Trace

BESIDE_KM: Final = 120.0
"""Neighbours that may screen an event lie within 80 km (`screen`); those farther are not measured again for it."""


class Steps(NamedTuple):
    """What `Watch` is made of, in its order."""

    detect: Detect
    associate: Associate
    finish: Finish
    all_in: AllIn


def steps(arrays: Mapping[str, Array], responses: Responses, settings: Settings = DEFAULT) -> Steps:
    """The detector, the associator, the measuring of one event and when it can be, for the arrays heard."""
    arrays = apart(arrays)

    def detect(traces: Sequence[Trace], array: Array) -> Sequence[Arrival]:
        return listen(traces, array, settings.detect, channel_gain(traces, responses))

    def associate(
        arrivals: Sequence[Arrival],
        known: Mapping[str, Array],
        listened: Mapping[str, float],
        before: Sequence[Event],
    ) -> Sequence[Event]:
        used = {code: array for code, array in known.items() if code in listened}
        return find_events(
            arrivals, used, settings.associate, lone_snr=settings.lone_snr, listened=listened, known=before
        )

    def finish(
        event: Event,
        before: Sequence[Event],
        recording: Recording,
        arrivals: Sequence[Arrival],
        complete: bool,
    ) -> Event:
        near = [e for e in before if e.origin.time < event.origin.time and _beside(e, event)]
        live = _heard(recording, arrays)
        made = characterise([*near[-5:], event], recording, live, responses, arrivals, settings=settings)
        one = next(e for e in made if e.id == event.id)
        return one if complete else _early(one, live)

    return Steps(detect, associate, finish, lambda event: all_in(event, arrays))


def warm(arrays: Mapping[str, Array], settings: Settings = DEFAULT) -> None:
    """Compile and load what association needs before the first record comes: that may take a minute."""
    some = dict(list(arrays.items())[:6])
    if not some:
        return
    lat, lon = (sum(v) / len(some) for v in ([a.lat for a in some.values()], [a.lon for a in some.values()]))
    origin = Origin(id="", time=1000.0, lat=lat, lon=lon, time_sd=1.0)
    picks = [
        Arrival(id=code, station=code, time=1000.0 + path(origin, a).p_s, time_sd=0.3, snr=10.0)
        for code, a in some.items()
    ]
    find_events(
        picks, some, settings.associate, lone_snr=settings.lone_snr, listened=dict.fromkeys(some, 3600.0)
    )


def _heard(recording: Recording, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays that have sent, as they were heard."""
    return {code: heard(traces, arrays[code]) for code, traces in by_array(recording, arrays)[0].items()}


def _beside(one: Event, other: Event) -> bool:
    a, b = one.origin, other.origin
    return float(distance_azimuth(a.lat, a.lon, b.lat, b.lon)[0]) * KM_PER_DEG <= BESIDE_KM


def _early(event: Event, arrays: Mapping[str, Array]) -> Event:
    """The event without a verdict: what is missing now would be taken for what was not seen."""
    if event.screening is None or event.screening.p_explosion is None:
        return event
    when = moment(all_in(event, arrays))
    why = f"cannot be screened yet: the S trains have passed all its stations at {when:%H:%M:%S}"
    wait = Screening(verdict="cannot be screened", p_explosion=None, prior=event.screening.prior, why=why)
    return structs.replace(event, screening=wait)

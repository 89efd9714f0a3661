"""An onset that the machine did not see, picked by an analyst and taken into an event."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from detente.errors import DetenteError, nearest
from detente.monitor.bulletin.records import Arrival, Bulletin, Change
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.edit import Edit, apply, find_event, keep
from detente.monitor.chain.process import DEFAULT, Settings
from detente.monitor.character.ground import Instruments
from detente.monitor.network.phases import index_of
from detente.monitor.signals.detect import number
from detente.monitor.waves.trace import Array, Recording


def new_arrival(
    bulletin: Bulletin,
    arrays: Mapping[str, Array],
    station: str,
    time: float,
    phase: str,
    sd_s: float,
    who: str,
) -> Arrival:
    """A pick with an id that no arrival has. Raises DetenteError for an unknown station or phase, or no error."""
    if station not in arrays:
        raise DetenteError(f"no place for station '{station}'", fix=nearest(station, arrays))
    if not sd_s > 0:
        raise DetenteError(f"a pick with an error of {sd_s:g} s", fix="give one above 0")
    index_of(phase)
    (named,) = number([Arrival(id="", station=station, time=time, time_sd=sd_s)])
    taken = {a.id for a in bulletin.arrivals}
    name, n = named.id, 2
    while name in taken:
        name, n = f"{named.id}-{n}", n + 1
    return msgspec.structs.replace(named, id=name, phase=phase, method="picked by hand", by=who)


def take_in(
    bulletin: Bulletin,
    arrival: Arrival,
    edit: Edit,
    recording: Recording,
    arrays: Mapping[str, Array],
    responses: Instruments,
    store: Store | None,
    *,
    settings: Settings = DEFAULT,
) -> tuple[Bulletin, Change]:
    """The bulletin with the pick in the edit's event, recomputed; both in the store as one act.

    Raises DetenteError where the event has this phase at the station already, and for whatever `apply` refuses.
    """
    for u in find_event(bulletin, edit.event).origin.used:
        if (u.station, u.phase) == (arrival.station, arrival.phase):
            raise DetenteError(
                f"{edit.event} has {u.phase} at {u.station}", where=u.arrival, fix="edit --time moves it"
            )
    every = tuple(sorted((*bulletin.arrivals, arrival), key=lambda a: (a.time, a.station, a.id)))
    wanted = msgspec.structs.replace(edit, arrival=arrival.id, add=True, phase=arrival.phase)
    held = msgspec.structs.replace(bulletin, arrivals=every)
    changed, change = apply(held, wanted, recording, arrays, responses, settings=settings)
    if store is not None:
        with store.transaction():
            store.add_arrival(arrival, who=edit.who, reason=edit.reason)
            keep(store, changed, wanted)
    return changed, change

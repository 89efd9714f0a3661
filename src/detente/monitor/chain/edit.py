"""An analyst's corrections: one arrival changed, everything after it computed again, and the change kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from detente.errors import DetenteError, nearest
from detente.monitor.bulletin.records import Arrival, Bulletin, Change, Event, Origin
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.process import DEFAULT, Settings, characterise, named
from detente.monitor.character.ground import Instruments
from detente.monitor.network.locate import locate
from detente.monitor.waves.trace import Array, Recording


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What to change, by whom, why; give one of `time`, `phase`, `remove`, `add`, `fk`, or `depth_km`.

    `arrival`: its id; `time` in s UTC; `add`: take an arrival of the bulletin into the event as `phase`;
    `fk`: back-azimuth and its error in degrees, slowness and its error in s/km, to take in place of the arrival's;
    `depth_km`: fix the event's depth. `when`: s UTC, by the caller's clock.
    """

    event: str
    who: str
    when: float
    reason: str
    arrival: str = ""
    time: float | None = None
    phase: str = ""
    remove: bool = False
    add: bool = False
    fk: tuple[float, float, float, float] | None = None
    depth_km: float | None = None

    @property
    def fields(self) -> dict[str, float]:
        """The fields of the arrival that the edit sets."""
        if self.time is not None:
            return {"time": self.time}
        return dict(zip(_FK, self.fk, strict=True)) if self.fk is not None else {}


_FK = ("backazimuth_deg", "backazimuth_sd_deg", "slowness_s_km", "slowness_sd_s_km")


def apply(
    bulletin: Bulletin,
    edit: Edit,
    recording: Recording,
    arrays: Mapping[str, Array],
    responses: Instruments,
    *,
    settings: Settings = DEFAULT,
) -> tuple[Bulletin, Change]:
    """The bulletin after the edit: the event located, measured, screened and sized anew, old origins kept.

    Raises DetenteError for an unknown event or arrival, no reason or name, or an edit that leaves too little
    to locate with.
    """
    if not edit.who.strip() or not edit.reason.strip():
        raise DetenteError("a change without a name or a reason", fix="give --who and --reason")
    event = find_event(bulletin, edit.event)
    arrivals, members, before, after = _changed(bulletin, event, edit)
    change = Change(
        when=edit.when, who=edit.who, what=_what(edit), before=before, after=after, reason=edit.reason
    )
    if not members:
        raise DetenteError("no arrival is left", where=event.id, fix="remove the event instead")
    origin = _origin(event, members, arrays, edit, settings)
    moved = msgspec.structs.replace(event, origins=(origin, *event.origins), changes=(*event.changes, change))
    others = [e for e in bulletin.events if e.id != event.id]
    anew = characterise([moved], recording, arrays, responses, arrivals, settings=settings)
    events = tuple(sorted([*others, *anew], key=lambda e: (e.origin.time, e.id)))
    changed = msgspec.structs.replace(bulletin, arrivals=named(arrivals, events), events=events)
    return changed, change


def keep(store: Store, after: Bulletin, edit: Edit) -> None:
    """Write the edit into the store of changes: what the arrival measures anew, and the event as recomputed."""
    with store.transaction():
        if edit.fields:
            store.edit_arrival(edit.arrival, edit.fields, who=edit.who, reason=edit.reason)
        store.replace_event(find_event(after, edit.event), who=edit.who, reason=edit.reason)


def find_event(bulletin: Bulletin, event: str) -> Event:
    """The event with this id. Raises DetenteError with the known ids."""
    known = {e.id: e for e in bulletin.events}
    if event not in known:
        raise DetenteError(
            f"no event '{event}'", fix=nearest(event, known) if known else "the bulletin is empty"
        )
    return known[event]


def _what(edit: Edit) -> str:
    if edit.depth_km is not None:
        return "depth"
    timed = "time" if edit.time is not None else "f-k" if edit.fk is not None else "phase"
    kind = "remove" if edit.remove else "add" if edit.add else timed
    return f"{kind} of arrival {edit.arrival}"


def _changed(
    bulletin: Bulletin, event: Event, edit: Edit
) -> tuple[tuple[Arrival, ...], list[Arrival], str, str]:
    """All arrivals after the edit, those of the event, and the change in words."""
    by_id = {a.id: a for a in bulletin.arrivals}
    phase = {u.arrival: u.phase for u in event.origin.used}
    if edit.depth_km is not None:
        o = event.origin
        return (
            bulletin.arrivals,
            _members(by_id, phase),
            f"{o.depth} {o.depth_km:g} km",
            f"fixed {edit.depth_km:g} km",
        )
    if edit.arrival not in by_id:
        raise DetenteError(f"no arrival '{edit.arrival}'", fix=nearest(edit.arrival, by_id))
    arrival = by_id[edit.arrival]
    if not edit.add and edit.arrival not in phase:
        raise DetenteError(f"arrival '{edit.arrival}' is not of {event.id}", fix="--add takes it in")
    if edit.remove:
        del phase[edit.arrival]
        return bulletin.arrivals, _members(by_id, phase), "used", "not used"
    if edit.add:
        phase[edit.arrival] = edit.phase or "P"
        return bulletin.arrivals, _members(by_id, phase), "not used", f"used as {phase[edit.arrival]}"
    if edit.time is not None:
        before, after = stamp(arrival.time), stamp(edit.time)
        by_id[edit.arrival] = msgspec.structs.replace(arrival, time=edit.time, by=edit.who)
    elif edit.fk is not None:
        new = msgspec.convert({**msgspec.structs.asdict(arrival), **edit.fields, "by": edit.who}, Arrival)
        before, after = _direction(arrival), _direction(new)
        by_id[edit.arrival] = new
    elif edit.phase:
        before, after = phase[edit.arrival], edit.phase
        phase[edit.arrival] = edit.phase
    else:
        raise DetenteError("nothing to change", fix="give --time, --phase, --remove, --add or --depth")
    return tuple(by_id[a.id] for a in bulletin.arrivals), _members(by_id, phase), before, after


def _direction(a: Arrival) -> str:
    if a.backazimuth_deg is None or a.slowness_s_km is None:
        return "none"
    return f"{a.backazimuth_deg:.1f} deg, {a.slowness_s_km:.4f} s/km"


def _members(by_id: Mapping[str, Arrival], phase: Mapping[str, str]) -> list[Arrival]:
    return [msgspec.structs.replace(by_id[i], phase=p) for i, p in phase.items() if i in by_id]


def _origin(
    event: Event, members: Sequence[Arrival], arrays: Mapping[str, Array], edit: Edit, settings: Settings
) -> Origin:
    place = settings.associate.locate
    if edit.depth_km is not None:
        place = msgspec.structs.replace(place, depth_km=edit.depth_km)
    numbers = len(event.origins)
    origin = locate(
        members, arrays, settings=place, start=event.origin, origin_id=f"{event.id}-origin-{numbers + 1}"
    )
    return msgspec.structs.replace(origin, missed=event.origin.missed, by=edit.who)


def stamp(time: float) -> str:
    """ISO 8601 UTC to the millisecond."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""An analyst's corrections: one thing changed, everything after it computed again, and the change kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from detente.errors import DetenteError, nearest
from detente.monitor.bulletin.records import MACHINE, Arrival, Bulletin, Change, Event, Origin, Used
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.process import DEFAULT, Settings, characterise, named
from detente.monitor.chain.refine import after_origin, weighed
from detente.monitor.character.ground import Instruments
from detente.monitor.network.locate import locate
from detente.monitor.network.phases import index_of
from detente.monitor.waves.trace import Array, Recording

PICK_SD_S: Final = 0.3
"""How well an analyst's own pick is taken to be read, unless told."""
_FK: Final = ("backazimuth_deg", "backazimuth_sd_deg", "slowness_s_km", "slowness_sd_s_km")
_MEASURED: Final = ("time", "time_sd", *_FK)
"""The fields of an arrival that an edit may set."""


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What to change, by whom, why: one act.

    `arrival` with `time` (s UTC), `phase`, `remove`, `add` (an arrival of the bulletin, as `phase`), or `fk`
    (back-azimuth and its error in degrees, slowness and its error in s/km, in place of its own); `station` with
    `time`: a new pick there, as `phase`; `station` with `exclude` or `include`: all that the event takes from it;
    `depth_km`: fix the depth. `sd`: error of a pick, s; `when`: s UTC. `undo.revert` takes any of them back.
    """

    event: str
    who: str
    when: float
    reason: str
    arrival: str = ""
    station: str = ""
    time: float | None = None
    phase: str = ""
    remove: bool = False
    add: bool = False
    exclude: bool = False
    include: bool = False
    fk: tuple[float, float, float, float] | None = None
    depth_km: float | None = None
    sd: float = PICK_SD_S


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """An event's arrivals by id with their phases, all arrivals, and what analysts' standing changes ask for."""

    arrivals: dict[str, Arrival]
    phase: dict[str, str]
    touched: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    depth_km: float | None = None


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

    Earlier changes stand: a depth that was fixed stays fixed, a station that was excluded stays out.
    Raises DetenteError for an unknown event, arrival or station, no reason or name, more than one act, or an edit
    that leaves too little to locate with.
    """
    if not edit.who.strip() or not edit.reason.strip():
        raise DetenteError("a change without a name or a reason", fix="give --who and --reason")
    event = find_event(bulletin, edit.event)
    state = _state(bulletin, event)
    state, what, before, after = _changed(state, event, edit, arrays)
    change = Change(when=edit.when, who=edit.who, what=what, before=before, after=after, reason=edit.reason)
    origin = _origin(event, state, arrays, edit, settings)
    moved = msgspec.structs.replace(event, origins=(origin, *event.origins), changes=(*event.changes, change))
    arrivals = tuple(sorted(state.arrivals.values(), key=lambda a: (a.time, a.station, a.id)))
    out = _held(moved)[0]
    heard = Recording(tuple(t for t in recording.traces if t.station not in out), recording.faults)
    places = {code: a for code, a in arrays.items() if code not in out}
    others = [e for e in bulletin.events if e.id != event.id]
    earlier = [e for e in others if e.origin.time < moved.origin.time]
    anew = characterise([moved], heard, places, responses, arrivals, settings=settings, earlier=earlier[-5:])
    events = tuple(sorted([*others, *anew], key=lambda e: (e.origin.time, e.id)))
    return msgspec.structs.replace(bulletin, arrivals=named(arrivals, events), events=events), change


def keep(store: Store, before: Bulletin, after: Bulletin, edit: Edit) -> None:
    """Write the edit into the store of changes: new and moved arrivals, and the event as recomputed."""
    old = {a.id: a for a in before.arrivals}
    with store.transaction():
        for a in after.arrivals:
            if a.id not in old:
                store.add_arrival(a, who=edit.who, reason=edit.reason)
                continue
            new = {f: getattr(a, f) for f in _MEASURED if getattr(a, f) != getattr(old[a.id], f)}
            if new:
                store.edit_arrival(a.id, new, who=edit.who, reason=edit.reason)
        store.replace_event(find_event(after, edit.event), who=edit.who, reason=edit.reason)


def find_event(bulletin: Bulletin, event: str) -> Event:
    """The event with this id. Raises DetenteError with the known ids."""
    known = {e.id: e for e in bulletin.events}
    if event not in known:
        raise DetenteError(
            f"no event '{event}'", fix=nearest(event, known) if known else "the bulletin is empty"
        )
    return known[event]


def standing(event: Event) -> tuple[Change, ...]:
    """The changes of an event that no later one has undone, oldest first."""
    found: list[Change] = []
    undone: list[Change] = []
    for c in event.changes:
        if c.what.startswith("undo of ") and found:
            undone.append(found.pop())
        elif c.what.startswith("redo of ") and undone:
            found.append(undone.pop())
        else:
            found.append(c)
            undone.clear()
    return tuple(found)


def _held(event: Event) -> tuple[frozenset[str], frozenset[str], float | None]:
    """Stations that stay out, arrivals that analysts have had in hand, the depth that was fixed."""
    out: set[str] = set()
    touched: set[str] = set()
    depth: float | None = None
    for c in standing(event):
        kind, _, name = c.what.partition(" of ")
        if kind == "exclude":
            out.add(name.removeprefix("station "))
        elif kind == "include":
            out.discard(name.removeprefix("station "))
        elif kind == "depth":
            depth = float(c.after.split()[1])
        elif kind in ("time", "phase", "f-k", "add", "pick"):
            touched.add(name.removeprefix("arrival "))
    return frozenset(out), frozenset(touched), depth


def _state(bulletin: Bulletin, event: Event) -> _State:
    out, touched, depth = _held(event)
    return _State(
        arrivals={a.id: a for a in bulletin.arrivals},
        phase={u.arrival: u.phase for u in event.origin.used},
        touched=touched, without=out, depth_km=depth,
    )  # fmt: skip


def _changed(
    state: _State, event: Event, edit: Edit, arrays: Mapping[str, Array]
) -> tuple[_State, str, str, str]:
    """The state after the edit, what was changed, from what, to what."""
    replace = msgspec.structs.replace
    if edit.depth_km is not None:
        o = event.origin
        return (replace(state, depth_km=edit.depth_km), "depth of event", f"{o.depth} {o.depth_km:g} km",
                f"fixed {edit.depth_km:g} km")  # fmt: skip
    if edit.station:
        if edit.station not in arrays:
            raise DetenteError(f"no station '{edit.station}'", fix=nearest(edit.station, arrays))
        return _station(state, event, edit) if edit.exclude or edit.include else _picked(state, edit)
    if edit.arrival not in state.arrivals:
        raise DetenteError(f"no arrival '{edit.arrival}'", fix=nearest(edit.arrival, state.arrivals))
    if not edit.add and edit.arrival not in state.phase:
        raise DetenteError(f"arrival '{edit.arrival}' is not of {event.id}", fix="--add takes it in")
    return _arrival(state, edit)


def _arrival(state: _State, edit: Edit) -> tuple[_State, str, str, str]:
    name, replace = edit.arrival, msgspec.structs.replace
    old, phase = state.arrivals[name], dict(state.phase)
    mine = replace(state, phase=phase, touched=state.touched | {name})
    if edit.remove:
        return mine, f"remove of arrival {name}", f"used as {phase.pop(name)}", "not used"
    if edit.add:
        before = f"used as {phase[name]}" if name in phase else "not used"
        phase[name] = edit.phase or old.phase or "P"
        return mine, f"add of arrival {name}", before, f"used as {phase[name]}"
    if edit.time is not None:
        moved = replace(old, time=edit.time, time_sd=edit.sd, by=edit.who)
        mine = replace(mine, arrivals=state.arrivals | {name: moved})
        phase[name] = edit.phase or phase[name]
        return mine, f"time of arrival {name}", stamp(old.time), stamp(edit.time)
    if edit.fk is not None:
        turned = replace(old, by=edit.who, **dict(zip(_FK, edit.fk, strict=True)))
        mine = replace(mine, arrivals=state.arrivals | {name: turned})
        return mine, f"f-k of arrival {name}", _direction(old), _direction(turned)
    if edit.phase:
        index_of(edit.phase)
        before, phase[name] = phase[name], edit.phase
        return mine, f"phase of arrival {name}", before, edit.phase
    raise DetenteError(
        "nothing to change",
        fix="give --time, --phase, --remove, --add, --exclude, --include or --depth",
    )


def _picked(state: _State, edit: Edit) -> tuple[_State, str, str, str]:
    """A pick that the machine did not make."""
    if edit.time is None:
        raise DetenteError(f"no time for a pick at {edit.station}", fix="give --time, or --exclude")
    name = f"{edit.station}-{stamp(edit.time).replace(':', '').replace('-', '')}-{edit.who.split()[0]}"
    if name in state.arrivals:
        raise DetenteError("there is such a pick", where=name, fix="--arrival with --time moves it")
    if not edit.sd > 0:
        raise DetenteError(f"a pick with an error of {edit.sd:g} s", fix="give one above 0")
    phase = edit.phase or "P"
    index_of(phase)
    new = Arrival(id=name, station=edit.station, time=edit.time, time_sd=edit.sd, phase=phase, by=edit.who,
                  method="picked by hand")  # fmt: skip
    changed = msgspec.structs.replace(
        state, arrivals=state.arrivals | {name: new}, phase=state.phase | {name: phase},
        touched=state.touched | {name},
    )  # fmt: skip
    return changed, f"pick of arrival {name}", "none", f"{stamp(edit.time)} as {phase}"


def _direction(a: Arrival) -> str:
    if a.backazimuth_deg is None or a.slowness_s_km is None:
        return "none"
    return f"{a.backazimuth_deg:.1f} deg, {a.slowness_s_km:.4f} s/km"


def _station(state: _State, event: Event, edit: Edit) -> tuple[_State, str, str, str]:
    """All that the event takes from a station, out or in again as it last was."""
    out = edit.station in state.without
    if edit.exclude == out:
        raise DetenteError(f"{edit.station} is {'out already' if out else 'not excluded'}", where=event.id)
    if edit.exclude:
        phase = {k: p for k, p in state.phase.items() if state.arrivals[k].station != edit.station}
        many = len(state.phase) - len(phase)
        changed = msgspec.structs.replace(state, phase=phase, without=state.without | {edit.station})
        return changed, f"exclude of station {edit.station}", f"{many} arrivals used", "nothing of it is used"
    last = next((o.used for o in event.origins if any(u.station == edit.station for u in o.used)), ())
    again = {u.arrival: u.phase for u in last if u.station == edit.station}
    changed = msgspec.structs.replace(
        state, phase=state.phase | again, without=state.without - {edit.station}
    )
    return (
        changed,
        f"include of station {edit.station}",
        "nothing of it is used",
        f"{len(again)} arrivals used",
    )


def _origin(
    event: Event, state: _State, arrays: Mapping[str, Array], edit: Edit, settings: Settings
) -> Origin:
    """Located as the machine would: by what defined the origin before, and by what analysts have had in hand."""
    relocated = any("that_agree" in o.why for o in event.origins)
    defined = {u.arrival for u in event.origin.used if u.defining} | state.touched
    if edit.include:
        defined |= {
            u.arrival for o in event.origins for u in o.used if u.defining and u.station == edit.station
        }
    members = [msgspec.structs.replace(state.arrivals[k], phase=p) for k, p in state.phase.items()]
    chosen = [a for a in members if a.id in defined] if relocated else members
    if not chosen:
        raise DetenteError("no arrival is left", where=event.id, fix="remove the event instead")
    own = [a for a in chosen if a.by != MACHINE]
    better = {
        (a.station, a.phase) for a in own
    }  # an analyst's pick stands for the machine's of the same phase
    chosen = [a for a in chosen if a.by != MACHINE or (a.station, a.phase) not in better]
    if relocated:
        chosen = [*weighed([a for a in chosen if a.by == MACHINE], len(chosen), arrays), *own]
    place = settings.associate.locate
    if state.depth_km is not None:
        place = msgspec.structs.replace(place, depth_km=state.depth_km)
    name = f"{event.id}-origin-{len(event.origins) + 1}"
    origin = locate(chosen, arrays, settings=place, start=event.origin, origin_id=name)
    have = {u.arrival for u in origin.used}
    former: dict[str, Used] = {u.arrival: u for o in reversed(event.origins) for u in o.used}
    rest = [a for a in members if a.id not in have and a.id in former and a.station in arrays]
    later = [
        after_origin(msgspec.structs.replace(former[a.id], phase=a.phase), a, origin, arrays) for a in rest
    ]
    return msgspec.structs.replace(
        origin, used=(*origin.used, *later),
        missed=event.origin.missed, by=edit.who,
    )  # fmt: skip


def unused(bulletin: Bulletin, event: Event, within_s: float = 1800.0) -> Sequence[Arrival]:
    """Arrivals that the event could have taken and has not: from a minute before it, not of other events."""
    taken = {u.arrival for e in bulletin.events for u in e.origin.used}
    zero = event.origin.time
    return [a for a in bulletin.arrivals if a.id not in taken and zero - 60 <= a.time <= zero + within_s]


def stamp(time: float) -> str:
    """ISO 8601 UTC to the microsecond where the millisecond is not enough."""
    moment = datetime.fromtimestamp(time, UTC)
    whole = abs(time - round(time, 3)) < 2e-6
    return moment.isoformat(timespec="milliseconds" if whole else "microseconds").replace("+00:00", "Z")

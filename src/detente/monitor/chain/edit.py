"""An analyst's corrections: one thing changed, everything after it computed again, and the change kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from detente.errors import DetenteError, nearest
from detente.monitor.bulletin.records import MACHINE, Arrival, Bulletin, Change, Event, Origin, Used
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.acts import FK, Edit, State, changed, stamp
from detente.monitor.chain.process import DEFAULT, Settings, characterise, named
from detente.monitor.chain.refine import after_origin, weighed
from detente.monitor.chain.weigh import defining
from detente.monitor.network.locate import locate
from detente.monitor.waves.response import Responses
from detente.monitor.waves.trace import Array, Recording

__all__ = ["Edit", "apply", "find_event", "keep", "stamp", "standing", "unused"]

_MEASURED: Final = ("time", "time_sd", *FK)
"""The fields of an arrival that an edit may set."""


def apply(
    bulletin: Bulletin,
    edit: Edit,
    recording: Recording,
    arrays: Mapping[str, Array],
    responses: Responses,
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
    state, what, before, after = changed(state, event, edit, arrays)
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


def _state(bulletin: Bulletin, event: Event) -> State:
    out, touched, depth = _held(event)
    return State(
        arrivals={a.id: a for a in bulletin.arrivals},
        phase={u.arrival: u.phase for u in event.origin.used},
        touched=touched, without=out, depth_km=depth,
    )  # fmt: skip


def _origin(
    event: Event, state: State, arrays: Mapping[str, Array], edit: Edit, settings: Settings
) -> Origin:
    """Located as the machine would: by what defined the origin before, and by what analysts have had in hand."""
    relocated = any("that_agree" in o.why or "log_odds_arrivals" in o.why for o in event.origins)
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
        machines = [a for a in chosen if a.by == MACHINE]
        made = next((o for o in event.origins if o.by == MACHINE), event.origin)
        if "log_odds_arrivals" in made.why:
            chosen = [*(defining(a, arrays[a.station]) for a in machines), *own]
        else:
            chosen = [*weighed(machines, len(chosen), arrays), *own]
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

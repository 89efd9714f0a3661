"""Undo and redo of an analyst's changes: the event and its arrivals as they stood, the history only ever longer."""

from __future__ import annotations

from typing import Literal

import msgspec

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Bulletin, Change, Event
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.edit import find_event


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One change of an event in the store: as it was before and after, and the fields of arrivals that went with it."""

    who: str
    reason: str
    before: Event
    after: Event
    fields: tuple[tuple[str, str, str, str], ...] = ()
    """(arrival, field, before, after), the values as JSON."""


def steps(store: Store, event: str) -> tuple[list[Step], list[Step]]:
    """The changes of an event that stand, oldest first, and those undone, the one to redo next last.

    A change that takes the last one that stands exactly back is its undoing; one that then repeats it, its redoing.
    So the history needs no marks, and whoever reverts a change by hand has undone it.
    """
    done: list[Step] = []
    undone: list[Step] = []
    for step in _rows(store, event):
        if done and (step.before, step.after) == (done[-1].after, done[-1].before):
            undone.append(done.pop())
        elif undone and (step.before, step.after) == (undone[-1].before, undone[-1].after):
            done.append(undone.pop())
        else:
            done.append(step)
            undone.clear()
    return done, undone


def _rows(store: Store, event: str) -> list[Step]:
    """Each change of the event with the changes of arrivals that the same person made for it just before."""
    found = []
    waiting: list[Change] = []
    for c in store.changes():
        if c.what.startswith("arrival/"):
            waiting.append(c)
            continue
        if c.what == f"event/{event}" and "null" not in (c.before, c.after):
            own = [w for w in waiting if (w.who, w.reason) == (c.who, c.reason) and w.what.count("/") >= 2]
            fields = tuple((*_field(w.what), w.before, w.after) for w in own)
            before, after = (msgspec.json.decode(text, type=Event) for text in (c.before, c.after))
            found.append(Step(who=c.who, reason=c.reason, before=before, after=after, fields=fields))
        waiting = []
    return found


def _field(what: str) -> tuple[str, str]:
    arrival, _, field = what.removeprefix("arrival/").rpartition("/")
    return arrival, field


def revert(
    bulletin: Bulletin,
    store: Store,
    event: str,
    way: Literal["undo", "redo"],
    *,
    who: str,
    reason: str,
    when: float,
) -> tuple[Bulletin, Change]:
    """The bulletin after the last change of an event is taken back (or done again), and the store with it.

    The event comes back whole: place, magnitudes, screening, yield. Raises DetenteError where nothing is left to undo
    or redo, or the store and the bulletin do not tell the same of the event.
    """
    if not who.strip() or not reason.strip():
        raise DetenteError("a change without a name or a reason", fix="give --who and --reason")
    now = find_event(bulletin, event)
    done, undone = steps(store, event)
    stack = done if way == "undo" else undone
    if not stack:
        raise DetenteError(f"nothing to {way}", where=event)
    step = stack[-1]
    target = step.before if way == "undo" else step.after
    held = store.event(event)
    if msgspec.structs.replace(held, changes=()) != msgspec.structs.replace(now, changes=()):
        raise DetenteError("the store tells another state of the event", where=event,
                           fix="edit the bulletin beside its store")  # fmt: skip
    values = _values(step, way)
    with store.transaction():
        for name, fields in values.items():
            maker = str(fields.pop("by", ""))  # whose the arrival was before, not who takes the change back
            store.edit_arrival(name, fields, who=who, reason=reason, by=maker)
        store.replace_event(target, who=who, reason=reason)
    what = f"{way} of a change by {step.who}: {step.reason}"
    change = Change(when=when, who=who, what=what, before=_place(now), after=_place(target), reason=reason)
    back = msgspec.structs.replace(target, changes=(*now.changes, change))
    events = tuple(
        sorted((back, *(e for e in bulletin.events if e.id != event)), key=lambda e: (e.origin.time, e.id))
    )
    arrivals = tuple(_as_stored(a, now, target, store, values) for a in bulletin.arrivals)
    return msgspec.structs.replace(bulletin, arrivals=arrivals, events=events), change


def _values(step: Step, way: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for name, field, before, after in step.fields:
        found.setdefault(name, {})[field] = msgspec.json.decode(before if way == "undo" else after)
    return found


def _as_stored(
    a: Arrival, now: Event, target: Event, store: Store, values: dict[str, dict[str, object]]
) -> Arrival:
    """The arrival with its reverted fields, and the phase that the event, or without one the store, gives it."""
    was, will = ({u.arrival: u.phase for u in e.origin.used} for e in (now, target))
    if a.id in values:
        a = msgspec.structs.replace(store.arrival(a.id), phase=a.phase)
    if a.id in will:
        return msgspec.structs.replace(a, phase=will[a.id])
    return msgspec.structs.replace(a, phase=store.arrival(a.id).phase) if a.id in was else a


def _place(event: Event) -> str:
    o = event.origin
    return f"{o.lat:.3f} {o.lon:.3f} {o.depth_km:g} km {o.depth}, {len(o.used)} arrivals"

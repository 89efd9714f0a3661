"""What an analyst may change: one act on an event's arrivals, stations or depth, told before and after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from detente.errors import DetenteError, nearest
from detente.monitor.bulletin.records import Arrival, Event
from detente.monitor.network.phases import index_of
from detente.monitor.waves.trace import Array

PICK_SD_S: Final = 0.3
"""How well an analyst's own pick is taken to be read, unless told."""
FK: Final = ("backazimuth_deg", "backazimuth_sd_deg", "slowness_s_km", "slowness_sd_s_km")


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


class State(msgspec.Struct, frozen=True, kw_only=True):
    """An event's arrivals by id with their phases, all arrivals, and what analysts' standing changes ask for."""

    arrivals: dict[str, Arrival]
    phase: dict[str, str]
    touched: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    depth_km: float | None = None


def changed(
    state: State, event: Event, edit: Edit, arrays: Mapping[str, Array]
) -> tuple[State, str, str, str]:
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


def _arrival(state: State, edit: Edit) -> tuple[State, str, str, str]:
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
        turned = replace(old, by=edit.who, **dict(zip(FK, edit.fk, strict=True)))
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


def _picked(state: State, edit: Edit) -> tuple[State, str, str, str]:
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
    picked = msgspec.structs.replace(
        state, arrivals=state.arrivals | {name: new}, phase=state.phase | {name: phase},
        touched=state.touched | {name},
    )  # fmt: skip
    return picked, f"pick of arrival {name}", "none", f"{stamp(edit.time)} as {phase}"


def _direction(a: Arrival) -> str:
    if a.backazimuth_deg is None or a.slowness_s_km is None:
        return "none"
    return f"{a.backazimuth_deg:.1f} deg, {a.slowness_s_km:.4f} s/km"


def _station(state: State, event: Event, edit: Edit) -> tuple[State, str, str, str]:
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


def stamp(time: float) -> str:
    """ISO 8601 UTC to the microsecond where the millisecond is not enough."""
    moment = datetime.fromtimestamp(time, UTC)
    whole = abs(time - round(time, 3)) < 2e-6
    return moment.isoformat(timespec="milliseconds" if whole else "microseconds").replace("+00:00", "Z")

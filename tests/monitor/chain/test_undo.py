"""Undo and redo: what comes back is what was, exactly; the history only grows; f-k and other edits alike."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from detente.cli.monitor import app
from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Bulletin, Event
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.edit import Edit, apply, keep
from detente.monitor.chain.files import read_bulletin, store_beside, write_bulletin
from detente.monitor.chain.undo import revert, steps
from detente.monitor.character.paths import path
from detente.monitor.waves.response import Responses
from detente.monitor.waves.trace import Array, Recording
from tests.monitor.character import _scene as scene

RUN = CliRunner()
Data = tuple[Recording, dict[str, Array], Responses]
WHO = {"who": "A. Nalyst", "when": 5.0, "reason": "looked again"}


def start(folder: Path) -> tuple[Bulletin, Store, Event, Data]:
    """A located event of eight stations in a bulletin, its store, and the records that an edit needs."""
    arrays = scene.stations([(azimuth, 5.0 + i) for i, azimuth in enumerate(range(10, 360, 45))])
    event = scene.event(arrays)
    arrivals = tuple(
        Arrival(
            id=f"{code}-P", station=code, time=scene.TIME + path(event.origin, a).p_s, time_sd=0.2, phase="P"
        )
        for code, a in arrays.items()
    )
    recording = scene.recording(event, arrays)
    made = Bulletin(start=scene.TIME, end=scene.TIME + 900, arrivals=arrivals, events=(event,))
    store = Store(folder / "bulletin.sqlite")
    store.put(made)
    return made, store, event, (recording, arrays, scene.instruments(arrays, "Z"))


def change(made: Bulletin, store: Store, data: Data, **wanted: object) -> Bulletin:
    edit = Edit(**{"event": "e", **WHO, **wanted})  # type: ignore[arg-type]
    after, _ = apply(made, edit, *data)
    keep(store, made, after, edit)
    return after


def bare(made: Bulletin) -> tuple[object, ...]:
    """The bulletin without the list of changes and the hands that arrivals went through."""
    events = tuple(msgspec.structs.replace(e, changes=()) for e in made.events)
    return events, tuple(msgspec.structs.replace(a, by="") for a in made.arrivals)


def test_undo_and_redo_walk_through_every_kind_of_change(tmp_path: Path) -> None:
    made, store, _, data = start(tmp_path)
    states = [made]
    for wanted in (
        {"arrival": "S1-P", "time": made.arrivals[1].time + 1.5},
        {"arrival": "S2-P", "remove": True},
        {"arrival": "S3-P", "fk": (123.0, 4.0, 0.11, 0.01)},
        {"depth_km": 20.0},
    ):
        states.append(change(states[-1], store, data, **wanted))
    used = {u.arrival: u for u in states[3].events[0].origin.used}
    assert used["S3-P"].backazimuth_residual_deg is not None and used["S1-P"].backazimuth_residual_deg is None
    now, lines = states[-1], len(store.changes())
    for k in (3, 2, 1, 0):
        now, said = revert(now, store, "e", "undo", **WHO)
        assert bare(now) == bare(states[k])
        assert bare(store.bulletin()) == bare(now)
        assert said.what == "undo of a change by A. Nalyst: looked again"
    with pytest.raises(DetenteError, match="nothing to undo"):
        revert(now, store, "e", "undo", **WHO)
    for k in (1, 2):
        now, _ = revert(now, store, "e", "redo", **WHO)
        assert bare(now) == bare(states[k])
    assert [len(s) for s in steps(store, "e")] == [2, 2]
    now = change(now, store, data, depth_km=5.0)
    assert [len(s) for s in steps(store, "e")] == [3, 0]
    with pytest.raises(DetenteError, match="nothing to redo"):
        revert(now, store, "e", "redo", **WHO)
    assert len(store.changes()) > lines + 6 and len(now.events[0].changes) == 11
    with pytest.raises(DetenteError, match="without a name or a reason"):
        revert(now, store, "e", "undo", who=" ", reason="x", when=0.0)
    with pytest.raises(DetenteError, match="another state"):
        revert(states[0], store, "e", "undo", **WHO)
    store.close()


def test_an_undone_arrival_is_its_makers_again(tmp_path: Path) -> None:
    made, store, _, data = start(tmp_path)
    once = change(made, store, data, arrival="S1-P", time=made.arrivals[1].time + 1.5)
    twice = change(once, store, data, arrival="S1-P", time=made.arrivals[1].time + 2.5, who="C. Else")
    assert store.arrival("S1-P").by == "C. Else"
    now, _ = revert(twice, store, "e", "undo", **WHO)
    assert store.arrival("S1-P").by == "A. Nalyst" == next(a for a in now.arrivals if a.id == "S1-P").by
    now, _ = revert(now, store, "e", "undo", **WHO)
    assert store.arrival("S1-P").by == made.arrivals[1].by == "machine"
    now, _ = revert(now, store, "e", "redo", **WHO)
    assert store.arrival("S1-P").by == "A. Nalyst"
    store.close()


def test_the_command_takes_the_last_change_back(tmp_path: Path) -> None:
    made, store, event, data = start(tmp_path)
    after = change(made, store, data, arrival="S2-P", remove=True)
    store.close()
    file = tmp_path / "bulletin.json"
    write_bulletin(file, after)
    assert store_beside(file).is_file()
    args = ["undo", str(file), "--event", "e", "--who", "B. Oss", "--reason", "it was P after all"]
    done = RUN.invoke(app, args)
    assert done.exit_code == 0 and "undo of a change by A. Nalyst" in done.output
    back = read_bulletin(file)
    assert {u.arrival for u in back.events[0].origin.used} == {u.arrival for u in event.origin.used}
    assert [c.who for c in back.events[0].changes] == ["A. Nalyst", "B. Oss"]
    again = RUN.invoke(app, [*args, "--redo"])
    assert again.exit_code == 0
    assert bare(read_bulletin(file)) == bare(after)


def test_a_pick_by_hand_joins_its_event_and_undo_takes_it_out(tmp_path: Path) -> None:
    made, store, event, data = start(tmp_path)
    fewer = change(made, store, data, arrival="S4-P", remove=True)
    gone = made.arrivals[4]
    after = change(fewer, store, data, station="S4", time=gone.time, phase="P", sd=0.2)
    (picked,) = (a for a in after.arrivals if a.by == "A. Nalyst" and a.id != gone.id)
    used = {u.arrival for u in after.events[0].origin.used}
    assert picked.id in used and len(used) == 8
    assert after.events[0].changes[-1].what == f"pick of arrival {picked.id}"
    assert picked.method == "picked by hand"
    first = event.origin
    back = after.events[0].origin  # the same times as at first: the same place, whoever picked them
    assert (back.lat, back.lon) == pytest.approx((first.lat, first.lon), abs=0.02)
    assert store.arrival(picked.id).station == "S4"
    undone, _ = revert(after, store, "e", "undo", **WHO)
    assert bare(undone)[0] == bare(fewer)[0] and picked.id in {a.id for a in undone.arrivals}
    for bad, words in (
        ({"station": "S9"}, "no station"),
        ({"station": "S4", "phase": "XX"}, "no travel times"),
        ({"station": "S4", "sd": 0.0}, "error"),
        ({"station": "S4", "time": gone.time, "phase": "P"}, "there is such a pick"),
    ):
        with pytest.raises(DetenteError, match=words):
            change(after, store, data, **{"time": gone.time + 9.0, **bad})
    store.close()

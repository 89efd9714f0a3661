"""An analyst's acts on a made event: each moves what it should, stands, is kept, and can be taken back."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec
import pytest

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Bulletin, Event
from detente.monitor.bulletin.store import Store
from detente.monitor.bulletin.tables import read_json, write_json
from detente.monitor.chain.edit import Edit, apply, keep, standing, unused
from detente.monitor.chain.undo import revert
from tests.monitor.chain.test_process import RING, _bulletin, _picks
from tests.monitor.character import _scene as scene

TOLD = {"event": "e", "who": "A. Nalyst", "when": 5.0, "reason": "why not"}


@lru_cache(maxsize=1)
def _made() -> tuple[Bulletin, scene.Recording]:
    arrays = scene.stations(RING)
    made, recording = _bulletin(arrays, _picks(arrays))
    return read_json(write_json(made)), recording  # as a file holds it: numbers given as integers are not


def _edit(made: Bulletin, **acts: object) -> Bulletin:
    arrays = scene.stations(RING)
    wanted = Edit(**(TOLD | acts))  # type: ignore[arg-type]
    return apply(made, wanted, _made()[1], arrays, scene.instruments(arrays, "ZNE"))[0]


def _event(made: Bulletin) -> Event:
    [event] = made.events
    return event


def test_a_rename_alone_does_not_move_the_event_otherwise():
    """What defines an origin after an edit is what defined it before."""
    made, _ = _made()
    first = made.arrivals[0].id
    o, p = _event(made).origin, _event(_edit(made, arrival=first, phase="P")).origin
    assert abs(o.lat - p.lat) < 0.02 and abs(o.lon - p.lon) < 0.02 and abs(o.time - p.time) < 0.3
    assert {u.arrival for u in o.used if u.defining} == {u.arrival for u in p.used if u.defining}


def test_a_new_pick_a_station_left_out_and_a_fixed_depth_stand_through_later_edits():
    made, _ = _made()
    without = _edit(made, station="S3", exclude=True)
    stations = {u.station for u in _event(without).origin.used}
    assert "S3" not in stations and len(stations) == 7
    assert all(s.station != "S3" for m in _event(without).magnitudes for s in m.stations)
    deep = _edit(without, depth_km=12.0)
    time = next(a.time for a in made.arrivals if a.station == "S4") + 0.4
    picked = _edit(deep, station="S4", time=time, phase="Pn", sd=0.1)
    event = _event(picked)
    new = next(a for a in picked.arrivals if a.by == "A. Nalyst")
    used = {u.arrival: u for u in event.origin.used}
    assert used[new.id].defining and not used["S4-1500000000"].defining  # stands for the machine's pick
    assert event.origin.depth_km == 12 and "S3" not in {u.station for u in event.origin.used}
    assert [c.what.split(" of ")[0] for c in standing(event)] == ["exclude", "depth", "pick"]
    assert {a.station for a in unused(picked, event)} == {"S3"}
    again = _edit(picked, station="S3", include=True)
    assert "S3" in {u.station for u in _event(again).origin.used}


def test_every_act_can_be_taken_back_and_both_are_kept(tmp_path: Path):
    made, _ = _made()
    name = made.arrivals[2].id
    when = made.arrivals[2].time
    acts = [
        {"arrival": name, "time": when + 1.2345678},
        {"station": "S4", "time": when + 5.0, "phase": "Sn"},
        {"arrival": name, "remove": True},
        {"station": "S5", "exclude": True},
        {"depth_km": 5.0},
    ]
    now = made
    with Store(tmp_path / "b.sqlite") as store:
        store.put(made)
        for act in acts:
            now = _edit(now, **act)
            keep(store, now, Edit(**(TOLD | act)))
        assert len(standing(_event(now))) == 5
        told = {"who": "B. Oss", "when": 6.0, "reason": "no"}
        for k in range(len(acts)):
            now, _ = revert(now, store, "e", "undo", **told)
            assert len(standing(_event(now))) == 4 - k
        assert store.arrival(name).time == when and store.event("e").origin == _event(made).origin
    event, old = _event(now), _event(made)
    own = [(a.id, a.time, a.time_sd) for a in now.arrivals if a.by in ("machine", "B. Oss")]
    assert own == [(a.id, a.time, a.time_sd) for a in made.arrivals]
    assert event.origin == old.origin and event.magnitudes == old.magnitudes
    assert event.screening == old.screening and len(event.changes) == 10


@pytest.mark.parametrize(
    ("acts", "says"),
    [
        ({"station": "S9", "exclude": True}, "no station"),
        ({"station": "S1"}, "no time for a pick"),
        ({"station": "S1", "include": True}, "not excluded"),
    ],
)
def test_acts_that_make_no_sense_are_refused(acts, says):
    with pytest.raises(DetenteError, match=says):
        _edit(_made()[0], **acts)


def test_later_phases_tell_their_residual_and_define_nothing():
    made, _ = _made()
    s = msgspec.structs.replace(made.arrivals[0], id="S0-S", time=made.arrivals[0].time + 40.0, phase="Sn")
    more = msgspec.structs.replace(made, arrivals=(*made.arrivals, s))
    added = _edit(more, arrival="S0-S", add=True, phase="Sn")
    removed = _edit(added, arrival="S1-1500000000", remove=True)
    used = {u.arrival: u for u in _event(removed).origin.used}
    assert used["S0-S"].time_residual_s is not None and abs(used["S0-S"].time_residual_s) < 15

"""The store keeps every change, never loses a transaction, and stands a kill at any moment."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec import structs

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Bulletin
from detente.monitor.bulletin.store import Notice, Store
from tests.monitor.bulletin._made import T, made


def bare(bulletin: Bulletin) -> Bulletin:
    return structs.replace(bulletin, events=tuple(structs.replace(e, changes=()) for e in bulletin.events))


def test_a_bulletin_comes_back_and_widens(tmp_path: Path) -> None:
    with Store(tmp_path / "b.sqlite") as store:
        store.put(made())
        assert store.bulletin() == bare(made())
        later = Bulletin(start=T + 1e5, end=T + 2e5, stations=("NVAR",))
        store.put(later)
        whole = store.bulletin()
        assert (whole.start, whole.end) == (T - 600, T + 2e5)
        assert whole.stations == ("CMAR", "MDJ", "YKA", "NVAR")
        assert [e.id for e in store.bulletin(T - 1, T + 1).events] == ["20170903-0330"]
    with Store(tmp_path / "b.sqlite") as again:
        assert len(again.bulletin().events) == 2


def test_an_edit_is_recorded_with_what_stood_before(tmp_path: Path) -> None:
    with Store(tmp_path / "b.sqlite") as store:
        store.put(made())
        old = store.arrival("a1")
        new = store.edit_arrival(
            "a1", {"time": old.time - 0.8, "phase": "P"}, who="Rosa", reason="late by a cycle"
        )
        assert (new.by, new.phase) == ("Rosa", "P")
        first, second, third = store.changes("arrival/a1")
        assert (first.who, first.what, first.reason) == ("Rosa", "arrival/a1/time", "late by a cycle")
        assert (float(first.before), float(first.after)) == (old.time, old.time - 0.8)
        assert (second.before, second.after) == ('"Pn"', '"P"')
        assert (third.what, third.before, third.after) == ("arrival/a1/by", f'"{old.by}"', '"Rosa"')
        assert {c.what for c in store.event("20170903-0330").changes} == {
            "arrival/a1/time",
            "arrival/a1/phase",
            "arrival/a1/by",
        }
        store.put(made())  # the machine goes over the day again: the analyst's arrival stays
        assert store.arrival("a1") == new
        assert store.arrival("a2") == next(a for a in made().arrivals if a.id == "a2")


def test_events_are_replaced_and_withdrawn_but_never_lost(tmp_path: Path) -> None:
    with Store(tmp_path / "b.sqlite") as store:
        store.put(made())
        event = store.event("2")
        moved = structs.replace(event, origins=(structs.replace(event.origin, depth_km=33.0),))
        assert store.replace_event(moved, who="Rosa", reason="depth phases").origin.depth_km == 33.0
        store.put(made())
        assert store.event("2").origin.depth_km == 33.0
        store.withdraw("2", who="Rosa", reason="noise")
        assert [e.id for e in store.bulletin().events] == ["20170903-0330"]
        history = store.changes("event/2")
        assert [c.reason for c in history] == ["depth phases", "noise"]
        assert '"depth_km":551.0' in history[0].before
        assert history[1].after == "null"


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"tme": 1.0}, "did you mean 'time'"), ({"id": "x"}, "no 'id'"), ({"time": "noon"}, "not a value")],
)
def test_a_wrong_edit_changes_nothing(tmp_path: Path, fields: dict[str, object], said: str) -> None:
    with Store(tmp_path / "b.sqlite") as store:
        store.put(made())
        with pytest.raises(DetenteError, match=said):
            store.edit_arrival("a1", fields, who="Rosa", reason="")
        with pytest.raises(DetenteError, match="needs the name"):
            store.edit_arrival("a1", {"phase": "S"}, who=" ", reason="")
        with pytest.raises(DetenteError, match="no arrival 'a9'"):
            store.arrival("a9")
        assert store.changes() == ()
        assert store.arrival("a1").phase == "Pn"


def test_the_history_cannot_be_altered(tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite"
    with Store(path) as store:
        store.put(made())
        store.edit_arrival("a1", {"phase": "S"}, who="Rosa", reason="")
    raw = sqlite3.connect(path)
    for act in ("DELETE FROM change", "UPDATE change SET who = 'Ines'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(act)
    raw.close()


def test_notices_and_state(tmp_path: Path) -> None:
    with Store(tmp_path / "b.sqlite") as store:
        store.set_state("seq", {"IC_MDJ": 12})
        store.notify(Notice(T, "IC_MDJ", "silent", "120 s"))
        store.add_arrival(Arrival(id="new", station="MDJ", time=T, time_sd=1.0), who="Rosa", reason="missed")
        assert store.arrival("new").by == "Rosa"
        with pytest.raises(DetenteError, match="of this id"):
            store.add_arrival(Arrival(id="new", station="MDJ", time=T, time_sd=1.0), who="Rosa", reason="")
        assert store.state("seq") == {"IC_MDJ": 12}
        assert store.state("nothing") is None
        assert store.notices() == (Notice(T, "IC_MDJ", "silent", "120 s"),)


def test_what_is_no_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"this is no database, but long enough to look at" * 30)
    with pytest.raises(DetenteError, match="not a store"):
        Store(tmp_path / "x")
    with pytest.raises(DetenteError, match="no such store"):
        Store(tmp_path / "y", create=False)


_WRITER = """
import sys
from pathlib import Path
from detente.monitor.bulletin.store import Store
with Store(Path(sys.argv[1])) as store:
    n = store.state("n") or 0
    while True:
        with store.transaction():
            n += 1
            store.set_state("n", n)
            store._db.execute("INSERT INTO notice (moment, channel, kind, detail) VALUES (?, '', '', '')", (n,))
        print(n, flush=True)
"""


def test_a_killed_writer_leaves_whole_transactions(tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite"
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, env=_env()
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.15)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with Store(path) as store:
            moments = [n.moment for n in store.notices()]
            assert moments == list(range(1, store.state("n") + 1))


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

"""Where bulletins are kept: one SQLite file of events, arrivals, the watch's state and every analyst's change.

The history is append-only: the file itself refuses to alter or delete a line of it. Each act is one transaction, so
that a process killed at any moment leaves either all of it or nothing.
"""

from __future__ import annotations

import sqlite3
import time as clock
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from detente.errors import DetenteError, nearest
from detente.monitor.bulletin.plain import decode, encode
from detente.monitor.bulletin.records import MACHINE, Arrival, Bulletin, Change, Event
from detente.monitor.bulletin.store_schema import SCHEMA, VERSION, statements

_HEAD = ("start", "end", "stations", "faults", "made_with")
_FIXED = ("id", "by")
T = TypeVar("T", Arrival, Event)


class Notice(msgspec.Struct, frozen=True):
    """A state-of-health notice: when (s UTC since 1970), which channel or station, of what kind, in words."""

    moment: float
    channel: str
    kind: str
    detail: str


class Store:
    """A bulletin on disk. Use it as a context; open one a thread.

    Raises DetenteError where the file cannot be opened or is no store of this version.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        if not create and not path.is_file():
            raise DetenteError(
                "no such store", where=str(path), fix="run detente monitor process or watch first"
            )
        if not create and not path.stat().st_size:  # SQLite would take it for a new one and write to it
            raise DetenteError("not a store of bulletins (empty)", where=str(path))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30.0)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._open()
        except (sqlite3.Error, OSError) as bad:
            raise DetenteError(f"not a store of bulletins ({bad})", where=str(path)) from None

    def _open(self) -> None:
        with self.transaction():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in statements(SCHEMA):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version={VERSION}")
            elif version != VERSION:
                raise DetenteError(f"a store of version {version}, not {VERSION}", where=str(self.path))

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside stands together or not at all; may be nested."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # -- bulletins -------------------------------------------------------------------------------------------

    def put(self, bulletin: Bulletin) -> None:
        """Add a bulletin's arrivals and events, replacing those of the same id; its span widens the store's.

        What an analyst has changed stays as the analyst left it.
        """
        with self.transaction():
            head = self._head()
            if head:
                start, end = min(head["start"], bulletin.start), max(head["end"], bulletin.end)
                stations = tuple(dict.fromkeys((*head["stations"], *bulletin.stations)))
                faults = tuple(dict.fromkeys((*head["faults"], *bulletin.faults)))
            else:
                start, end, stations, faults = (
                    bulletin.start,
                    bulletin.end,
                    bulletin.stations,
                    bulletin.faults,
                )
            made = {**head.get("made_with", {}), **bulletin.made_with}
            values = (start, end, stations, faults, made)
            self.set_state("bulletin", dict(zip(_HEAD, values, strict=True)))
            edited = self._edited()
            for arrival in bulletin.arrivals:
                if f"arrival/{arrival.id}" not in edited:
                    self._put_arrival(arrival)
            for event in bulletin.events:
                if f"event/{event.id}" not in edited:
                    self._put_event(event)

    def bulletin(self, start: float | None = None, end: float | None = None) -> Bulletin:
        """Everything between two times (s UTC), or everything; each event with its changes."""
        low, high = -1e15 if start is None else start, 1e15 if end is None else end
        head = self._head() or {"start": 0.0, "end": 0.0, "stations": (), "faults": (), "made_with": {}}
        return Bulletin(
            start=head["start"] if start is None else start,
            end=head["end"] if end is None else end,
            arrivals=tuple(self.arrivals(low, high)),
            events=tuple(self.events("time >= ? AND time < ?", (low, high))),
            stations=tuple(head["stations"]),
            faults=tuple(head["faults"]),
            made_with=head["made_with"],
        )

    def arrivals(self, start: float = -1e15, end: float = 1e15) -> Iterator[Arrival]:
        """The arrivals with start <= time < end, in order of time."""
        query = "SELECT body FROM arrival WHERE time >= ? AND time < ? ORDER BY time, id"
        for (body,) in self._db.execute(query, (start, end)):
            yield decode(body, Arrival)

    def arrival(self, name: str) -> Arrival:
        """One arrival. Raises DetenteError where there is none."""
        return self._one("arrival", name, Arrival)

    def arrivals_named(self, name: str) -> tuple[Arrival, ...]:
        """The arrival of a name, none where there is none."""
        rows = self._db.execute("SELECT body FROM arrival WHERE id = ?", (name,))
        return tuple(decode(body, Arrival) for (body,) in rows)

    def event(self, name: str) -> Event:
        """One event with its changes, withdrawn or not. Raises DetenteError where there is none."""
        return self._with_changes(self._one("event", name, Event))

    def events(
        self, where: str = "1", values: Iterable[Any] = (), order: str = "time, id"
    ) -> Iterator[Event]:
        """The events that fulfil an SQL condition on the columns of `event`, but the withdrawn."""
        query = f"SELECT body FROM event WHERE NOT withdrawn AND ({where}) ORDER BY {order}"
        for (body,) in self._db.execute(query, tuple(values)).fetchall():
            yield self._with_changes(decode(body, Event))

    def updated(self, name: str) -> float:
        """When an event was last written, s UTC."""
        found = self._db.execute("SELECT updated FROM event WHERE id = ?", (name,)).fetchone()
        return float(found[0]) if found else 0.0

    # -- analysts --------------------------------------------------------------------------------------------

    def edit_arrival(
        self, name: str, fields: Mapping[str, Any], *, who: str, reason: str, by: str = ""
    ) -> Arrival:
        """An analyst's correction of one arrival, kept with what stood before. Raises DetenteError.

        `by`: whose the arrival is then; of who corrects it where empty.
        """
        old = self.arrival(name)
        new = self._edit(old, fields, by or who)
        with self.transaction():
            for field in (*fields, *(["by"] if new.by != old.by else [])):
                self._log(who, f"arrival/{name}/{field}", getattr(old, field), getattr(new, field), reason)
            self._put_arrival(new)
        return new

    def add_arrival(self, arrival: Arrival, *, who: str, reason: str) -> None:
        """An arrival that the machine did not see. Raises DetenteError where its id is taken."""
        if self._db.execute("SELECT 1 FROM arrival WHERE id = ?", (arrival.id,)).fetchone():
            raise DetenteError("there is an arrival of this id", where=arrival.id)
        with self.transaction():
            self._log(who, f"arrival/{arrival.id}", None, arrival, reason)
            self._put_arrival(structs.replace(arrival, by=who))

    def replace_event(self, event: Event, *, who: str, reason: str) -> Event:
        """An event as recomputed or corrected; the former one stays in the history."""
        found = self._db.execute("SELECT body FROM event WHERE id = ?", (event.id,)).fetchone()
        before = decode(found[0], Event) if found else None
        with self.transaction():
            self._log(who, f"event/{event.id}", before, structs.replace(event, changes=()), reason)
            self._put_event(event)
        return self.event(event.id)

    def withdraw(self, name: str, *, who: str, reason: str) -> None:
        """Take an event out of the bulletin; it stays in the file and in the history."""
        event = self.event(name)
        with self.transaction():
            self._log(who, f"event/{name}", structs.replace(event, changes=()), None, reason)
            self._db.execute("UPDATE event SET withdrawn = 1, updated = ? WHERE id = ?", (clock.time(), name))

    def changes(self, what: str = "") -> tuple[Change, ...]:
        """The history, oldest first: all of it, or of `arrival/ID` or `event/ID` and what lies under it."""
        query = "SELECT moment, who, what, before, after, reason FROM change"
        if what:
            query += " WHERE what = ? OR substr(what, 1, ?) = ?"
        values = (what, len(what) + 1, f"{what}/") if what else ()
        found = self._db.execute(query + " ORDER BY number", values)
        return tuple(Change(when=m, who=w, what=t, before=b, after=a, reason=r) for m, w, t, b, a, r in found)

    # -- the watch -------------------------------------------------------------------------------------------

    def state(self, key: str) -> Any:
        """What was last set under a key, None where nothing was."""
        found = self._db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return msgspec.json.decode(found[0]) if found else None

    def set_state(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key."""
        body = encode(value).decode()
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, body))

    def notify(self, notice: Notice) -> None:
        """Keep a state-of-health notice."""
        self._db.execute(
            "INSERT INTO notice (moment, channel, kind, detail) VALUES (?, ?, ?, ?)", structs.astuple(notice)
        )

    def notices(self, start: float = -1e15) -> tuple[Notice, ...]:
        """The state-of-health notices since a time, oldest first."""
        query = "SELECT moment, channel, kind, detail FROM notice WHERE moment >= ? ORDER BY number"
        return tuple(Notice(*row) for row in self._db.execute(query, (start,)))

    # -- within ----------------------------------------------------------------------------------------------

    def _head(self) -> dict[str, Any]:
        found: dict[str, Any] | None = self.state("bulletin")
        return found or {}

    def _edited(self) -> set[str]:
        """`arrival/ID` and `event/ID` that somebody other than the machine has changed."""
        rows = self._db.execute("SELECT DISTINCT what FROM change WHERE who != ?", (MACHINE,))
        edited = set()
        for (what,) in rows:
            kind, _, rest = what.partition("/")
            name = rest if kind == "event" or not self._is_field(rest) else rest.rpartition("/")[0]
            edited.add(f"{kind}/{name}")
        return edited

    @staticmethod
    def _is_field(rest: str) -> bool:
        return rest.rpartition("/")[2] in Arrival.__struct_fields__

    def _one(self, table: str, name: str, kind: type[T]) -> T:
        found = self._db.execute(f"SELECT body FROM {table} WHERE id = ?", (name,)).fetchone()
        if found is None:
            known = [n for (n,) in self._db.execute(f"SELECT id FROM {table} LIMIT 1000")]
            raise DetenteError(f"no {table} '{name}'", where=str(self.path), fix=nearest(name, known))
        return decode(found[0], kind)

    def _with_changes(self, event: Event) -> Event:
        lines = list(self.changes(f"event/{event.id}"))
        for name in {u.arrival for u in event.origin.used}:
            lines += self.changes(f"arrival/{name}")
        return structs.replace(event, changes=tuple(sorted(lines, key=lambda c: c.when)))

    def _edit(self, old: Arrival, fields: Mapping[str, Any], who: str) -> Arrival:
        for field in fields:
            if field not in Arrival.__struct_fields__ or field in _FIXED:
                known = [f for f in Arrival.__struct_fields__ if f not in _FIXED]
                raise DetenteError(f"an arrival has no '{field}' to change", fix=nearest(field, known))
        try:
            return msgspec.convert({**structs.asdict(old), **fields, "by": who}, Arrival)
        except msgspec.ValidationError as bad:
            raise DetenteError(f"not a value for it: {bad}", where=f"arrival {old.id}") from None

    def _log(self, who: str, what: str, before: Any, after: Any, reason: str) -> None:
        if not who.strip():
            raise DetenteError("a change needs the name of who makes it")
        texts = (encode(before).decode(), encode(after).decode())
        self._db.execute(
            "INSERT INTO change (moment, who, what, before, after, reason) VALUES (?, ?, ?, ?, ?, ?)",
            (clock.time(), who, what, *texts, reason),
        )

    def _put_arrival(self, a: Arrival) -> None:
        body = encode(a).decode()
        self._db.execute(
            "INSERT OR REPLACE INTO arrival VALUES (?, ?, ?, ?, ?)",
            (a.id, a.time, a.station, body, clock.time()),
        )

    def _put_event(self, e: Event) -> None:
        o, m = e.origin, (e.magnitudes[0] if e.magnitudes else None)
        values = (e.id, o.time, o.lat, o.lon, o.depth_km, m.value if m else None, m.kind if m else "")
        body = encode(structs.replace(e, changes=())).decode()
        self._db.execute(
            "INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (*values, clock.time(), body),
        )

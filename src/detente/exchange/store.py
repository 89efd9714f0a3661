"""Storage: one set of statements on SQLite (a file) or PostgreSQL (a URL), durable before it answers."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from detente.errors import DetenteError

_TABLES = """
CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY, origin TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS entry (at BIGINT PRIMARY KEY, leaf BYTES NOT NULL, data BYTES NOT NULL);
CREATE TABLE IF NOT EXISTS tile (log INTEGER, level INTEGER, i BIGINT, hash BYTES NOT NULL,
  PRIMARY KEY (log, level, i));
CREATE TABLE IF NOT EXISTS head (log INTEGER PRIMARY KEY, size BIGINT NOT NULL, frontier BYTES NOT NULL,
  note TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS witnessed (log INTEGER PRIMARY KEY, size BIGINT NOT NULL, root BYTES NOT NULL,
  note TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoint (log INTEGER, size BIGINT, note TEXT NOT NULL, PRIMARY KEY (log, size));
CREATE TABLE IF NOT EXISTS cosignature (log INTEGER, size BIGINT, name TEXT, key TEXT, line TEXT NOT NULL,
  time BIGINT NOT NULL, seen BIGINT NOT NULL, PRIMARY KEY (log, size, name, key));
CREATE TABLE IF NOT EXISTS body (sha256 TEXT PRIMARY KEY, data BYTES NOT NULL);
CREATE TABLE IF NOT EXISTS act (at BIGINT PRIMARY KEY, log INTEGER NOT NULL, id TEXT NOT NULL,
  act TEXT NOT NULL, form TEXT NOT NULL,
  recipients TEXT NOT NULL, received BIGINT NOT NULL, fault TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS act_id ON act (log, id);
CREATE INDEX IF NOT EXISTS act_kind ON act (act, form);
CREATE TABLE IF NOT EXISTS ring (log INTEGER, since BIGINT, keys TEXT NOT NULL, PRIMARY KEY (log, since));
CREATE TABLE IF NOT EXISTS urgent (leaf TEXT PRIMARY KEY, log INTEGER NOT NULL, data BYTES NOT NULL,
  received BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS evidence (id TEXT PRIMARY KEY, log INTEGER NOT NULL, kind TEXT NOT NULL,
  seen BIGINT NOT NULL, data BYTES NOT NULL);
CREATE TABLE IF NOT EXISTS draft (id TEXT PRIMARY KEY, data BYTES NOT NULL);
CREATE TABLE IF NOT EXISTS peer (party TEXT PRIMARY KEY, silent_since BIGINT NOT NULL, note TEXT NOT NULL);
"""
SPAN = 40  # an entry's key is (log << SPAN) | index: one integer, clustered by log


class Store:
    """Tables of one node. Statements are written with ``?``; bytes, text and integers only."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.postgres = url.startswith(("postgresql://", "postgres://"))
        self._own = threading.local()
        self._open: list[Any] = []
        self._lock = threading.Lock()
        self._writer = threading.Lock()  # SQLite's own way of waiting sleeps; threads of one node queue here
        types = ("BYTEA", "BIGINT") if self.postgres else ("BLOB", "INTEGER")
        with self.write():
            for statement in _TABLES.split(";"):
                if statement.strip():
                    sql = statement.replace("BYTES", types[0]).replace("BIGINT", types[1])
                    self.run(sql.replace("INTEGER", "BIGINT") if self.postgres else sql)

    @property
    def connection(self) -> Any:
        """This thread's connection."""
        if not hasattr(self._own, "connection"):
            self._own.connection = self._postgres() if self.postgres else self._sqlite()
            self._own.depth = 0
            with self._lock:
                self._open.append(self._own.connection)
        return self._own.connection

    def _sqlite(self) -> sqlite3.Connection:
        try:
            Path(self.url).parent.mkdir(parents=True, exist_ok=True)
            made = sqlite3.connect(self.url, isolation_level=None, timeout=60, check_same_thread=False)
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("PRAGMA synchronous=FULL")
            made.execute("PRAGMA cell_size_check=ON")
        except (sqlite3.Error, OSError) as bad:
            raise DetenteError(f"the store cannot be opened: {bad}", where=self.url) from None
        return made

    def _postgres(self) -> Any:
        try:
            import psycopg
        except ImportError:
            raise DetenteError("PostgreSQL needs psycopg", fix="pip install 'detente[node]'") from None
        try:
            made = psycopg.connect(self.url, autocommit=True, connect_timeout=10)
        except psycopg.Error as bad:
            raise DetenteError(f"the store cannot be opened: {bad}", where="PostgreSQL") from None
        made.execute("SET synchronous_commit = on")
        return made

    @contextmanager
    def write(self) -> Iterator[None]:
        """A durable transaction, alone among writers; nothing remains of one that fails."""
        link = self.connection
        if self._own.depth:
            self._own.depth += 1
            try:
                yield
            finally:
                self._own.depth -= 1
            return
        self._writer.acquire()
        try:
            self.run("BEGIN" if self.postgres else "BEGIN IMMEDIATE")
            if self.postgres:
                self.run("SELECT pg_advisory_xact_lock(6962)")
            self._own.depth = 1
            yield
            self._own.depth = 0
            self.run("COMMIT")
        except BaseException:
            self._own.depth = 0
            self._undo(link)
            raise
        finally:
            self._writer.release()

    def _undo(self, link: Any) -> None:
        if self.postgres:
            if not link.closed:
                link.rollback()
        elif link.in_transaction:
            link.rollback()

    def run(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """One statement. Raises DetenteError where the disk is full or the file is damaged."""
        with self._refusals():
            return self.connection.execute(self._dialect(sql), values)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement over many rows."""
        with self._refusals():
            if self.postgres:
                with self.connection.cursor() as cursor:
                    cursor.executemany(self._dialect(sql), rows)
            else:
                self.connection.executemany(sql, rows)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """What a database refuses, as our own error."""
        try:
            yield
        except sqlite3.Error as bad:
            raise DetenteError(f"the store refused: {bad}", where=self.url) from None
        except Exception as bad:
            if type(bad).__module__.startswith("psycopg"):
                raise DetenteError(f"the store refused: {bad}", where="PostgreSQL") from None
            raise

    def one(self, sql: str, values: Sequence[Any] = ()) -> Any | None:
        """The first row, or None."""
        with self._refusals():
            return self.connection.execute(self._dialect(sql), values).fetchone()

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows."""
        with self._refusals():
            return list(self.connection.execute(self._dialect(sql), values).fetchall())

    def _dialect(self, sql: str) -> str:
        return sql.replace("?", "%s") if self.postgres else sql

    def number(self, origin: str) -> int:
        """The short number of a log, given on first sight."""
        row = self.one("SELECT n FROM log WHERE origin = ?", (origin,))
        if row is None:
            with self.write():
                self.run(
                    "INSERT INTO log (n, origin) SELECT COALESCE(MAX(n), 0) + 1, ? FROM log WHERE 1 = 1"
                    " ON CONFLICT DO NOTHING",
                    (origin,),
                )
            row = self.one("SELECT n FROM log WHERE origin = ?", (origin,))
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for link in self._open:
                link.close()
            self._open.clear()
        self._own = threading.local()

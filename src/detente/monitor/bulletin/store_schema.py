"""The tables of the store of bulletins; the file itself keeps its history from being altered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

VERSION = 1
SCHEMA = """
CREATE TABLE arrival (id TEXT PRIMARY KEY, time REAL NOT NULL, station TEXT NOT NULL, body TEXT NOT NULL,
  updated REAL NOT NULL);
CREATE INDEX arrival_time ON arrival (time);
CREATE TABLE event (id TEXT PRIMARY KEY, time REAL NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL,
  depth_km REAL NOT NULL, magnitude REAL, kind TEXT NOT NULL, updated REAL NOT NULL, body TEXT NOT NULL,
  withdrawn INTEGER NOT NULL DEFAULT 0);
CREATE INDEX event_time ON event (time);
CREATE TABLE change (number INTEGER PRIMARY KEY AUTOINCREMENT, moment REAL NOT NULL, who TEXT NOT NULL,
  what TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, reason TEXT NOT NULL);
CREATE INDEX change_what ON change (what);
CREATE TRIGGER change_stays BEFORE UPDATE ON change BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
CREATE TRIGGER change_kept BEFORE DELETE ON change BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
CREATE TABLE notice (number INTEGER PRIMARY KEY AUTOINCREMENT, moment REAL NOT NULL, channel TEXT NOT NULL,
  kind TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def statements(text: str) -> Iterator[str]:
    """The statements of a script, one by one: executescript would end the transaction they belong to."""
    statement = ""
    for line in text.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""

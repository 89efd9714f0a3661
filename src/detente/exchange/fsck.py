"""An independent checker of a node's store: shares no code with the writer, believes nothing it reads."""

# Deliberately imports nothing of detente but its own tree and its own reader of notes: all is worked out afresh
# from RFC 6962 and the C2SP texts, so that one mistake cannot hide itself in writer and checker at once.
from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from detente.exchange.fsck_lines import Line, cosigned_at, differ, read_line, split, verify
from detente.exchange.fsck_tree import Tree

_SPAN = 1 << 40
_NO_LINES: list[Line] = []
_Row = tuple[Any, ...]


@dataclass
class Report:
    """What was checked, and each problem in the order found; the first is the first bad place."""

    entries: int = 0
    signatures: int = 0
    bodies: int = 0
    checkpoints: int = 0
    cosignatures: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.problems

    def bad(self, where: str, what: str) -> None:
        self.problems.append(f"{where}: {what}")


def open_store(url: str) -> Any:
    """A read-only connection to a SQLite file or a PostgreSQL URL."""
    if url.startswith(("postgresql://", "postgres://")):
        import psycopg

        return psycopg.connect(url, autocommit=True)
    import sqlite3

    # mode=rw, not ro: a reader of a WAL file needs to make its shared-memory index; nothing is written
    link = sqlite3.connect(f"file:{url}?mode=rw", uri=True, isolation_level=None)
    link.text_factory = lambda raw: raw.decode(
        "utf-8", "surrogateescape"
    )  # damaged text is a finding, not a stop
    return link


def fsck(url: str, annex: bytes, *, signatures: bool = True, against: str = "") -> Report:
    """Check a whole store. `against`: another store's URL whose copies name the exact bad byte.

    `signatures=False` checks hashes, tree, checkpoints and bodies only.
    """
    report = Report()
    try:
        link = open_store(url)
        other = open_store(against) if against else None
    except Exception as bad:
        report.bad(url.rsplit("@", 1)[-1], f"cannot be opened: {bad}")
        return report
    try:
        if signatures and not url.startswith("postgres"):
            for (line,) in link.execute("PRAGMA integrity_check(5)"):
                if line != "ok":
                    report.bad("file", line)
        parties = json.loads(annex)["parties"]
        cosigners = [k for p in parties.values() for role in ("witness", "mirror") for k in p[role]]
        logs = []
        for number, origin in _rows(link, "SELECT n, origin FROM log ORDER BY n"):
            keys = next((p for p in parties.values() if p["origin"] == origin), None)
            if keys is None:
                report.bad(origin, "a log of no party in the annex")
            else:
                logs.append(_Checker(link, number, origin, keys, cosigners, report, signatures, other))
                logs[-1].run()
        for log in logs:  # when every log's key changes are known
            log.check_cosignatures()
        _orphans(link, other, report)
    except Exception as bad:  # a damaged file may fail anywhere, and that is a finding too
        report.bad("file", f"cannot be read: {type(bad).__name__}: {bad}")
    finally:
        link.close()
        if other is not None:
            other.close()
    return report


def _rows(link: Any, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
    """Rows in steps, on either database."""
    if hasattr(link, "pgconn"):
        sql = sql.replace("?", "%s")
    cursor = link.execute(sql, values)
    while rows := cursor.fetchmany(512):
        yield from rows


def _orphans(link: Any, other: Any, report: Report) -> None:
    """Every body is what its name says, whoever refers to it."""
    for name, data in _rows(link, "SELECT sha256, data FROM body ORDER BY sha256"):
        report.bodies += 1
        if hashlib.sha256(bytes(data)).hexdigest() != name:
            sql = "SELECT data FROM body WHERE sha256 = ?"
            copy = next(_rows(other, sql, name), None) if other is not None else None
            where = differ(bytes(data), bytes(copy[0])) if copy else ""
            report.bad(f"body {ascii(name)[1:-1]}{where}", "its bytes have another SHA-256")


_BARE = "SELECT at, leaf, data FROM entry WHERE at >= ? AND at < ? ORDER BY at"
_WITH_ACTS = (
    "SELECT e.at, e.leaf, e.data, a.id, a.act, a.form, a.recipients, a.fault FROM entry e"
    " LEFT JOIN act a ON a.at = e.at WHERE e.at >= ? AND e.at < ? ORDER BY e.at"
)


class _Checker:
    """One log."""

    def __init__(
        self,
        link: Any,
        number: int,
        origin: str,
        keys: dict[str, Any],
        cosigners: list[str],
        report: Report,
        signatures: bool,
        other: Any,
    ) -> None:
        self.link, self.n, self.origin, self.keys = link, number, origin, keys
        self.cosigners, self.report, self.signatures, self.other = cosigners, report, signatures, other
        self.past_keys = [*keys["log"]]
        self.tree = Tree()
        self.heads: dict[int, bytes] = {}
        self.mismatches: list[tuple[int, int, bytes, bytes]] = []

    def run(self) -> None:
        heads = {
            size: _raw(note)
            for size, note in _rows(
                self.link, "SELECT size, note FROM checkpoint WHERE log = ? ORDER BY size", self.n
            )
        }
        head = next(_rows(self.link, "SELECT size, note, frontier FROM head WHERE log = ?", self.n), None)
        seen = next(_rows(self.link, "SELECT size, note, root FROM witnessed WHERE log = ?", self.n), None)
        roots = self._walk(set(heads) | {row[0] for row in (head, seen) if row})
        self._mismatches(head, roots)
        for size, note in heads.items():
            self._checkpoint(f"checkpoint {size}", size, note, roots, self._copy("checkpoint", "size", size))
        if head:
            self._head(head, roots, heads)
        if seen:
            self._witnessed(seen, roots, head[0] if head else 0)
        self._tiles()
        self.heads = heads

    def _walk(self, wanted: set[int]) -> dict[int, bytes]:
        """Read every entry once, rebuild the tree, and take the root at each size wanted."""
        roots = {0: hashlib.sha256(b"").digest()}
        size, low = 0, self.n * _SPAN
        for at, leaf, raw, *noted in _rows(
            self.link, _WITH_ACTS if self.signatures else _BARE, low, low + _SPAN
        ):
            index, data = at - low, bytes(raw)
            if index != size:
                self.report.bad(f"{self.origin} entry {size}", f"missing; the next one held is {index}")
                return roots
            sponge = hashlib.sha256(b"\0")
            sponge.update(data)
            made = sponge.digest()
            if made != bytes(leaf):
                self.mismatches.append((len(self.report.problems), index, data, bytes(leaf)))
            self.tree.push(made)
            size = self.tree.count
            self.report.entries += 1
            if size in wanted:
                roots[size] = self.tree.root()
            self._entry(index, data, noted)
        return roots

    def _mismatches(self, head: _Row | None, roots: dict[int, bytes]) -> None:
        """Where an entry and its leaf hash differ: the signed root tells which of the two is damaged."""
        signed = _raw(head[1]).split(b"\n")[2:3] if head else []
        whole = bool(head) and [base64.b64encode(roots.get(head[0] if head else 0, b""))] == signed
        for place, index, data, leaf in reversed(self.mismatches):
            if whole:
                where = f"leaf hash of entry {index}{differ(leaf, hashlib.sha256(bytes(1) + data).digest())}"
            else:
                where = f"entry {index}{self._first_byte(index, data)}"
            self.report.problems.insert(place, f"{self.origin} {where}: an entry and its leaf hash differ")

    def _first_byte(self, index: int, data: bytes) -> str:
        """The exact byte where another store's copy differs, if that copy is whole."""
        if self.other is None:
            return ""
        sql = "SELECT e.data, e.leaf FROM entry e JOIN log l ON e.at = (l.n * ? + ?) WHERE l.origin = ?"
        row = next(_rows(self.other, sql, _SPAN, index, self.origin), None)
        if row is None or hashlib.sha256(b"\0" + bytes(row[0])).digest() != bytes(row[1]):
            return ""
        return differ(data, bytes(row[0]))

    def _copy(self, table: str, column: str, value: Any, what: str = "note") -> list[bytes]:
        """The same rows in the other store."""
        if self.other is None:
            return []
        sql = (
            f"SELECT t.{what} FROM {table} t JOIN log l ON t.log = l.n WHERE l.origin = ? AND t.{column} = ?"
        )
        return [_raw(row[0]) for row in _rows(self.other, sql, self.origin, value)]

    def _entry(self, index: int, data: bytes, noted: Sequence[Any]) -> None:
        """The entry's form, its signatures, its body. `noted`: the row of the index of acts, where there is one."""
        where = f"{self.origin} entry {index}"
        fault = str(noted[-1] or "") if noted else ""
        try:
            if not self.signatures:  # hashes only: nothing in an entry matters but the body it names
                text, lines = data.partition(b"\n")[0], _NO_LINES
                if b'"body":' not in text and b'"act":"key"' not in text:
                    return
            else:
                text, lines = split(data)
            envelope = json.loads(text)
            assert isinstance(envelope, dict)
        except Exception:
            if not fault and self.signatures:  # a mirror keeps what its peer logged, and has noted the fault
                self.report.bad(where, "not a signed note with a JSON envelope")
            return
        try:
            self._envelope(where, envelope, text, lines, noted)
        except Exception:  # a field that is missing or of another kind
            if not fault:
                self.report.bad(where, "a malformed envelope")

    def _envelope(
        self, where: str, envelope: dict[str, Any], text: bytes, lines: list[Line], noted: Sequence[Any]
    ) -> None:
        fault = str(noted[-1] or "") if noted else ""
        if self.signatures:
            good = sum(any(verify(k, line, text) for line in lines) for k in self.keys["entry"])
            self.report.signatures += len(self.keys["entry"])
            if good != len(self.keys["entry"]) and not fault:
                self.report.bad(
                    where, f"{good} of {len(self.keys['entry'])} signatures of the party are right"
                )
            self._noted(where, envelope, noted, fault)
        if envelope.get("act") == "key" and not fault:
            self._new_keys(envelope)
        body = envelope.get("body")
        if body:
            self._body(where, body)

    def _new_keys(self, envelope: dict[str, Any]) -> None:
        try:
            fresh = json.loads(envelope["text"])
            if fresh["origin"] == self.origin:
                self.keys = fresh
                self.past_keys += fresh["log"]
                self.cosigners += [*fresh["witness"], *fresh["mirror"]]
        except (ValueError, KeyError, TypeError):
            pass

    def _noted(self, where: str, envelope: dict[str, Any], noted: Sequence[Any], fault: str) -> None:
        """The index of acts says what the entry says, and an act that counts was signed in time."""
        if noted and noted[0] is not None and noted[0] != "":
            said = [envelope.get("id"), envelope.get("act"), envelope.get("form")]
            if [*noted[:3]] != said or noted[3].split() != envelope.get("to"):
                self.report.bad(where, "the index of acts says otherwise")
        if not fault:
            self._window(where, envelope)

    def _window(self, where: str, envelope: dict[str, Any]) -> None:
        """An act that was not refused was signed, by its own clock, while the keys were valid."""
        at, first, last = (
            str(x) for x in (envelope.get("at", ""), *map(self.keys.get, ("not_before", "not_after")))
        )
        late = bool(last and last != "None" and _instant(at) >= _instant(last))
        early = bool(first and first != "None" and _instant(at) < _instant(first))
        if (late or early) and envelope.get("act") not in ("message", "key"):
            self.report.bad(where, f"signed {at}, outside the validity of its keys, and yet not refused")

    def _body(self, where: str, body: dict[str, Any]) -> None:
        row = next(_rows(self.link, "SELECT data FROM body WHERE sha256 = ?", body["sha256"]), None)
        if row is None:
            self.report.bad(where, f"its body {body['sha256'][:16]} is missing")
        elif hashlib.sha3_512(bytes(row[0])).hexdigest() != body["sha3_512"] or len(row[0]) != body["bytes"]:
            self.report.bad(where, f"its body {body['sha256'][:16]} has another SHA3-512 or length")

    def _checkpoint(
        self, what: str, size: int, note: bytes, roots: dict[int, bytes], copies: Sequence[bytes] = ()
    ) -> None:
        """A stored head: its text is the tree's, and each of its lines a signature of the log."""
        where = f"{self.origin} {what}"
        self.report.checkpoints += 1
        try:
            text, lines = split(note)
            origin, count, root = text.decode().split("\n")[:3]
        except Exception:
            self.report.bad(f"{where}{self._by_copy(note, copies)}", "not a signed note")
            return
        true = base64.b64encode(roots.get(size, b"")).decode()
        if (origin, count, root) != (self.origin, str(size), true):
            self.report.bad(
                f"{where}{self._by_copy(note, copies)}",
                "origin, size or root are not those of the entries held",
            )
        elif not lines or not all(any(verify(k, line, text) for k in self.past_keys) for line in lines):
            self.report.bad(f"{where}{self._by_copy(note, copies)}", "no valid signature of the log")

    @staticmethod
    def _by_copy(held: bytes, copies: Sequence[bytes]) -> str:
        return next((differ(held, c) for c in copies if c != held), "")

    def _head(self, head: _Row, roots: dict[int, bytes], heads: dict[int, bytes]) -> None:
        size, note, frontier = head
        self._checkpoint("head", size, _raw(note), roots, [heads[size]] if size in heads else [])
        if size != self.tree.count:
            self.report.bad(f"{self.origin} head", f"signed for {size} entries; {self.tree.count} are held")
        stack = self.tree.frontier()
        if size == self.tree.count and bytes(frontier) != stack:
            self.report.bad(
                f"{self.origin} frontier{differ(bytes(frontier), stack)}",
                "the stored frontier is not this tree's",
            )

    def _witnessed(self, seen: _Row, roots: dict[int, bytes], held: int) -> None:
        """What was cosigned last. It may be ahead of the entries held; then its own two parts must agree."""
        size, note, root = seen[0], _raw(seen[1]), bytes(seen[2])
        known = roots if size <= held else {size: root}
        self._checkpoint(f"cosigned head {size}", size, note, known)
        if known.get(size) != root:
            where = differ(root, known.get(size, b""))
            self.report.bad(f"{self.origin} cosigned head {size} root{where}", "is not this tree's")

    def _tiles(self) -> None:
        rows = _rows(self.link, "SELECT level, i, hash FROM tile WHERE log = ? ORDER BY level, i", self.n)
        held = {(level, i): bytes(digest) for level, i, digest in rows}
        for key in sorted(held.keys() | self.tree.tiles.keys()):
            if held.get(key) != self.tree.tiles.get(key):
                where = differ(held.get(key, b""), self.tree.tiles.get(key, b""))
                self.report.bad(
                    f"{self.origin} tile {key[0]} hash {key[1]}{where}", "is not the hash of its entries"
                )

    def check_cosignatures(self) -> None:
        """Every cosignature is by a party, under a key that the annex or the party's log has named."""
        by_name: dict[str, list[str]] = {}
        for k in self.cosigners:
            by_name.setdefault(k.split("+")[0], []).append(k)
        sql = "SELECT size, name, key, time, line FROM cosignature WHERE log = ? ORDER BY size, name, key"
        for size, name, key, time, text in _rows(self.link, sql, self.n):
            self.report.cosignatures += 1
            held = _raw(text)
            where = f"{self.origin} cosignature at {size}"
            try:
                body, _ = split(self.heads[size])
                line = read_line(held.decode().removesuffix("\n"))
                assert held.endswith(b"\n")
            except Exception:
                fault = "no checkpoint beneath it, or not a signature line"
            else:
                if any(verify(k, line, body) for k in by_name.get(line[0], [])):
                    if (name, key, time) != (line[0], line[1].hex(), cosigned_at(line)):
                        self.report.bad(where, "it is filed under another name, key or time")
                    continue
                fault = f"the cosignature of {ascii(line[0])[1:-1]} is wrong"
            same = [c for c in self._copy("cosignature", "size", size, "line") if _near(c, held)]
            self.report.bad(f"{where}{self._by_copy(held, same)}", fault)


def _near(one: bytes, other: bytes) -> bool:
    """Copies of one line, one of them damaged in a byte or two."""
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) < 4


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _raw(value: Any) -> bytes:
    """A column's bytes; text that is not UTF-8 as it stands in the file."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)

"""An independent checker of a node's store: shares no code with the writer, believes nothing it reads."""

# Deliberately imports nothing from detente: the tree, the notes and the digests are worked out afresh from
# RFC 6962 and the C2SP texts, so that one mistake cannot hide itself in writer and checker at once.
from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_ED25519, _COSIGN, _COSIGN_PQ = b"\x01", b"\x04", b"\x06"
_MLDSA87 = b"\xffdetente ML-DSA-87 note/v1\n"
_SPAN = 1 << 40
_NO_LINES: list[tuple[str, bytes, bytes]] = []


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
    return sqlite3.connect(f"file:{url}?mode=rw", uri=True, isolation_level=None)


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
        _orphans(link, report)
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


def _orphans(link: Any, report: Report) -> None:
    """Every body is what its name says, whoever refers to it."""
    for name, data in _rows(link, "SELECT sha256, data FROM body ORDER BY sha256"):
        report.bodies += 1
        if hashlib.sha256(bytes(data)).hexdigest() != name:
            report.bad(f"body {name}", "its bytes have another SHA-256")


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
        self.levels: list[bytes | None] = []
        self.count = 0
        self.heads: dict[int, str] = {}
        self.tiles: dict[tuple[int, int], bytes] = {}

    def run(self) -> None:
        heads = dict[int, str](
            _rows(self.link, "SELECT size, note FROM checkpoint WHERE log = ? ORDER BY size", self.n)
        )
        wanted = set(heads)
        head = next(_rows(self.link, "SELECT size, note, frontier FROM head WHERE log = ?", self.n), None)
        seen = next(_rows(self.link, "SELECT size, root FROM witnessed WHERE log = ?", self.n), None)
        wanted |= {head[0]} if head else set()
        wanted |= {seen[0]} if seen else set()
        self.tile_rows = _rows(
            self.link, "SELECT level, i, hash FROM tile WHERE log = ? ORDER BY level, i", self.n
        )
        roots = self._walk(wanted)
        for size, note in heads.items():
            self._checkpoint(size, note, roots)
        if head:
            self._head(head, roots)
        if seen and seen[0] <= (head[0] if head else 0) and roots.get(seen[0]) != bytes(seen[1]):
            self.report.bad(self.origin, f"the cosigned head of {seen[0]} is not this tree's")
        self._tiles()
        self.heads = heads

    def _walk(self, wanted: set[int]) -> dict[int, bytes]:
        """Read every entry once, rebuild the tree, and take the root at each size wanted."""
        roots = {0: hashlib.sha256(b"").digest()}
        size = 0
        sql = "SELECT at, leaf, data FROM entry WHERE at >= ? AND at < ? ORDER BY at"
        low = self.n * _SPAN
        for at, leaf, raw in _rows(self.link, sql, low, low + _SPAN):
            index, data = at - low, bytes(raw)
            if index != size:
                self.report.bad(f"{self.origin} entry {size}", f"missing; the next one held is {index}")
                return roots
            sponge = hashlib.sha256(b"\0")
            sponge.update(data)
            made = sponge.digest()
            if made != bytes(leaf):
                self.report.bad(
                    f"{self.origin} entry {index}{self._first_byte(at, data)}",
                    "its bytes and its leaf hash differ",
                )
            self._push(made)
            size = self.count
            self.report.entries += 1
            if size in wanted:
                roots[size] = self._fold()
            self._entry(index, data)
        return roots

    def _first_byte(self, at: int, data: bytes) -> str:
        """The exact byte where another store's copy differs, if that copy is whole."""
        if self.other is None:
            return ""
        sql = "SELECT e.data, e.leaf FROM entry e JOIN log l ON e.at = (l.n * ? + ?) WHERE l.origin = ?"
        row = next(_rows(self.other, sql, _SPAN, at - self.n * _SPAN, self.origin), None)
        if row is None or hashlib.sha256(b"\0" + bytes(row[0])).digest() != bytes(row[1]):
            return ""
        copy = bytes(row[0])
        first = next(
            (i for i, (a, b) in enumerate(zip(data, copy, strict=False)) if a != b), min(len(data), len(copy))
        )
        return f" byte {first}"

    def _push(self, digest: bytes) -> None:
        level, index = 0, self.count
        self.count += 1
        while True:
            if level and level % 8 == 0:
                self.tiles[level // 8, index] = digest
            if level == len(self.levels):
                self.levels.append(None)
            waiting = self.levels[level]
            if waiting is None:
                self.levels[level] = digest
                return
            digest = hashlib.sha256(b"\1" + waiting + digest).digest()
            self.levels[level] = None
            level, index = level + 1, index >> 1

    def _fold(self) -> bytes:
        folded: bytes | None = None
        for waiting in self.levels:
            if waiting is not None:
                folded = waiting if folded is None else hashlib.sha256(b"\1" + waiting + folded).digest()
        return folded if folded is not None else hashlib.sha256(b"").digest()

    def _entry(self, index: int, data: bytes) -> None:
        """The entry's form, its signatures, its body."""
        where = f"{self.origin} entry {index}"
        try:
            if not self.signatures:  # hashes only: nothing in an entry matters but the body it names
                text, lines = data.partition(b"\n")[0], _NO_LINES
                if b'"body":' not in text and b'"act":"key"' not in text:
                    return
            else:
                text, lines = _split(data)
            envelope = json.loads(text)
            assert isinstance(envelope, dict)
        except Exception:
            if not self._fault(
                index
            ):  # a mirror keeps what its peer logged, broken or not, and has noted the fault
                self.report.bad(where, "not a signed note with a JSON envelope")
            return
        if self.signatures:
            self._entry_signatures(where, text, lines, index)
        fault = self._fault(index) if envelope.get("act") == "key" or self.keys.get("not_after") else ""
        if self.signatures and not fault:
            self._window(where, envelope)
        if envelope.get("act") == "key" and not fault:
            try:
                fresh = json.loads(envelope["text"])
                if fresh["origin"] == self.origin:
                    self.keys = fresh
                    self.past_keys += fresh["log"]
                    self.cosigners += [*fresh["witness"], *fresh["mirror"]]
            except (ValueError, KeyError, TypeError):
                pass
        body = envelope.get("body")
        if body:
            self._body(where, body)

    def _fault(self, index: int) -> str:
        """What the writer noted against an entry; empty where nothing."""
        sql = "SELECT fault FROM act WHERE at = ?"
        return str(next(_rows(self.link, sql, self.n * _SPAN + index), ("",))[0])

    def _window(self, where: str, envelope: dict[str, Any]) -> None:
        """An act that was not refused was signed, by its own clock, while the keys were valid."""
        at, first, last = (
            str(x) for x in (envelope.get("at", ""), *map(self.keys.get, ("not_before", "not_after")))
        )
        late = bool(last and last != "None" and _instant(at) >= _instant(last))
        early = bool(first and first != "None" and _instant(at) < _instant(first))
        if (late or early) and envelope.get("act") not in ("message", "key"):
            self.report.bad(where, f"signed {at}, outside the validity of its keys, and yet not refused")

    def _entry_signatures(
        self, where: str, text: bytes, lines: list[tuple[str, bytes, bytes]], index: int
    ) -> None:
        good = 0
        for vkey in self.keys["entry"]:
            good += any(_verify(vkey, line, text) for line in lines)
        self.report.signatures += len(self.keys["entry"])
        if good != len(self.keys["entry"]) and not self._fault(index):
            self.report.bad(where, f"{good} of {len(self.keys['entry'])} signatures of the party are right")

    def _body(self, where: str, body: dict[str, Any]) -> None:
        row = next(_rows(self.link, "SELECT data FROM body WHERE sha256 = ?", body["sha256"]), None)
        if row is None:
            self.report.bad(where, f"its body {body['sha256'][:16]} is missing")
        elif hashlib.sha3_512(bytes(row[0])).hexdigest() != body["sha3_512"] or len(row[0]) != body["bytes"]:
            self.report.bad(where, f"its body {body['sha256'][:16]} has another SHA3-512 or length")

    def _checkpoint(self, size: int, note: str, roots: dict[int, bytes]) -> None:
        where = f"{self.origin} checkpoint {size}"
        self.report.checkpoints += 1
        try:
            text, lines = _split(note.encode())
            origin, count, root = text.decode().split("\n")[:3]
        except Exception:
            self.report.bad(where, "not a signed note")
            return
        if (
            origin != self.origin
            or count != str(size)
            or base64.b64encode(roots.get(size, b"")).decode() != root
        ):
            self.report.bad(where, "origin, size or root are not those of the entries held")
        if not any(_verify(k, line, text) for k in self.past_keys for line in lines):
            self.report.bad(where, "no valid signature of the log")

    def _head(self, head: tuple[Any, ...], roots: dict[int, bytes]) -> None:
        size, note, frontier = head
        self._checkpoint(size, note, roots)
        if size != self.count:
            self.report.bad(f"{self.origin} head", f"signed for {size} entries; {self.count} are held")
        stack = b"".join(w for w in reversed(self.levels) if w is not None)
        if size == self.count and bytes(frontier) != stack:
            self.report.bad(f"{self.origin} head", "the stored frontier is not this tree's")

    def _tiles(self) -> None:
        held = {(level, i): bytes(digest) for level, i, digest in self.tile_rows}
        for key in sorted(held.keys() | self.tiles.keys()):
            if held.get(key) != self.tiles.get(key):
                self.report.bad(
                    f"{self.origin} tile {key[0]} hash {key[1]}", "is not the hash of its entries"
                )

    def check_cosignatures(self) -> None:
        """Every cosignature by a party, under a key that the annex or the party's log has named."""
        heads = self.heads
        by_name: dict[str, list[str]] = {}
        for k in self.cosigners:
            by_name.setdefault(k.split("+")[0], []).append(k)
        for size, text in _rows(
            self.link, "SELECT size, line FROM cosignature WHERE log = ? ORDER BY size", self.n
        ):
            self.report.cosignatures += 1
            where = f"{self.origin} cosignature at {size}"
            try:
                body, _ = _split(heads[size].encode())
                line = _line(text.rstrip("\n"))
            except Exception:
                self.report.bad(where, "no checkpoint beneath it, or not a signature line")
                continue
            known = [k for k in by_name.get(line[0], []) if _key_id(k) == line[1]]
            if line[0] in by_name and not any(_verify(k, line, body) for k in known):
                self.report.bad(where, f"the cosignature of {line[0]} is wrong")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _split(data: bytes) -> tuple[bytes, list[tuple[str, bytes, bytes]]]:
    """(text, signature lines) of a note."""
    text, gap, block = data.rpartition(b"\n\n")
    if not gap or not block.endswith(b"\n"):
        raise ValueError("no signatures")
    return text + b"\n", [_line(line) for line in block.decode()[:-1].split("\n")]


def _line(line: str) -> tuple[str, bytes, bytes]:
    dash, name, coded = line.split(" ")
    raw = base64.b64decode(coded, validate=True)
    if dash != "\u2014" or base64.b64encode(raw).decode() != coded:
        raise ValueError("not a signature line")
    return name, raw[:4], raw[4:]


def _key_id(vkey: str) -> bytes:
    return bytes.fromhex(vkey.split("+", 2)[1])


def _verify(vkey: str, line: tuple[str, bytes, bytes], text: bytes) -> bool:
    """Is the line this key's valid signature on `text`?"""
    name, key_id, coded = vkey.split("+", 2)
    if line[0] != name or line[1].hex() != key_id:
        return False
    raw = base64.b64decode(coded)
    kind = _MLDSA87 if raw.startswith(_MLDSA87) else raw[:1]
    if hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4] != line[1]:
        return False
    try:
        _check(kind, raw[len(kind) :], name, line[2], text)
    except Exception:
        return False
    return True


def _check(kind: bytes, public: bytes, name: str, signature: bytes, text: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

    if kind == _ED25519:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    elif kind == _MLDSA87:
        mldsa.MLDSA87PublicKey.from_public_bytes(public).verify(signature, text)
    elif kind == _COSIGN:
        when = struct.unpack(">Q", signature[:8])[0]
        message = b"cosignature/v1\ntime %d\n" % when + text
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature[8:], message)
    elif kind == _COSIGN_PQ:
        origin, size, root = text.split(b"\n")[:3]
        message = (
            b"subtree/v1\n\0"
            + bytes([len(name)])
            + name.encode()
            + signature[:8]
            + bytes([len(origin)])
            + origin
        )
        message += struct.pack(">QQ", 0, int(size)) + base64.b64decode(root)
        mldsa.MLDSA44PublicKey.from_public_bytes(public).verify(signature[8:], message)
    else:
        raise ValueError("unknown key type")

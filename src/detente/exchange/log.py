"""One append-only log in the store: the party's own, or a mirror of another's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from detente.errors import DetenteError
from detente.exchange import merkle, tiles
from detente.exchange.checkpoint import Checkpoint, parse_checkpoint
from detente.exchange.note import Note, Signature, Signer, Verifier, parse_note, sign_note, verified
from detente.exchange.proof import LogProof
from detente.exchange.store import SPAN, Store

FSCK = "run 'detente node fsck'; nothing was signed"


class Head(msgspec.Struct, frozen=True):
    """Where a log stands in this store: its frontier, and the signed checkpoint on it."""

    checkpoint: Checkpoint
    note: Note
    frontier: bytes


class Log:
    """Entries, tiles, checkpoints and cosignatures of the log `origin` in `store`."""

    def __init__(self, store: Store, origin: str) -> None:
        self.store, self.origin = store, origin
        self.n = store.number(origin)
        self.base = self.n << SPAN

    @property
    def size(self) -> int:
        row = self.store.one("SELECT size FROM head WHERE log = ?", (self.n,))
        return int(row[0]) if row else 0

    def head(self) -> Head | None:
        """The latest checkpoint with the frontier it was made from; None for a log without entries."""
        row = self.store.one("SELECT note, frontier, size FROM head WHERE log = ?", (self.n,))
        if row is None:
            return None
        checkpoint, note = parse_checkpoint(row[0], where=f"{self.origin} head")
        if checkpoint.size != row[2]:
            raise DetenteError("the stored size is not the signed one", where=self.origin, fix=FSCK)
        return Head(checkpoint, note, bytes(row[1]))

    def append(
        self, entries: Sequence[bytes], signers: Sequence[Signer], *, trusted: Iterable[Verifier] = ()
    ) -> tuple[int, Note]:
        """Add `entries` and sign the new head, all in one durable transaction; (first index, checkpoint).

        The stored head is checked before anything is signed over it. Raises DetenteError where its
        signature, its root or the stored tiles below it do not agree: a damaged log signs nothing more.
        """
        for entry in entries:
            if len(entry) > tiles.MAX_ENTRY:
                raise DetenteError(f"an entry of {len(entry)} bytes", fix="put the content in the body")
        with self.store.write():
            frontier = self.trusted_frontier(trusted or [s.verifier for s in signers])
            first = frontier.size
            self.grow(frontier, entries)
            note = sign_note(Checkpoint(self.origin, frontier.size, frontier.root).text, signers)
            self.set_head(frontier, note)
        return first, note

    def trusted_frontier(self, keys: Iterable[Verifier]) -> merkle.Frontier:
        """The frontier under the stored head, checked against its signature and the rightmost tiles."""
        head = self.head()
        if head is None:
            if self.store.one(
                "SELECT 1 FROM entry WHERE at >= ? AND at < ?", (self.base, self.base + (1 << SPAN))
            ):
                raise DetenteError("entries without a head", where=self.origin, fix="run 'detente node fsck'")
            return merkle.Frontier()
        size = head.checkpoint.size
        here = {"where": self.origin, "fix": FSCK}
        if head.checkpoint.origin != self.origin or not verified(head.note, keys, where=self.origin):
            raise DetenteError("the stored head bears no signature of this log", **here)
        frontier = merkle.Frontier.unpack(size, head.frontier)
        if frontier.root != head.checkpoint.root:
            raise DetenteError("the stored frontier does not lead to the signed root", **here)
        try:
            same = merkle.root_of(size, self.subtree(size)) == head.checkpoint.root
        except DetenteError:
            same = False
        if not same:
            raise DetenteError("the stored tiles do not lead to the signed root", **here)
        return frontier

    def grow(self, frontier: merkle.Frontier, entries: Sequence[bytes]) -> None:
        """Store `entries` after `frontier`, which moves on; inside a transaction of the caller."""
        tops: list[tuple[int, int, bytes]] = []
        rows = []
        for entry in entries:
            leaf = merkle.leaf_hash(entry)
            rows.append((self.base + frontier.size, leaf, entry))
            frontier.append(leaf, tops)
        self.store.many("INSERT INTO entry (at, leaf, data) VALUES (?, ?, ?)", rows)
        if tops:
            sql = "INSERT INTO tile (log, level, i, hash) VALUES (?, ?, ?, ?)"
            self.store.many(sql, [(self.n, *top) for top in tops])

    def set_head(self, frontier: merkle.Frontier, note: Note) -> None:
        """Make `note` the signed head over `frontier`; inside a transaction of the caller."""
        text, size = str(note), frontier.size
        self.store.run(
            "INSERT INTO head (log, size, frontier, note) VALUES (?, ?, ?, ?) ON CONFLICT (log) DO UPDATE"
            " SET size = excluded.size, frontier = excluded.frontier, note = excluded.note",
            (self.n, size, frontier.pack(), text),
        )
        self.keep_checkpoint(size, note)

    def keep_checkpoint(self, size: int, note: Note) -> None:
        """Keep a signed head, once; inside a transaction of the caller."""
        self.store.run(
            "INSERT INTO checkpoint (log, size, note) VALUES (?, ?, ?) ON CONFLICT (log, size) DO NOTHING",
            (self.n, size, str(note)),
        )

    def entry(self, index: int) -> bytes:
        """The bytes of one entry. Raises DetenteError where there is none."""
        row = None
        if 0 <= index < 1 << SPAN:
            row = self.store.one("SELECT data FROM entry WHERE at = ?", (self.base + index,))
        if row is None:
            raise DetenteError(f"no entry {index}", where=self.origin, fix=f"the log holds {self.size}")
        return bytes(row[0])

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Entries ``[start, end)``, read in steps so that memory stays flat."""
        for at in range(start, end, 1024):
            last = min(end, at + 1024)
            sql = "SELECT data FROM entry WHERE at >= ? AND at < ? ORDER BY at"
            for row in self.store.all(sql, (self.base + at, self.base + last)):
                yield bytes(row[0])

    def tile(self, level: int, n: int, width: int = tiles.WIDTH) -> list[bytes]:
        """The hashes of a tile; fewer than `width` where the log is damaged."""
        start = n * tiles.WIDTH
        if level == 0:
            sql = "SELECT leaf FROM entry WHERE at >= ? AND at < ? ORDER BY at"
            found = self.store.all(sql, (self.base + start, self.base + start + width))
        else:
            sql = "SELECT hash FROM tile WHERE log = ? AND level = ? AND i >= ? AND i < ? ORDER BY i"
            found = self.store.all(sql, (self.n, level, start, start + width))
        return [bytes(row[0]) for row in found]

    def subtree(self, size: int) -> merkle.Subtree:
        """A reader of complete subtrees for proofs in the tree of `size`; each tile is read once."""
        held: dict[tuple[int, int, int], list[bytes]] = {}

        def tile(level: int, n: int, width: int) -> list[bytes]:
            key = (level, n, width)
            if key not in held:
                held[key] = self.tile(level, n, width)
            return held[key]

        return tiles.subtree_reader(tile, size)

    def resource(self, path: str) -> bytes:
        """A tlog-tiles resource (``tile/...``). Raises DetenteError where the tree does not hold it."""
        level, n, width = tiles.parse_path(path)
        full, rest = tiles.widths(self.size, level or 0)
        if n > full or (n == full and width > rest):
            raise DetenteError("no such tile", where=path)
        if level is None:
            return tiles.bundle(list(self.entries(n * tiles.WIDTH, n * tiles.WIDTH + width)))
        return b"".join(self.tile(level, n, width))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of `new` entries extends the one of `old`."""
        return merkle.consistency_proof(old, new, self.subtree(new))

    def prove(self, index: int) -> LogProof:
        """The tlog-proof of an entry under the best witnessed checkpoint that holds it."""
        size, note = self.witnessed_head(index + 1)
        path = merkle.inclusion_proof(index, size, self.subtree(size))
        return LogProof(index, tuple(path), str(note))

    def witnessed_head(self, at_least: int) -> tuple[int, Note]:
        """(size, note) of the checkpoint of `at_least` entries with most cosigners, the largest among equals.

        Raises DetenteError where no checkpoint holds so many entries.
        """
        row = self.store.one(
            "SELECT c.size, COUNT(DISTINCT k.name) AS witnesses FROM checkpoint c LEFT JOIN cosignature k"
            " ON k.log = c.log AND k.size = c.size WHERE c.log = ? AND c.size >= ?"
            " GROUP BY c.size ORDER BY witnesses DESC, c.size DESC LIMIT 1",
            (self.n, at_least),
        )
        if row is None:
            raise DetenteError(f"no checkpoint holds entry {at_least - 1}", where=self.origin)
        return int(row[0]), self.cosigned(int(row[0]))

    def cosigned(self, size: int) -> Note:
        """The checkpoint at `size` with every cosignature held. Raises DetenteError where there is none."""
        row = self.store.one("SELECT note FROM checkpoint WHERE log = ? AND size = ?", (self.n, size))
        if row is None:
            raise DetenteError(f"no checkpoint at size {size}", where=self.origin)
        sql = "SELECT line FROM cosignature WHERE log = ? AND size = ? ORDER BY name, line"
        lines = "".join(r[0] for r in self.store.all(sql, (self.n, size)))
        return parse_note(row[0] + lines, where=self.origin)

    def add_cosignatures(self, size: int, lines: Iterable[tuple[Signature, int]], now: int) -> None:
        """Keep checked cosignatures (signature, its time) on the checkpoint at `size`."""
        rows = [(self.n, size, s.name, s.key_id.hex(), str(s), at, now) for s, at in lines]
        sql = "INSERT INTO cosignature (log, size, name, key, line, time, seen) VALUES (?, ?, ?, ?, ?, ?, ?)"
        with self.store.write():
            self.store.many(sql + " ON CONFLICT DO NOTHING", rows)

"""What a node asks of its peers: take my entries and cosign, give me yours, compare heads, hear this now."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from detente.errors import DetenteError
from detente.exchange import tiles
from detente.exchange.checkpoint import parse_checkpoint
from detente.exchange.cosignature import cosigned_at
from detente.exchange.expiry import dated_sizes, lines_of
from detente.exchange.merkle import Subtree
from detente.exchange.mirror import Push, get_body
from detente.exchange.node import Act, Node
from detente.exchange.note import Note, Verifier, parse_note, verified
from detente.exchange.service import Reply, Urgent, dating, gossip_of

STEP = 512  # entries in one push
BODIES = 8 << 20  # bytes of bodies in one push


class Transport(Protocol):
    """Carries one request to a party; raises OSError where nobody answers."""

    def __call__(self, party: str, method: str, path: str, data: bytes = b"") -> Reply: ...


class Peers:
    """Our side of the protocol with every other party."""

    def __init__(self, node: Node, send: Transport) -> None:
        self.node, self.send = node, send

    def _ask(self, party: str, method: str, path: str, data: bytes = b"") -> Reply | None:
        """The reply, or None from a silent party; since when it is silent is remembered."""
        try:
            reply = self.send(party, method, path, data)
        except OSError as bad:
            self._silent(party, f"{type(bad).__name__}: {bad}"[:200])
            return None
        if reply.status >= 500:
            self._silent(party, f"answered {reply.status}")
            return None
        if self.silent_since(party) is not None:
            with self.node.store.write():
                self.node.store.run("DELETE FROM peer WHERE party = ?", (party,))
        return reply

    def _silent(self, party: str, note: str) -> None:
        with self.node.store.write():
            self.node.store.run(
                "INSERT INTO peer (party, silent_since, note) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (party, int(self.node.clock()), note),
            )

    def push(self, party: str) -> bool:
        """Bring `party`'s mirror of our log to our head and keep its cosignatures; False where it is behind."""
        log = self.node.log
        start = self._acknowledged(party)
        for _ in range(2 + log.size // STEP * 2):
            size = log.size
            if start >= size and self._has_cosigned(party, size):
                return True
            push = self._chunk(start)
            reply = self._ask(party, "POST", "push", msgspec.msgpack.encode(push))
            if reply is None:
                return False
            if reply.status == 409 and reply.data.strip().isdigit():
                told = int(reply.data)
                if told > size:  # it holds more of our log than we do: we lost entries, or it lies
                    raise DetenteError(
                        f"{party} holds {told} entries of our log, we hold {size}",
                        where=log.origin,
                        fix="restore the node from a mirror and retire its keys; nothing more should be signed",
                    )
                if told == start:
                    return False
                start = told
                continue
            if reply.status != 200:
                self._refused(party, reply)
                return False
            start = push.start + len(push.entries)
            try:
                self._keep(party, start, reply.data)
            except DetenteError:  # it may have changed its keys since we last read its log
                if not self.pull(party):
                    raise
                self._keep(party, start, reply.data)
        return log.size == start

    def _refused(self, party: str, reply: Reply) -> None:
        why = reply.data.decode("utf-8", "replace").strip()[:200]
        self._silent(party, f"refused our log: {reply.status} {why}")

    def _acknowledged(self, party: str) -> int:
        names = self._cosigner_names(party)
        marks = ", ".join("?" for _ in names)
        row = self.node.store.one(
            f"SELECT MAX(size) FROM cosignature WHERE log = ? AND name IN ({marks})",
            (self.node.log.n, *names),
        )
        return int(row[0]) if row and row[0] else 0

    def _has_cosigned(self, party: str, size: int) -> bool:
        return self._acknowledged(party) >= size

    def _cosigner_names(self, party: str) -> list[str]:
        return sorted({k.name for k in self._cosigners(party)})

    def _cosigners(self, party: str) -> tuple[Verifier, ...]:
        return self.node.mirror(party).keys.verifiers("mirror")

    def _chunk(self, start: int) -> Push:
        """Entries from `start` to a signed head at most `STEP` on, or the next one where there is none.

        Under keys that have expired it is a head that others cosigned in time, where there is one: it dates them all.
        """
        log = self.node.log
        lines = lines_of(self.node.store, self.node.annex, self.node.party)
        in_time = dated_sizes(log, lines, self.node.clock(), start, start + STEP)
        row = self.node.store.one(
            "SELECT COALESCE((SELECT MAX(size) FROM checkpoint WHERE log = ? AND size > ? AND size <= ?),"
            " (SELECT MIN(size) FROM checkpoint WHERE log = ? AND size > ?), ?)",
            (log.n, start, start + STEP, log.n, start, log.size),
        )
        assert row is not None
        end = in_time[-1] if in_time else int(row[0])
        entries = tuple(log.entries(start, end))
        return Push(
            str(log.cosigned(end)),
            start,
            entries,
            tuple(self._bodies(entries)),
            dating(self.node, self.node.party),
        )

    def _bodies(self, entries: tuple[bytes, ...]) -> Iterator[bytes]:
        from detente.exchange.envelope import parse_entry

        for entry in entries:
            envelope = parse_entry(entry)[0]
            if envelope.body:
                yield get_body(self.node.store, envelope.body.sha256)

    def _keep(self, party: str, size: int, lines: bytes) -> None:
        """Keep the cosignatures in a reply that verify; anything else in it is ignored."""
        log = self.node.log
        note = parse_note(str(log.cosigned(size)).encode() + lines, where=f"{party} cosignature")
        keys = self._cosigners(party)
        line = self.node.mirror(party).keys
        good = [(s, cosigned_at(s)) for k in keys for s in note.signatures if k.check(s, note.text)]
        if not good:
            raise DetenteError("a reply without a valid cosignature", where=party)
        good = [(s, at) for s, at in good if not line.outside_at(at)]
        if not good:
            raise DetenteError(f"{party} cosigned with expired keys; they do not count", where=party)
        log.add_cosignatures(size, good, int(self.node.clock()))

    def pull(self, party: str, source: str = "") -> int:
        """Catch up with `party`'s log from `source` (itself, or another party's mirror); entries gained.

        Raises DetenteError where what is served is not what was signed.
        """
        mirror, via = self.node.mirror(party), source or party
        reply = self._ask(via, "GET", f"log/{party}/checkpoint")
        if reply is None or reply.status != 200:
            return 0
        head, note = parse_checkpoint(reply.data, where=f"{party} by {via}")
        start = mirror.log.size
        if head.size <= start:
            if mirror._signed(note, mirror.log_keys()) and not mirror.accuse(note):
                mirror.collect(note)
            return 0
        entries = tuple(self._fetch_entries(via, party, start, head.size))
        bodies = tuple(self._fetch_bodies(via, entries))
        dated = self._ask(via, "GET", f"log/{party}/dated")
        heads = (
            tuple(dated.data.decode("utf-8", "replace").split("\0")) if dated and dated.status == 200 else ()
        )
        answer = mirror.receive(Push(str(note), start, entries, bodies, tuple(filter(None, heads))))
        if answer.status == 422:
            mirror.accuse(note, self.remote(via, party, head.size))
        if answer.status != 200:
            raise DetenteError(
                f"what {via} serves of {party} was refused: {answer.body.strip()}", where=head.origin
            )
        return head.size - start

    def _fetch_entries(self, via: str, party: str, start: int, size: int) -> Iterator[bytes]:
        for n in range(start // tiles.WIDTH, -(-size // tiles.WIDTH)):
            width = min(tiles.WIDTH, size - n * tiles.WIDTH)
            reply = self._need(via, f"log/{party}/{tiles.tile_path(None, n, width)}")
            bundle = tiles.parse_bundle(reply.data, where=f"{party} bundle {n}")
            yield from bundle[max(start - n * tiles.WIDTH, 0) :]

    def _fetch_bodies(self, via: str, entries: tuple[bytes, ...]) -> Iterator[bytes]:
        from detente.exchange.envelope import parse_entry

        for entry in entries:
            try:
                body = parse_entry(entry)[0].body
            except DetenteError:
                continue
            if body and not self.node.store.one("SELECT 1 FROM body WHERE sha256 = ?", (body.sha256,)):
                data = self._need(via, f"body/{body.sha256}").data
                if hashlib.sha256(data).hexdigest() == body.sha256:
                    yield data

    def _need(self, via: str, path: str) -> Reply:
        reply = self._ask(via, "GET", path)
        if reply is None or reply.status != 200:
            raise DetenteError(f"{via} does not serve {path}", fix="try again, or another mirror")
        return reply

    def remote(self, via: str, party: str, size: int) -> Subtree:
        """A reader of the tree that `via` serves, for evidence against its own signature.

        Each tile is fetched once: what was checked against the root is what the evidence is made of.
        """
        held: dict[tuple[int, int, int], list[bytes]] = {}

        def tile(level: int, n: int, width: int) -> list[bytes]:
            key = (level, n, width)
            if key not in held:
                data = self._need(via, f"log/{party}/{tiles.tile_path(*key)}").data
                held[key] = [data[i : i + 32] for i in range(0, len(data), 32)]
            return held[key]

        return tiles.subtree_reader(tile, size)

    def gossip(self, party: str) -> None:
        """Show `party` every head we hold, and hold its heads of others against ours."""
        data = gossip_of(self.node)
        if data:
            self._ask(party, "POST", "gossip", data)
        for third, mirror in self.node.mirrors.items():
            if third == party:
                continue
            reply = self._ask(party, "GET", f"log/{third}/checkpoint")
            if reply is not None and reply.status == 200:
                self._compare(mirror.log.size, third, party, reply.data)

    def _compare(self, size: int, third: str, via: str, data: bytes) -> None:
        mirror = self.node.mirror(third)
        head, note = parse_checkpoint(data, where=f"{third} by {via}")
        if not size or not mirror._signed(note, mirror.log_keys()):
            return
        theirs = self.remote(via, third, head.size) if head.size > size else None
        mirror.accuse(note, theirs)

    def urgent(self, act: Act, party: str) -> int | None:
        """Deliver one entry now, ahead of any backlog; the peer's clock at receipt, None if it is silent."""
        body = act.envelope.body
        data = get_body(self.node.store, body.sha256) if body else b""
        sent = msgspec.msgpack.encode(Urgent(self.node.log.entry(act.index), data))
        reply = self._ask(party, "POST", "urgent", sent)
        if reply is not None and reply.status == 400 and self.push(party):  # it had not read our new keys
            reply = self._ask(party, "POST", "urgent", sent)
        if reply is None or reply.status != 200:
            return None
        return int(reply.data.split()[1])

    def sync(self, report: Callable[[str, str], None] = lambda party, what: None) -> None:
        """One round with every peer, one after another."""
        for party in self.node.mirrors:
            self.sync_with(party, report)

    def sync_with(self, party: str, report: Callable[[str, str], None] = lambda party, what: None) -> None:
        """Push, pull and gossip with one peer; a silent one costs one time-out, and others may hold its log."""
        try:
            done = self.push(party)
            if not done and self.silent_since(party) is not None:
                self._from_mirrors(party)
                report(party, "is silent")
                return
            gained = self.pull(party)
            if self.silent_since(party) is None:
                self.gossip(party)
            else:
                self._from_mirrors(party)
            report(party, f"{'holds our log' if done else 'is behind'}, {gained} new")
        except DetenteError as bad:
            report(party, str(bad))

    def _from_mirrors(self, party: str) -> None:
        """A silent party's entries, from whoever else holds them."""
        for third in self.node.mirrors:
            if third != party:
                self.pull(party, third)

    def silent_since(self, party: str) -> int | None:
        """Since when (POSIX s) a party does not answer, None where it does."""
        row = self.node.store.one("SELECT silent_since FROM peer WHERE party = ?", (party,))
        return int(row[0]) if row else None


def check_cosigners(note: Note, keys: tuple[Verifier, ...]) -> bool:
    """Do all of `keys` stand on the note, rightly?"""
    return len(verified(note, keys)) == len(keys)

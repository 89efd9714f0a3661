"""Mirrors: hold another party's entries and bodies, cosign what only grew, and keep proof of what did not."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache, partial

import msgspec

from detente.errors import DetenteError
from detente.exchange import merkle
from detente.exchange.body import MAX_BODY, matches
from detente.exchange.checkpoint import Checkpoint, parse_checkpoint
from detente.exchange.envelope import Envelope, parse_entry, verify_entry
from detente.exchange.evidence import Evidence, encode_evidence, make_evidence
from detente.exchange.expiry import Dated, cosignatures, cosigners, lines_of, read_heads, recorded_at
from detente.exchange.expiry import fault as expired
from detente.exchange.keys import Annex, PublicKeys
from detente.exchange.log import Log
from detente.exchange.note import Note, Signer, Verifier, only_by, verified
from detente.exchange.store import Store
from detente.exchange.witness import Answer, remember

MAX_HEADS = 16
REPEATED = "a repetition of an earlier entry's id"


class Push(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a log sends its mirrors: entries from `start` on, their bodies, and the head they lead to."""

    checkpoint: str
    start: int
    entries: tuple[bytes, ...]
    bodies: tuple[bytes, ...] = ()
    heads: tuple[str, ...] = ()  # earlier heads among them, with the cosignatures that date the entries


class Mirror:
    """One party's view of another's log. `signers`: this party's mirror keys, which cosign."""

    def __init__(
        self,
        store: Store,
        annex: Annex,
        party: str,
        signers: Sequence[Signer] = (),
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.store, self.annex, self.party, self.signers, self.now = store, annex, party, signers, now
        self.first_keys = annex.of(party)
        self.log = Log(store, self.first_keys.origin)

    def keys_at(self, index: int) -> PublicKeys:
        """The keys that speak for the party from entry `index` on: the annex's, or its latest key entry's."""
        row = self.store.one(
            "SELECT keys FROM ring WHERE log = ? AND since <= ? ORDER BY since DESC LIMIT 1",
            (self.log.n, index),
        )
        return msgspec.json.decode(row[0], type=PublicKeys) if row else self.first_keys

    @property
    def keys(self) -> PublicKeys:
        return self.keys_at(self.log.size)

    def log_keys(self) -> tuple[Verifier, ...]:
        """The keys that may sign this log's checkpoints now."""
        return self.keys.verifiers("log")

    def receive(self, push: Push) -> Answer:
        """Take in a push: verify all of it, store all of it, then cosign. 200, 400, 403, 409 or 422.

        A head that contradicts what is held becomes evidence and is never cosigned.
        """
        try:
            head, note = parse_checkpoint(push.checkpoint, where=f"{self.party} push")
        except DetenteError as bad:
            return Answer(400, f"{bad}\n")
        if head.origin != self.log.origin:
            return Answer(404, "unknown log\n")
        try:
            return self._receive(push, head, note)
        except _RefusedError as refused:
            if refused.answer.status == 422 and self._signed(note, self.log_keys()):
                self.suspect(head, note)
            return refused.answer

    def _receive(self, push: Push, head: Checkpoint, note: Note) -> Answer:
        with self.store.write():
            held = self.log.head()
            size = held.checkpoint.size if held else 0
            known = self._signed(note, self.log_keys())
            if (
                known
                and held
                and head.size <= size
                and (head.size < size or head.root != held.checkpoint.root)
            ):
                return self._older(head, note)
            if push.start != size or head.size != push.start + len(push.entries):
                return Answer(409, f"{size}\n", "text/x.tlog.size")
            frontier = merkle.Frontier.unpack(size, held.frontier if held else b"")
            dated = self._dated(push, size)
            acts, keys = self._read(push, size, dated, note)
            # the head over a key change may be the old key's last or the new key's first
            if not self._signed(note, keys.verifiers("log")) and not known:
                return Answer(403, "no valid signature of the log\n")
            cosigned, note = note, only_by(note, (*self.log_keys(), *keys.verifiers("log")))
            self._extend(push, frontier, head, [d.checkpoint for d in dated])
            self._store_bodies(push.bodies, acts)
            self._note_acts(size, acts)
            self.log.set_head(frontier, note)
            for earlier in dated:
                past = [
                    k for line in lines_of(self.store, self.annex, self.party) for k in line.verifiers("log")
                ]
                self.log.keep_checkpoint(earlier.checkpoint.size, only_by(earlier.note, past))
                self.collect(earlier.note)
            self.collect(cosigned)
            remember(self.store, self.log.n, head, note)
            stamp = int(self.now())
            lines = [s.sign(note.text, at=stamp) for s in self.signers]
            self.log.add_cosignatures(head.size, [(line, stamp) for line in lines], stamp)
        return Answer(200, "".join(map(str, lines)))

    def collect(self, note: Note) -> None:
        """Keep the other parties' cosignatures on a head that we hold ourselves."""
        head, _ = parse_checkpoint(str(note))
        row = self.store.one(
            "SELECT note FROM checkpoint WHERE log = ? AND size = ?", (self.log.n, head.size)
        )
        if row is None or not row[0].startswith(note.text + "\n"):
            return
        good = cosignatures(note, cosigners(self.store, self.annex, self.party))
        self.log.add_cosignatures(head.size, good, int(self.now()))

    @staticmethod
    def _signed(note: Note, keys: Sequence[Verifier]) -> bool:
        try:
            return bool(verified(note, keys))
        except DetenteError:
            return False

    def _older(self, head: Checkpoint, note: Note) -> Answer:
        """A head at or below ours: an honest repetition, or proof of a second history."""
        ours = merkle.root_of(head.size, self.log.subtree(head.size)) if head.size else merkle.EMPTY
        if ours != head.root:
            self.accuse(note)
            return Answer(422, "this log has signed another history: the evidence is kept\n")
        return Answer(409, f"{self.log.size}\n", "text/x.tlog.size")

    def _dated(self, push: Push, size: int) -> list[Dated]:
        """The heads before the last among a push that the log signed and others have cosigned."""
        if not push.heads:
            return []
        keys = cosigners(self.store, self.annex, self.party)
        given = read_heads(push.heads[:MAX_HEADS], self.log.origin, keys)
        end = size + len(push.entries)
        return [d for d in given if size < d.checkpoint.size < end and self._known(d.note)]

    def _known(self, note: Note) -> bool:
        """Did the log sign it, with keys of any of its times?"""
        lines = lines_of(self.store, self.annex, self.party)
        return any(self._signed(note, line.verifiers("log")) for line in lines)

    def _extend(
        self, push: Push, frontier: merkle.Frontier, head: Checkpoint, dated: Sequence[Checkpoint]
    ) -> None:
        """Add the entries; raises _RefusedError where they do not lead to the signed roots."""
        row = self.store.one("SELECT size, root FROM witnessed WHERE log = ?", (self.log.n,))
        seen, root = (int(row[0]), bytes(row[1])) if row else (0, b"")
        if seen > head.size:
            raise _RefusedError(Answer(409, f"{seen}\n", "text/x.tlog.size"))
        roots = {(d.size, d.root) for d in dated} | (
            {(seen, root)} if seen >= frontier.size and seen else set()
        )
        first = frontier.size
        for size, signed in sorted(roots):
            self.log.grow(frontier, push.entries[frontier.size - first : size - first])
            if frontier.root != signed:
                raise _RefusedError(Answer(422, "the entries are not those of a head cosigned before\n"))
        self.log.grow(frontier, push.entries[frontier.size - first :])
        if frontier.root != head.root:
            raise _RefusedError(Answer(422, "the entries do not lead to the signed root\n"))

    def _read(
        self, push: Push, size: int, dated: Sequence[Dated], head: Note
    ) -> tuple[list[tuple[Envelope | None, str]], PublicKeys]:
        """Each entry's envelope, or the fault it is kept with; and the keys that hold after the last."""
        acts: list[tuple[Envelope | None, str]] = []
        keys, now = self.keys_at(size), int(self.now())

        @cache
        def at_the_end() -> tuple[Dated, ...]:
            others = cosigners(self.store, self.annex, self.party)
            return (*dated, *read_heads([str(head)], self.log.origin, others))

        for at, entry in enumerate(push.entries, size):
            recorded = partial(lambda at: recorded_at(at, at_the_end(), now), at)
            envelope, fault, keys = self._judge(at, entry, keys, recorded)
            acts.append((envelope, fault))
        return acts, keys

    def _judge(
        self, at: int, entry: bytes, keys: PublicKeys, recorded: Callable[[], int]
    ) -> tuple[Envelope | None, str, PublicKeys]:
        """An entry's envelope, its fault, and the keys that speak after it."""
        try:
            envelope = verify_entry(entry, keys, where=f"{self.party}:{at}")
            fault = expired(envelope, keys, int(self.now()), recorded)
            if envelope.act == "key" and not fault:
                keys = self._new_keys(envelope, keys, at)
        except DetenteError as bad:
            return _best_effort(entry), str(bad), keys
        return envelope, fault, keys

    def accept(self, index: int) -> PublicKeys:
        """Adopt by hand the new keys of a key entry that came after the old ones had expired; judge again what follows.

        Raises DetenteError where the entry is no such key entry, or its old keys did not sign it.
        """
        where = f"{self.party}:{index}"
        with self.store.write():
            row = self.store.one("SELECT act, fault FROM act WHERE at = ?", (self.log.base + index,))
            if row is None or row[0] != "key" or not row[1]:
                raise DetenteError("no refused key entry", where=where, fix="see 'detente node inbox'")
            keys = self.keys_at(index)
            keys = self._new_keys(verify_entry(self.log.entry(index), keys, where=where), keys, index)
            self.store.run("UPDATE act SET fault = '' WHERE at = ?", (self.log.base + index,))
            for at, entry in enumerate(self.log.entries(index + 1, self.log.size), index + 1):
                old = self.store.one("SELECT received, fault FROM act WHERE at = ?", (self.log.base + at,))
                if old and old[1] and old[1] != REPEATED:
                    recorded = partial(self._recorded, at, int(old[0]))
                    _, fault, keys = self._judge(at, entry, keys, recorded)
                    self.store.run("UPDATE act SET fault = ? WHERE at = ?", (fault, self.log.base + at))
        return keys

    def _recorded(self, index: int, received: int) -> int:
        row = self.store.one(
            "SELECT MIN(time) FROM cosignature WHERE log = ? AND size > ?", (self.log.n, index)
        )
        return min(received, int(row[0])) if row and row[0] else received

    def _new_keys(self, envelope: Envelope, keys: PublicKeys, at: int) -> PublicKeys:
        """The keys after a key entry, recorded. Raises DetenteError for a change that is not one's own."""
        fresh = read_key_change(envelope, keys)
        self.store.run(
            "INSERT INTO ring (log, since, keys) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (self.log.n, at + 1, envelope.text),
        )
        return fresh

    def _store_bodies(self, bodies: Sequence[bytes], acts: list[tuple[Envelope | None, str]]) -> None:
        """Keep the bodies the entries name; raises _RefusedError where one is missing."""
        import hashlib

        given = {hashlib.sha256(b).hexdigest(): b for b in bodies if len(b) <= 2 * MAX_BODY}
        for envelope, _fault in acts:
            body = envelope.body if envelope else None
            if body is None:
                continue
            if body.sha256 not in given:
                if not self.store.one("SELECT 1 FROM body WHERE sha256 = ?", (body.sha256,)):
                    raise _RefusedError(Answer(424, f"missing body {body.sha256}\n"))
            elif not matches(given[body.sha256], body):
                raise _RefusedError(Answer(422, f"body {body.sha256} does not match its entry\n"))
            else:
                put_body(self.store, body.sha256, given[body.sha256])

    def _note_acts(self, size: int, acts: list[tuple[Envelope | None, str]]) -> None:
        note_acts(self.store, self.log, size, acts, int(self.now()))

    def suspect(self, head: Checkpoint, note: Note) -> None:
        """Keep a signed head that does not extend ours; it is proof once its tree can be read (`accuse`)."""
        from hashlib import sha256

        self.store.run(
            "INSERT INTO evidence (id, log, kind, seen, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                sha256(note.text.encode()).hexdigest(),
                self.log.n,
                "suspect",
                int(self.now()),
                str(note).encode(),
            ),
        )

    def accuse(self, note: Note, theirs: merkle.Subtree | None = None) -> Evidence | None:
        """Keep evidence where `note` contradicts the head held here; returns it.

        `theirs` reads the tree under `note`, needed where that is the larger of the two.
        """
        held = self.log.head()
        if held is None:
            return None
        head, _ = parse_checkpoint(str(note))
        other = held.note
        subtree = theirs if head.size > held.checkpoint.size else self.log.subtree(held.checkpoint.size)
        seen = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now()))
        keys = [str(k) for k in self.log_keys()]
        evidence = make_evidence(self.party, keys, note, other, subtree, seen=seen)
        if evidence:
            keep_evidence(self.store, self.log.n, evidence, int(self.now()))
        return evidence


class _RefusedError(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


def _best_effort(entry: bytes) -> Envelope | None:
    try:
        return parse_entry(entry)[0]
    except DetenteError:
        return None


def read_key_change(envelope: Envelope, keys: PublicKeys) -> PublicKeys:
    """The new keys in a key entry. Raises DetenteError where they are another party's or broken."""
    try:
        fresh = msgspec.json.decode(envelope.text, type=PublicKeys)
    except msgspec.DecodeError as bad:
        raise DetenteError(f"a key entry without keys: {bad}", where=envelope.id) from None
    if (fresh.party, fresh.origin) != (keys.party, keys.origin):
        raise DetenteError("a key entry for another party", where=envelope.id)
    if fresh.tls_old not in ("", keys.tls, keys.tls_old):
        raise DetenteError("the old certificate is not one that was pinned", where=envelope.id)
    return fresh.check()


def put_body(store: Store, digest: str, data: bytes) -> None:
    """Keep a body under its SHA-256 (hex)."""
    store.run("INSERT INTO body (sha256, data) VALUES (?, ?) ON CONFLICT DO NOTHING", (digest, data))


def get_body(store: Store, digest: str) -> bytes:
    """A body by its SHA-256. Raises DetenteError where it is not held."""
    row = store.one("SELECT data FROM body WHERE sha256 = ?", (digest,))
    if row is None:
        raise DetenteError("this body is not held here", where=digest[:16])
    return bytes(row[0])


def note_acts(
    store: Store, log: Log, first: int, acts: Sequence[tuple[Envelope | None, str]], now: int
) -> None:
    """Index entries for look-ups. A repeated id is a fault: the same act is never delivered twice."""
    rows = []
    fresh: set[str] = set()
    for at, (e, fault) in enumerate(acts, first):
        if e is None:
            rows.append((log.base + at, log.n, "", "", "", "", now, fault))
            continue
        old = store.one("SELECT at FROM act WHERE log = ? AND id = ?", (log.n, e.id))
        if not fault and (old or e.id in fresh):
            fault = REPEATED
        fresh.add(e.id)
        rows.append((log.base + at, log.n, e.id, e.act, e.form, f" {' '.join(e.to)} ", now, fault))
    columns = "at, log, id, act, form, recipients, received, fault"
    store.many(f"INSERT INTO act ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def keep_evidence(store: Store, log: int, evidence: Evidence, now: int) -> None:
    """Keep an evidence file in the store, once."""
    store.run(
        "INSERT INTO evidence (id, log, kind, seen, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (evidence.id, log, evidence.type, now, encode_evidence(evidence)),
    )

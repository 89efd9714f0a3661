"""Key expiry: by whose clock an entry counts as signed while its keys were valid, and who must renew by when."""

# A signer can date an entry back. What it cannot do is make another party's cosignature older: a head that holds the
# entry, cosigned by anybody else, shows that the entry was there at the cosigner's time. See docs/decisions/0067.
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from detente.exchange.checkpoint import Checkpoint, parse_checkpoint
from detente.exchange.cosignature import cosigned_at
from detente.exchange.envelope import Envelope
from detente.exchange.keys import Annex, PublicKeys
from detente.exchange.note import Note, Signature
from detente.exchange.store import Store

if TYPE_CHECKING:
    from detente.exchange.log import Log
    from detente.exchange.node import Node

SKEW = timedelta(days=1)  # by which another party's clock may be wrong
WARN = timedelta(days=90)
YEARS = 3  # NIST SP 800-57 part 1 rev. 5, table 1: one to three years for a private signature key
FREE = frozenset({"message"})  # a crisis message is marked, never refused


class Dated(msgspec.Struct, frozen=True):
    """A head, and the earliest time at which another party cosigned it (POSIX s)."""

    checkpoint: Checkpoint
    note: Note
    at: int


class Lapse(msgspec.Struct, frozen=True):
    """A party's keys and how long they last. `left`: days until they expire, negative after."""

    party: str
    not_after: str
    left: int


def fault(envelope: Envelope, keys: PublicKeys, now: int, recorded: Callable[[], int]) -> str:
    """Why `keys` did not speak for the party when an entry was signed; empty where they did, or need not.

    `recorded`: the earliest time (POSIX s) at which any other party is known to have held the entry; asked only
    where the keys have expired by `now`.
    """
    if envelope.act in FREE:
        return ""
    claimed = keys.outside(envelope.moment)
    if claimed:
        return f"{claimed}; signed {envelope.at} by its own clock"
    limit = keys.expires + SKEW.total_seconds()
    if now < limit or recorded() < limit:
        return ""
    seen = datetime.fromtimestamp(recorded(), UTC)
    return (
        f"the keys of {keys.party} expired on {keys.not_after}; dated {envelope.at}, but no other party held it "
        f"before {seen:%Y-%m-%dT%H:%M:%SZ}"
    )


def lines_of(store: Store, annex: Annex, party: str) -> list[PublicKeys]:
    """Every set of keys that has spoken for a party, as known here: the annex's, then those of its key entries."""
    first = annex.of(party)
    sql = "SELECT r.keys FROM ring r JOIN log l ON l.n = r.log WHERE l.origin = ? ORDER BY r.since"
    return [first, *(msgspec.json.decode(r[0], type=PublicKeys) for r in store.all(sql, (first.origin,)))]


def cosigners(store: Store, annex: Annex, but: str) -> list[PublicKeys]:
    """The keys, past ones too, of every party but the log's own."""
    return [k for p in annex.parties if p != but for k in lines_of(store, annex, p)]


def cosignatures(note: Note, keys: Iterable[PublicKeys]) -> list[tuple[Signature, int]]:
    """The good mirror cosignatures on a head with their times, each by keys that were valid then."""
    return [
        (s, cosigned_at(s))
        for line in keys
        for key in line.verifiers("mirror")
        for s in note.signatures
        if key.check(s, note.text) and not line.outside_at(cosigned_at(s))
    ]


def recorded_at(index: int, dated: Sequence[Dated], now: int) -> int:
    """The earliest time at which another party held entry `index`; `now` where no head tells."""
    return min([now, *(d.at for d in dated if d.checkpoint.size > index)])


def dated_sizes(
    log: Log, keys: Iterable[PublicKeys], now: float, first: int = 0, last: int = 1 << 40
) -> list[int]:
    """For each set of a party's keys that has expired, the largest size in (first, last] cosigned by others in time."""
    limits = {int(k.expires + SKEW.total_seconds()) for k in keys if k.not_after and k.expires < now}
    found = set()
    for limit in limits:
        row = log.store.one(
            "SELECT MAX(size) FROM cosignature WHERE log = ? AND time <= ? AND name <> ? AND size > ? AND size <= ?",
            (log.n, limit, f"{log.origin}/mirror", first, last),
        )
        if row and row[0]:
            found.add(int(row[0]))
    return sorted(found)


def read_heads(texts: Iterable[str], origin: str, keys: Sequence[PublicKeys]) -> list[Dated]:
    """The heads in `texts` that another party has cosigned, by size. Raises DetenteError for another form."""
    found = []
    for text in texts:
        head, note = parse_checkpoint(text, where=origin)
        times = [at for _, at in cosignatures(note, keys)] if head.origin == origin else []
        if times:
            found.append(Dated(head, note, min(times)))
    return sorted(found, key=lambda d: d.checkpoint.size)


def lapses(node: Node, within: timedelta = WARN) -> list[Lapse]:
    """The parties whose keys have expired or will `within`, soonest first."""
    found = []
    for party in node.annex.parties:
        keys = node.keys_now(party)
        if keys.not_after and keys.expires - node.clock() <= within.total_seconds():
            found.append(Lapse(party, keys.not_after, int((keys.expires - node.clock()) // 86400)))
    return sorted(found, key=lambda lapse: lapse.not_after)

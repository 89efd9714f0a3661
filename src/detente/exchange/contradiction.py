"""Evidence that one party committed one exchange to two escrow roots or laws, in one file that convinces anybody."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from hashlib import sha256
from itertools import combinations

import msgspec

from detente.errors import DetenteError
from detente.exchange.body import check_opened
from detente.exchange.commitments import ACT, ROOT_FORM, Root, roots
from detente.exchange.envelope import EVERYONE, Envelope, verify_entry
from detente.exchange.keys import PublicKeys
from detente.exchange.mirror import read_key_change
from detente.exchange.node import Act, Node
from detente.exchange.note import Verifier, decode64
from detente.exchange.proof import check_proof, parse_proof
from detente.exchange.records import split_form
from detente.exchange.worldfile import read_file, write_file

CONTRADICTION = "detente/contradiction/v1"


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One signed root. `body`: base64 of its salted text; `after`: how many key changes came before it."""

    entry: str
    body: str
    after: int
    proof: str


class Contradiction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file. `keys`: the party's line in the annex; `changes`: its key entries since, a chain."""

    type: str
    keys: PublicKeys
    changes: tuple[str, ...]
    statements: tuple[Statement, Statement]
    seen: str = ""
    digest: str = ""


class Found(msgspec.Struct, frozen=True):
    """What a file proves."""

    party: str
    exchange: int
    roots: tuple[Root, Root]
    entries: tuple[str, str]
    log_keys: tuple[str, ...]
    text: str


def gather(node: Node) -> list[bytes]:
    """Keep evidence for every contradiction among the roots held here, once each, and return it."""
    from detente.exchange.records import utc

    made = []
    for one, other in pairs(node):
        identity = sha256(f"{one.leaf} {other.leaf}".encode()).hexdigest()
        row = node.store.one("SELECT data FROM evidence WHERE id = ?", (identity,))
        if row is None:
            data = _file(node, one, other, utc(int(node.clock())))
            check_contradiction(data)  # nobody is accused with a file that would not convince
            with node.store.write():
                sql = "INSERT INTO evidence (id, log, kind, seen, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
                values = (identity, node.log_of(one.party).n, CONTRADICTION, int(node.clock()), data)
                node.store.run(sql, values)
        made.append(data if row is None else bytes(row[0]))
    return made


def pairs(node: Node) -> Iterator[tuple[Act, Act]]:
    """The entries that contradict each other, the earlier first."""
    held: dict[tuple[str, int], list[tuple[Act, Root]]] = {}
    for act, root in roots(node):
        held.setdefault((act.party, root.exchange), []).append((act, root))
    for several in held.values():
        several.sort(key=lambda pair: pair[0].index)
        for (one, a), (other, b) in combinations(several, 2):
            if (a.root, a.treaty) != (b.root, b.treaty):
                yield one, other


def _file(node: Node, one: Act, other: Act, seen: str) -> bytes:
    log = node.log_of(one.party)
    ring = node.store.all("SELECT since FROM ring WHERE log = ? ORDER BY since", (log.n,))
    places = [int(row[0]) for row in ring]  # a change speaks from the entry after it on

    def statement(act: Act) -> Statement:
        opened = node.opened(act)
        assert opened is not None
        after = sum(place <= act.index for place in places)
        body = base64.b64encode(opened.salted).decode()
        return Statement(log.entry(act.index).decode(), body, after, str(log.prove(act.index)))

    made = Contradiction(
        CONTRADICTION,
        node.annex.of(one.party),
        tuple(log.entry(place - 1).decode() for place in places),
        (statement(one), statement(other)),
        seen,
    )
    return write_file(made)


def check_contradiction(data: bytes, *, where: str = "evidence") -> Found:
    """What `data` proves, from its bytes alone. Raises DetenteError where it proves nothing."""
    e = read_file(data, Contradiction, what="an evidence file", where=where)
    if e.type != CONTRADICTION:
        raise DetenteError(f"not such an evidence file: '{e.type[:60]}'", where=where)
    keys = [e.keys.check()]
    for change in e.changes:
        envelope = verify_entry(change.encode(), keys[-1], where=where)
        if envelope.act != "key":
            raise DetenteError("a key change that is none", where=where)
        keys.append(read_key_change(envelope, keys[-1]))
    log_keys = [k for line in keys for k in line.verifiers("log")]
    read = [_statement(s, keys, log_keys, where) for s in e.statements]
    (a, one, first), (b, two, second) = read
    if a.exchange != b.exchange:
        raise DetenteError("two roots of two exchanges: this proves nothing", where=where)
    if (a.root, a.treaty) == (b.root, b.treaty):
        raise DetenteError("the same root under the same law twice: this proves nothing", where=where)
    party, labels = e.keys.party, (f"{e.keys.party}:{first}", f"{e.keys.party}:{second}")
    told = " and ".join(
        f"{r.root[:16]}... under {r.treaty.id} of {r.treaty.day} (entry {label}, {envelope.at} by its clock)"
        for r, envelope, label in zip((a, b), (one, two), labels, strict=True)
    )
    text = (
        f"PROVEN: {party} committed exchange {a.exchange} twice, to different roots or laws: {told}. Both entries bear "
        "both its signatures and two officers', and both stand in heads that its log signed; no other party could "
        "have made them. Compare the keys with the treaty's annex before acting on it."
    )
    return Found(party, a.exchange, (a, b), labels, tuple(e.keys.log), text)


def _statement(
    s: Statement, keys: list[PublicKeys], log_keys: list[Verifier], where: str
) -> tuple[Root, Envelope, int]:
    """The root that a statement commits to, its envelope, and its place in the log."""
    if not 0 <= s.after < len(keys):
        raise DetenteError("a statement after a key change that is not there", where=where)
    entry, own = s.entry.encode(), keys[s.after]
    envelope = verify_entry(entry, own, where=where)
    if (envelope.act, split_form(envelope.form)[1], envelope.to) != (ACT, ROOT_FORM, (EVERYONE,)):
        raise DetenteError("not an escrow root for everybody", where=where)
    if envelope.body is None or envelope.body.sealed:
        raise DetenteError("an escrow root has an open body", where=where)
    root = _root(decode64(s.body, where=where), envelope, where)
    if root.party != own.party:
        raise DetenteError("a root of another party", where=where)
    proof = parse_proof(s.proof, where=where)
    check_proof(proof, entry, log_keys, where=where)
    return root, envelope, proof.index


def _root(salted: bytes, envelope: Envelope, where: str) -> Root:
    assert envelope.body is not None
    plain = check_opened(salted, envelope.body, where=where)
    try:
        return msgspec.json.decode(plain, type=Root)
    except (msgspec.DecodeError, UnicodeDecodeError) as bad:
        raise DetenteError(f"no escrow root: {bad}", where=where) from None

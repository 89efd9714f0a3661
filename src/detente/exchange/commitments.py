"""Escrow roots in the log, one an exchange, and the ceiling proofs over them, checked against the law on receipt."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from detente.disclosure import check
from detente.disclosure.container import COMPACT_VERSION, Escrow, read_compact, read_proof
from detente.disclosure.escrow import Secrets
from detente.disclosure.explain import explain
from detente.disclosure.merkle import tree_head
from detente.disclosure.native import Refused
from detente.disclosure.prove import make_head, prove
from detente.disclosure.statement import Head, LogPoint, Treaty
from detente.errors import DetenteError
from detente.exchange.ceilings import ceilings, law_agrees
from detente.exchange.envelope import EVERYONE
from detente.exchange.mirror import REPEATED
from detente.exchange.node import Act, Node
from detente.exchange.records import law_of, split_form
from detente.treaty.load import Loaded

ACT, ROOT_FORM, PROOF_FORM = "commitment", "escrow_root", "ceiling_proof"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_ROOT = re.compile(r"[0-9a-f]{128}")


class Root(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="detente/escrow-root/v1"
):
    """What a party logs of an escrow: under which law, which exchange, its root and the root of its slots (hex)."""

    treaty: Treaty
    party: str
    exchange: int
    root: str
    slots: int
    slots_root: str


class Proof(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="detente/ceiling-proof/v1"
):
    """A ceiling proof as a body. `proof`: the file of `detente prove`."""

    proof: bytes


class Commitment(msgspec.Struct, frozen=True):
    """One logged root as this node sees it. `finding`: what our own log records of the proof."""

    root: Root
    act: str
    proof: str
    finding: str
    contradicted_by: tuple[str, ...]


def slots_root(escrow: Escrow) -> str:
    """The head of the hash tree over an escrow's slots, without its head (hex)."""
    return tree_head([s.leaf for s in escrow.slots]).hex()


def describe(escrow: Escrow, treaty: Treaty) -> Root:
    """The statement that binds `escrow`."""
    head = escrow.head
    return Root(treaty, head.party, head.exchange, escrow.root.hex(), len(escrow.slots), slots_root(escrow))


def log_root(node: Node, escrow: Escrow, treaty: str, officers: tuple[str, str], *, day: str = "") -> Act:
    """Log the root of an escrow, once an exchange, for everybody. Repeated, it is the same act.

    `day`: of the law, today if left out. Raises DetenteError for another party's escrow, a treaty none of whose
    limits binds that day, and for a second root or law for one exchange number.
    """
    head = escrow.head
    if head.party != node.party:
        raise DetenteError(f"an escrow of {head.party}", where=node.party, fix="log your own party's escrow")
    text, today = _text(node, treaty), str(node.moment.date())
    earlier = [pair for pair in roots(node, node.party) if pair[1].exchange == head.exchange]
    day = day or (earlier[0][1].treaty.day if earlier else today)
    law = ceilings(text, head.party, day, head.classes)
    if not earlier and set(law.limits) != set(ceilings(text, head.party, today, head.classes).limits):
        raise DetenteError(
            f"the limits of {day} are not those of today", where=treaty, fix="leave out the day"
        )
    mine = describe(escrow, law.treaty)
    # the id is the exchange's, so that two officers at two desks cannot log two roots
    identity = hashlib.sha256(f"escrow root {node.party} {head.exchange}".encode()).hexdigest()[:32]
    act = earlier[0][0] if earlier else node.publish(
        ACT, f"{law.treaty.id}/{ROOT_FORM}", [EVERYONE], msgspec.to_builtins(mine),
        officers=officers, identity=identity,
    )  # fmt: skip
    if read_root(node, act) != mine:
        raise DetenteError(
            f"exchange {head.exchange} is committed to another root or law", where=act.label,
            fix="a root is never replaced: commit a new exchange",
        )  # fmt: skip
    return act


def prove_logged(node: Node, escrow: Escrow, secrets: Secrets) -> bytes:
    """The proof that a logged escrow keeps its treaty's limits, bound to this log as it stands.

    Raises DetenteError where the escrow's root is not logged, or it does not keep a limit.
    """
    act, root = _logged(node, node.party, escrow.head.exchange)
    if root.root != escrow.root.hex():
        raise DetenteError("this is not the escrow whose root is logged", where=act.label)
    law = ceilings(_text(node, root.treaty.id), node.party, root.treaty.day, escrow.head.classes)
    point = LogPoint(node.log.origin, node.log.size)
    return prove(
        make_head(escrow, law.treaty, point, law.limits, law.left_out), escrow.slots, secrets.openings
    )


def log_proof(node: Node, data: bytes, officers: tuple[str, str]) -> Act:
    """Deliver a proof in the log, to everybody, after the check that every receiver makes.

    Raises DetenteError (Refused) where it would not hold there.
    """
    head, _ = _read(data)
    act, _ = _logged(node, node.party, head.exchange)
    examine(node, act, data, node.log.size)
    identity = hashlib.sha256(f"ceiling proof {act.leaf} ".encode() + data).hexdigest()[:32]
    body = {"type": "detente/ceiling-proof/v1", "proof": base64.b64encode(data).decode()}
    form = f"{head.treaty.id}/{PROOF_FORM}"
    return node.publish(ACT, form, [EVERYONE], body, officers=officers, refs=(act.ref,), identity=identity)


def examine(node: Node, root_act: Act, data: bytes, size: int) -> tuple[Head, str]:
    """The statement of a proof over a logged root, and how it stands to the law's text held here.

    `size`: the most entries that the log can have had when it was made. Raises Refused where the proof does not
    hold, is of another root, log or law, or the root is contradicted; DetenteError where the text is not held here.
    """
    fault = _root_fault(node, root_act)
    if fault:
        raise Refused(fault)
    root = read_root(node, root_act)
    head = check.verify(data)
    context = check.Expected(
        root.treaty.id, root.treaty.digest, root.treaty.day, root.party, root.exchange, root.root,
        node.log_of(root_act.party).origin,
    )  # fmt: skip
    check.check_context(head, context)
    if describe(_read(data)[1], root.treaty) != root:
        raise Refused("the slots of the proof are not those of the logged root")
    if not root_act.index < head.log.size <= size:
        raise Refused(
            f"the proof names the log at size {head.log.size}, where it did not hold the root, or had not yet that size"
        )
    text = _text(node, root.treaty.id)
    agreed = law_agrees(head, text)
    given = str(root_act.envelope.moment.date())
    if set(ceilings(text, head.party, given, head.escrow.classes).limits) != set(head.limits):
        raise Refused(f"the limits of {head.treaty.day} are not those of {given}, when the root was logged")
    return head, agreed


def commitment_fault(node: Node, act: Act) -> str:
    """What is wrong with a root or a proof; empty where nothing is. A proof once acknowledged keeps its finding."""
    word = split_form(act.envelope.form)[1]
    if word == ROOT_FORM:
        return _root_fault(node, act)
    if word != PROOF_FORM:
        return f"no commitment is called '{word[:40]}'"
    if act.envelope.to != (EVERYONE,):
        return "a proof is for everybody"
    held = _root_of(node, act)
    if held is None:
        return "the proof names no logged root"
    recorded = finding(node, act)
    if recorded is not None and not _root_fault(node, held):
        return recorded
    proof = msgspec.convert(_body(node, act), Proof).proof
    examine(node, held, proof, act.index)
    if split_form(act.envelope.form)[0] != _read(proof)[0].treaty.id:
        return "the proof is filed under another treaty"
    return ""


def finding(node: Node, act: Act) -> str | None:
    """The fault that our own acknowledgment of an act records; empty for none; None where we gave none."""
    for ack in node.acts(act="ack", party=node.party, to=act.party):
        if any(r.leaf == act.leaf for r in ack.envelope.refs):
            return str(node.body(ack)["fault"])
    return None


def unchecked(node: Node) -> list[Act]:
    """The roots and proofs of others that this node has not yet examined and acknowledged."""
    return [a for a in node.acts(act=ACT) if a.party != node.party and finding(node, a) is None]


def roots(node: Node, party: str = "") -> Iterator[tuple[Act, Root]]:
    """Every root that a party (or any) has logged and that can be read, also one under a repeated id."""
    for faults in (False, True):
        for act in node.acts(act=ACT, form=f"%/{ROOT_FORM}", party=party, faults=faults):
            if act.fault in ("", REPEATED):
                try:
                    yield act, read_root(node, act)
                except DetenteError:
                    continue


def commitments(node: Node) -> list[Commitment]:
    """Every logged root with the proof over it and what we found, and the roots that contradict it."""
    proofs = [(a, _root_of(node, a)) for a in node.acts(act=ACT, form=f"%/{PROOF_FORM}")]
    rows = []
    for act, root in roots(node):
        over = [a for a, of in proofs if of is not None and of.leaf == act.leaf]
        rows.append(
            Commitment(
                root, act.label, " ".join(a.label for a in over),
                "; ".join(_told(node, a) for a in over) or "no proof", contradictions(node, act, root),
            )
        )  # fmt: skip
    return sorted(rows, key=lambda c: (c.root.party, c.root.exchange, c.act))


def proof_lines(node: Node, act: Act) -> list[str]:
    """What a logged proof states, in sentences, and what this node found. Raises DetenteError for no proof."""
    head, _ = _read(msgspec.convert(_body(node, act), Proof).proof)
    return [*explain(head), f"  {_told(node, act)}"]


def contradictions(node: Node, act: Act, root: Root) -> tuple[str, ...]:
    """The same party's entries that commit the same exchange number to another root or another law."""
    return tuple(
        other.label for other, its in roots(node, act.party)
        if its.exchange == root.exchange and (its.root, its.treaty) != (root.root, root.treaty)
    )  # fmt: skip


def read_root(node: Node, act: Act) -> Root:
    """The root in an act's body. Raises DetenteError where there is none, or it is malformed."""
    root = _body(node, act)
    try:
        found = msgspec.convert(root, Root)
    except msgspec.ValidationError as bad:
        raise DetenteError(f"no escrow root: {bad}", where=act.label) from None
    good = _ROOT.fullmatch(found.root) and _ROOT.fullmatch(found.slots_root) and found.exchange >= 0
    if not good or found.slots < 1 or found.party != act.party:
        raise DetenteError("a malformed escrow root, or another party's", where=act.label)
    return found


def _root_fault(node: Node, act: Act) -> str:
    root = read_root(node, act)
    if act.envelope.to != (EVERYONE,):
        return "an escrow root is for everybody"
    if act.envelope.form != f"{root.treaty.id}/{ROOT_FORM}":
        return "the root is filed under another treaty"
    others = contradictions(node, act, root)
    if others:
        return f"CONTRADICTION: {root.party} commits exchange {root.exchange} to another root in {', '.join(others)}"
    if _text(node, root.treaty.id).digest != root.treaty.digest:
        return f"the root is under another text than the {root.treaty.id} held here"
    return ""


def _told(node: Node, act: Act) -> str:
    if act.party == node.party:
        return "ours, checked before it was sent"
    found = finding(node, act)
    return "not checked yet" if found is None else found or "PROVED"


def _root_of(node: Node, proof: Act) -> Act | None:
    """The logged root that a proof's entry refers to."""
    leaves = {r.leaf for r in proof.envelope.refs}
    return next((act for act, _ in roots(node, proof.party) if act.leaf in leaves), None)


def _logged(node: Node, party: str, exchange: int) -> tuple[Act, Root]:
    for act, root in roots(node, party):
        if root.exchange == exchange:
            return act, root
    raise DetenteError(
        f"no root of {party} is logged for exchange {exchange}",
        fix="detente node escrow log ESCROW --treaty ID",
    )


def _body(node: Node, act: Act) -> Any:
    if act.envelope.body is None or act.envelope.body.sealed:
        raise DetenteError("a commitment has an open body", where=act.label)
    return node.body(act)


def _read(data: bytes) -> tuple[Head, Escrow]:
    """The statement of a proof file and the slots it is about, unverified."""
    if data.startswith(COMPACT_VERSION.encode()):
        return read_compact(data)[:2]
    found = read_proof(data)
    return found.head, found.escrow


def _text(node: Node, treaty: str) -> Loaded:
    """The text held here. A name that others send is never a path."""
    if not _NAME.fullmatch(treaty):
        raise DetenteError(f"'{treaty[:40]}' is no treaty's id")
    return law_of(node, treaty).loaded

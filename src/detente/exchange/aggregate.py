"""Aggregates for the world: one signed file that anybody can check, with nothing else at hand."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec

from detente.errors import DetenteError
from detente.exchange.body import check_opened
from detente.exchange.envelope import EVERYONE, verify_entry
from detente.exchange.keys import PublicKeys
from detente.exchange.node import Act, Node
from detente.exchange.note import parse_note
from detente.exchange.proof import check_proof, parse_proof
from detente.exchange.records import policy_text
from detente.exchange.worldfile import read_file, write_file

AGGREGATE = "detente/aggregate/v1"


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: entry, body and proof of logging, with the keys and the policy they are checked by."""

    type: str
    party: str
    keys: PublicKeys
    policy: str
    entry: str
    body: str
    proof: str
    digest: str = ""


class Shown(msgspec.Struct, frozen=True):
    """What a published file proves."""

    party: str
    at: str
    body: Any
    log_keys: tuple[str, ...]
    witnesses: tuple[str, ...]
    quorum: bool
    text: str


def publish(node: Node, instrument: str, values: dict[str, Any], officers: tuple[str, str]) -> Act:
    """Log aggregate numbers for everybody to read: own numbers, or both sides' where the treaty allows."""
    return node.publish("aggregate", f"{instrument}/aggregate", [EVERYONE], values, officers=officers)


def export(node: Node, act: Act) -> bytes:
    """The file for the world. Raises DetenteError for an act that is not addressed to everybody."""
    if act.envelope.to != (EVERYONE,) or act.envelope.body is None or act.envelope.body.sealed:
        raise DetenteError("not addressed to everybody", where=act.label)
    opened = node.opened(act)
    assert opened is not None
    log = node.log_of(act.party)
    published = Published(
        AGGREGATE,
        act.party,
        node.keys_at(act.party, act.index),
        policy_text(node.annex, act.party, node.store),
        log.entry(act.index).decode(),
        base64.b64encode(opened.salted).decode(),
        str(log.prove(act.index)),
    )
    return write_file(published)


def check_published(data: bytes, *, where: str = "aggregate") -> Shown:
    """What `data` proves, from its bytes alone. Raises DetenteError where it proves nothing."""
    from detente.exchange.policy import parse_policy

    p = read_file(data, Published, what="a published aggregate", where=where)
    if p.type != AGGREGATE or p.keys.check().party != p.party:
        raise DetenteError("not a published aggregate", where=where)
    entry = p.entry.encode()
    envelope = verify_entry(entry, p.keys, where=where)
    if envelope.to != (EVERYONE,) or envelope.body is None:
        raise DetenteError("not addressed to everybody", where=where)
    try:
        salted = base64.b64decode(p.body, validate=True)
        plain = check_opened(salted, envelope.body, where=where)
        values = msgspec.json.decode(plain)
    except (ValueError, msgspec.DecodeError):
        raise DetenteError("a broken body", where=where) from None
    proof = parse_proof(p.proof, where=where)
    policy = parse_policy(p.policy, where=where)
    log_keys = tuple(
        dict.fromkeys((*p.keys.verifiers("log"), *policy.logs))
    )  # the head may be of a later key
    _, note = check_proof(proof, entry, log_keys, where=where)
    signed = tuple(sorted(policy.signed_by(parse_note(str(note)))))
    quorum = policy.met(note)
    text = (
        f"PROVEN: {p.party} published these numbers at {envelope.at} (its clock), signed with both its keys; "
        f"{'every' if quorum else 'not every'} other party's cosignature is on the log that holds them. "
        "Compare the keys with the treaty's annex."
    )
    return Shown(p.party, envelope.at, values, tuple(map(str, log_keys)), signed, quorum, text)


def explain_published(path: Path) -> Shown:
    """What a published file proves, on a machine that has nothing else. Raises DetenteError otherwise."""
    try:
        data = path.read_bytes()
    except OSError:
        raise DetenteError("cannot be read", where=str(path), fix="check the path") from None
    return check_published(data, where=path.name)

"""Files that a node gives to the world, told apart by their type: evidence, published numbers, log proofs."""

from __future__ import annotations

from pathlib import Path

import msgspec

from detente.errors import DetenteError
from detente.exchange.aggregate import AGGREGATE, check_published
from detente.exchange.contradiction import CONTRADICTION, check_contradiction
from detente.exchange.evidence import EVIDENCE_TYPE, check_evidence
from detente.exchange.policy import parse_policy
from detente.exchange.proof import HEADER, check_proof, parse_proof


class _Typed(msgspec.Struct):
    type: str = ""


def explain_record(path: Path) -> list[str] | None:
    """What a record file proves, in sentences; None where it is not a record file.

    A ``.tlog-proof`` is checked with the ``.entry`` and ``.policy`` of the same name beside it. Raises
    DetenteError where a record file proves nothing.
    """
    try:
        with path.open("rb") as file:
            data = file.read(4 << 20)
    except OSError:
        return None
    if data.startswith(HEADER.encode()):
        return _proof(path, data)
    try:
        kind = msgspec.json.decode(data, type=_Typed).type if data.startswith(b"{") else ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if kind == EVIDENCE_TYPE:
        found = check_evidence(data, where=path.name)
        return [found.text, *(f"  signed with {k}" for k in found.keys)]
    if kind == CONTRADICTION:
        twice = check_contradiction(data, where=path.name)
        return [twice.text, *(f"  log key {k}" for k in twice.log_keys)]
    if kind == AGGREGATE:
        shown = check_published(data, where=path.name)
        numbers = msgspec.json.encode(shown.body, order="deterministic").decode()
        return [shown.text, f"  {numbers}", *(f"  log key {k}" for k in shown.log_keys)]
    return None


def _proof(path: Path, data: bytes) -> list[str]:
    entry, policy = path.with_suffix(".entry"), path.with_suffix(".policy")
    for beside in (entry, policy):
        if not beside.exists():
            raise DetenteError(
                f"{beside.name} is not beside it", where=path.name, fix="keep the three files together"
            )
    trust = parse_policy(policy.read_bytes(), where=policy.name)
    proof = parse_proof(data, where=path.name)
    head, note = check_proof(proof, entry.read_bytes(), trust.logs, where=path.name)
    if not trust.met(note):
        raise DetenteError("the policy's quorum of witnesses has not cosigned", where=path.name)
    names = ", ".join(sorted(trust.signed_by(note)))
    return [
        f"PROVEN: this is entry {proof.index} of {head.origin}, cosigned by {names}.",
        f"  Compare the keys in {policy.name} with the treaty's annex.",
    ]

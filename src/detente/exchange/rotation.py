"""Key changes: new keys beside the old, then the old ones retired; the log tells everybody."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import msgspec

from detente.asof import parse_moment
from detente.errors import DetenteError
from detente.exchange.certificates import new_certificate
from detente.exchange.envelope import stamp
from detente.exchange.expiry import YEARS
from detente.exchange.keys import ROLES, SecretKeys, new_seal
from detente.exchange.node import Act, Node
from detente.exchange.records import first_cosigned


def validity(moment: datetime, days: int) -> tuple[str, str]:
    """(not before, not after) of keys made at a moment, good for `days`. Raises DetenteError for no days."""
    if not 1 <= days <= 36_500:
        raise DetenteError(f"keys for {days} days", fix=f"1095 days are {YEARS} years")
    return stamp(moment), stamp(moment + timedelta(days=days))


def rotate(node: Node, officers: tuple[str, ...], days: int = 0) -> Act:
    """New keys for every role, good for `days` (0: without end). Checkpoints bear both signatures until `retire`.

    Raises DetenteError while an earlier rotation is unfinished.
    """
    if len(node.keys.seeds["log"]) > 1:
        raise DetenteError("a rotation is under way", fix="finish it: detente node key retire")
    seeds = {r: [*node.keys.seeds[r], secrets.token_bytes(32)] for r in ROLES}
    begin, end = validity(node.moment, days) if days else ("", "")
    fresh = msgspec.structs.replace(
        node.keys, seeds=seeds, seal=[*node.keys.seal, new_seal()], not_before=begin, not_after=end
    )
    return node.change_keys(fresh, "key/rotate", officers)


def retire(node: Node, officers: tuple[str, ...]) -> Act:
    """Drop the old log key, once every other party has mirrored its successor.

    Old decryption keys are kept: older bodies open with them. Raises DetenteError where a party has not
    seen the rotation, or none is under way.
    """
    if len(node.keys.seeds["log"]) < 2:
        raise DetenteError("no rotation is under way", fix="start one: detente node key rotate")
    last = max(a.index for a in node.acts(act="key", party=node.party))
    missing = sorted(set(node.annex.parties) - {node.party, *first_cosigned(node, node.party, last)})
    if missing:
        raise DetenteError(f"{', '.join(missing)} has not yet seen the new keys", fix="sync first")
    seeds = {r: node.keys.seeds[r][-1:] for r in ROLES}
    fresh: SecretKeys = msgspec.structs.replace(node.keys, seeds=seeds)
    return node.change_keys(fresh, "key/retire", officers)


def renew_certificate(node: Node, officers: tuple[str, ...], overlap: float) -> Act:
    """Log the pin of the next TLS certificate; for `overlap` days the one before is good too.

    Which of the two is shown, `Node.certificate` decides. Raises DetenteError while an earlier overlap runs.
    """
    if not 0 < overlap <= 366:
        raise DetenteError(f"an overlap of {overlap} days", fix="more than 0, at most 366")
    if node.keys.tls_old_until and parse_moment(node.keys.tls_old_until) > node.moment:
        raise DetenteError("the last certificate's overlap still runs", where=node.keys.tls_old_until)
    key, cert = new_certificate()
    fresh = msgspec.structs.replace(
        node.keys, tls_key=key, tls_cert=cert, tls_old=(node.keys.tls_key, node.keys.tls_cert),
        tls_old_until=stamp(node.moment + timedelta(days=overlap)),
    )  # fmt: skip
    return node.change_keys(fresh, "key/certificate", officers)

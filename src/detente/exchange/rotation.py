"""Key changes: new keys beside the old, then the old ones retired; the log tells everybody."""

from __future__ import annotations

import secrets

import msgspec

from detente.errors import DetenteError
from detente.exchange.keys import ROLES, SecretKeys, new_seal
from detente.exchange.node import Act, Node
from detente.exchange.records import first_cosigned


def rotate(node: Node, officers: tuple[str, ...]) -> Act:
    """New keys for every role. Checkpoints bear old and new signatures until `retire`.

    Raises DetenteError while an earlier rotation is unfinished.
    """
    if len(node.keys.seeds["log"]) > 1:
        raise DetenteError("a rotation is under way", fix="finish it: detente node key retire")
    seeds = {r: [*node.keys.seeds[r], secrets.token_bytes(32)] for r in ROLES}
    fresh = msgspec.structs.replace(node.keys, seeds=seeds, seal=[*node.keys.seal, new_seal()])
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

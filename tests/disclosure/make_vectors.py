"""Writes the test vectors of docs/disclosure-spec.md: everything follows from the seeds named in the file.

PYTHONPATH=src python tests/disclosure/make_vectors.py > docs/vectors/disclosure.json
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from detente.disclosure import balance, container, prove, vrf_r255
from detente.disclosure.container import challenge
from detente.disclosure.escrow import Entry, commit, field_nonce, item_key, serial_input, site_key
from detente.disclosure.group import GENERATOR_SENTENCE, encode, group
from detente.disclosure.hashing import tagged
from detente.disclosure.merkle import tree_head
from detente.disclosure.opening import Opener
from detente.disclosure.statement import ItemClass, Limit, LogPoint, Quantity, Treaty, bits_of, weights

DERIVATION = (
    "Made by tests/disclosure/make_vectors.py. Every random input is SHA3-512 of the text named beside it: 'entropy' "
    "stands for the 64 fresh bytes of a step, the slot key is that digest reduced modulo the group order. With the "
    "same inputs every byte below is determined by docs/disclosure-spec.md; verifiers need only 'proof.file'."
)


def seed(name: str) -> bytes:
    return hashlib.sha3_512(name.encode()).digest()


def classes() -> tuple[ItemClass, ...]:
    return (
        ItemClass(
            "missile",
            ("serial", "site"),
            (
                Quantity("deployed", 1, -1, "icbm", {"deployed": True}),
                Quantity("warheads", 10, 0, "deployed_missile_warhead", {}),
            ),
        ),
    )


def limits() -> tuple[Limit, ...]:
    return (
        Limit("limits/a", "Art. 1(a)", "at most 2 deployed", "missiles", "<=", 2, 1, ((0, 1),)),
        Limit(
            "limits/b",
            "Art. 1(b)",
            "at most 9.5 warheads, written in halves",
            "warheads",
            "<=",
            19,
            2,
            ((1, 2),),
        ),
        Limit("limits/c", "Art. 2", "exactly 2 deployed", "missiles", "=", 2, 1, ((0, 1),)),
    )


def build() -> dict[str, Any]:
    g, key = group(), group().scalar(seed("slot key"))
    items = [
        Entry("missile", {"serial": "A-1", "site": "north"}, {"deployed": 1, "warheads": 6}),
        Entry("missile", {"serial": "A-2", "site": "north"}, {"deployed": 1, "warheads": 3}),
        Entry("missile", {"serial": "A-3", "site": "south"}, {}),
    ]
    public, secrets = commit("RU", 1, classes(), items, vrf_secret=key, entropy=seed("escrow 1"))
    head = prove.make_head(
        public, Treaty("example", "sha256:00", "2026-02-01"), LogPoint("log.example/ru", 9), limits()
    )
    data = prove.prove(head, public.slots, secrets.openings, entropy=seed("proof 1"))
    items[2] = Entry("missile", {"serial": "A-3", "site": "south"}, {"deployed": 1, "warheads": 1})
    later, later_secrets = commit("RU", 2, classes(), items, vrf_secret=key, entropy=seed("escrow 2"))
    changes = [balance.Change("N-1", "missile/deployed", 1), balance.Change("N-2", "missile/warheads", 1)]
    books = balance.prove(public, secrets, later, later_secrets, changes, entropy=seed("balance"))
    return {
        "derivation": DERIVATION,
        "generators": {"H": g.base(encode(1)).hex(), "G": g.G.hex(), "sentence": GENERATOR_SENTENCE.decode()},
        "hashing": {"tagged('x', '', 'abc')": tagged("x", b"", b"abc").hex()},
        "weights": {str(top): list(weights(top)) for top in (0, 1, 2, 3, 10, 15, 700, 1550)},
        "bits": {
            f"{v} in 0..{t}": list(bits_of(v, t))
            for v, t in ((0, 10), (7, 10), (8, 10), (10, 10), (1549, 1550))
        },
        "escrow": _escrow(public, secrets, key),
        "proof": _proof(data),
        "refused": _refused(data),
        "balance": {"seed": "balance", "second escrow": later.encode().hex(), "file": books.decode()},
        "opening": json.loads(Opener(public, secrets).field(0, "warheads").encode()),
    }


def _escrow(public: container.Escrow, secrets: Any, key: bytes) -> dict[str, Any]:
    master = bytes.fromhex(secrets.master)
    alpha = serial_input("RU", "A-1")
    slot = next(n for n, s in enumerate(secrets.slots) if s.texts[0] == "A-1")
    own = item_key(site_key(master, "north"), public.slots[slot].key)
    return {
        "seed": "escrow 1",
        "slot key seed": "slot key",
        "slot key": key.hex(),
        "alpha of A-1": alpha.hex(),
        "proof of A-1's slot": vrf_r255.prove(key, alpha).hex(),
        "beta of A-1": vrf_r255.output(key, alpha).hex(),
        "master": secrets.master,
        "site key of north": site_key(master, "north").hex(),
        "item key of A-1": own.hex(),
        "nonce of A-1's warheads": field_nonce(own, "warheads").hex(),
        "blindings": [list(s.blindings) for s in secrets.slots],
        "leaves": [s.leaf.hex() for s in public.slots],
        "tree head": tree_head([s.leaf for s in public.slots]).hex(),
        "root": public.root.hex(),
        "file": public.encode().hex(),
    }


def _proof(data: bytes) -> dict[str, Any]:
    proof = container.read_proof(data)
    return {
        "seed": "proof 1",
        "head": data[33 : 33 + int.from_bytes(data[29:33], "big")].decode(),
        "first messages": proof.firsts.hex(),
        "challenge": challenge(proof.prefix).hex(),
        "responses": proof.responses.hex(),
        "file": data.hex(),
    }


def _refused(data: bytes) -> list[dict[str, Any]]:
    """Edits of 'proof.file' (at an offset, these bytes put in place of as many) that every verifier must refuse."""
    proof = container.read_proof(data)
    first, response = len(proof.prefix) - len(proof.firsts), len(proof.prefix)
    z = (
        int.from_bytes(data[response + 16 : response + 48], "little")
        + (1 << 252)
        + 27742317777372353535851937790883648493
    )
    bound = data.index(b'"bound":19') + 8
    edits = [
        ("a bound one higher", bound, b"20"),
        ("another party in the head", data.index(b'"party":"RU","root"') + 9, b"US"),
        ("the lowest bit of the first first message", first, bytes([data[first] ^ 1])),
        ("a first message that is the identity", first, bytes(32)),
        ("a first message that is no canonical field element", first, b"\xff" * 32),
        ("the challenge of branch 0 of the first bit", response, bytes([data[response] ^ 1])),
        ("the same response, not reduced", response + 16, z.to_bytes(32, "little")),
        ("the last byte", len(data) - 1, bytes([data[-1] ^ 16])),
    ]
    return [{"what": what, "offset": at, "bytes": put.hex()} for what, at, put in edits]


if __name__ == "__main__":
    json.dump(build(), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")

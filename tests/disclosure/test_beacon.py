"""The beacon against a real drand round, and the lock against that round's real signature."""

from __future__ import annotations

import pytest

from detente.disclosure import beacon
from detente.errors import DetenteError

pytest.importorskip("py_arkworks_bls12381", reason="detente[node] is not installed")

# drand quicknet, round 1000, published by the League of Entropy (api.drand.sh/.../public/1000)
SIGNATURE = bytes.fromhex(
    "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
)
RANDOMNESS = "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd"
NEXT_SIGNATURE = bytes.fromhex(
    "b33bf3667cbd5a82de3a24b4e0e9fe5513cc1a0e840368c6e31f5fcfa79bea03f73896b25883abf2853d10337fb8fa41"
)
ROUND = beacon.quicknet(1000)


def test_a_real_round() -> None:
    found = beacon.randomness(ROUND, SIGNATURE)
    assert found is not None
    assert found.hex() == RANDOMNESS
    assert beacon.randomness(beacon.quicknet(1001), NEXT_SIGNATURE) is not None
    assert ROUND.at == 1692803367 + 999 * 3


def test_another_rounds_signature_is_refused() -> None:
    assert beacon.randomness(ROUND, NEXT_SIGNATURE) is None
    assert beacon.randomness(beacon.quicknet(1001), SIGNATURE) is None


def test_every_changed_byte_is_refused() -> None:
    for i in range(48):
        changed = bytearray(SIGNATURE)
        changed[i] ^= 1
        assert beacon.randomness(ROUND, bytes(changed)) is None
    assert beacon.randomness(ROUND, SIGNATURE[:-1]) is None
    assert beacon.randomness(ROUND, SIGNATURE + b"\x00") is None
    assert beacon.randomness(ROUND, bytes([0xC0]) + bytes(47)) is None  # the identity signs nothing


def test_what_is_locked_opens_with_the_round_and_not_before() -> None:
    content = bytes(range(80))
    locked = beacon.lock(ROUND, content)
    assert content not in locked
    assert beacon.unlock(SIGNATURE, locked) == content
    assert beacon.unlock(NEXT_SIGNATURE, locked) != content
    assert beacon.lock(ROUND, content) != locked  # fresh randomness each time


def test_malformed_locks_open_to_nothing() -> None:
    locked = beacon.lock(ROUND, b"x")
    for wrong in (b"", locked[:95], b"\xff" * 97, bytes([0xC0]) + bytes(95) + b"x"):
        assert beacon.unlock(SIGNATURE, wrong) is None


def test_a_chain_key_outside_the_group_is_refused() -> None:
    for key in ("00" * 96, "c0" + "00" * 95, "zz" * 96):
        chain = beacon.Beacon("bad", key, 0, 3, 1)
        with pytest.raises(DetenteError):
            beacon.randomness(chain, SIGNATURE)

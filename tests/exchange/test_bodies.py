"""Bodies and envelopes: who can read, what is detected, and that no X25519-only or unsigned form gets through."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.canonical import canonical_json
from detente.errors import DetenteError
from detente.exchange import body as bodies
from detente.exchange.body import (
    Sealed,
    describe,
    matches,
    open_body,
    padded_length,
    recipients_of,
    seal_body,
)
from detente.exchange.envelope import ENTRY_TYPE, Envelope, parse_entry, seal_entry, verify_entry
from detente.exchange.keys import Annex, SecretKeys, new_seal
from detente.exchange.note import Note, parse_note, sign_note

World = tuple[dict[str, SecretKeys], Annex]


def envelope(**changes: object) -> Envelope:
    values: dict[str, object] = {
        "type": ENTRY_TYPE,
        "id": "0" * 32,
        "act": "message",
        "form": "x",
        "version": 1,
        "party": "CN",
        "to": ("RU",),
        "at": "2026-11-23T12:00:00Z",
    }
    return Envelope(**{**values, **changes})  # type: ignore[arg-type]


def test_each_recipient_reads_the_same_and_nobody_else(world: World) -> None:
    keys, annex = world
    stored, digests = seal_body(b"plain", {p: annex.of(p) for p in ("CN", "RU")})
    assert recipients_of(stored) == ("CN", "RU") and matches(stored, digests)
    one, two = (open_body(stored, digests, keys[p]) for p in ("CN", "RU"))
    assert one.plain == two.plain == b"plain" and one.salted == two.salted
    with pytest.raises(DetenteError, match="not encrypted to US; to: CN, RU"):
        open_body(stored, digests, keys["US"])
    other = msgspec.structs.replace(keys["RU"], seal=[new_seal()])
    with pytest.raises(DetenteError, match="no key of RU opens it"):
        open_body(stored, digests, other)
    rotated = msgspec.structs.replace(keys["RU"], seal=[*keys["RU"].seal, new_seal()])
    assert open_body(stored, digests, rotated).plain == b"plain"


def test_the_key_exchange_is_hybrid_and_post_quantum(world: World) -> None:
    _, annex = world
    stored, _ = seal_body(b"x", {"RU": annex.of("RU")})
    wrapped = msgspec.msgpack.decode(stored, type=Sealed).keys["RU"]
    # RFC 9180 enc of ML-KEM-1024 (1568) with a P-384 point (97), the 32-byte key and its tag
    assert len(wrapped) == 1568 + 97 + 32 + 16
    assert "MLKEM1024_P384" in str(bodies._suite.__code__.co_names)


def test_a_sender_that_shows_two_recipients_two_texts_is_caught(world: World) -> None:
    """AES-GCM does not commit to its key; the envelope's digest does."""
    keys, annex = world
    stored, digests = seal_body(b"one", {"RU": annex.of("RU")})
    swapped, _ = seal_body(b"two", {"RU": annex.of("RU")})
    salted = open_body(stored, digests, keys["RU"]).salted
    lie = describe(swapped, salted, sealed=True)
    with pytest.raises(DetenteError, match="other bytes than its sender signed"):
        open_body(swapped, lie, keys["RU"])


def test_every_changed_byte_of_a_body_is_refused(world: World) -> None:
    keys, annex = world
    stored, digests = seal_body(b"plain", {"RU": annex.of("RU")})
    for at in range(0, len(stored), 97):
        bent = stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :]
        assert not matches(bent, digests)
        fitted = msgspec.structs.replace(digests, **_digests(bent))
        with pytest.raises(DetenteError):
            open_body(bent, fitted, keys["RU"])


def _digests(stored: bytes) -> dict[str, object]:
    made = describe(stored, b"", sealed=True)
    return {"bytes": made.bytes, "sha256": made.sha256, "sha3_512": made.sha3_512}


def test_sizes_are_hidden_in_steps_and_limited() -> None:
    assert [padded_length(n) for n in (0, 1024, 1025, 65536, 65537, 200000)] == [
        1024, 1024, 2048, 65536, 131072, 262144,
    ]  # fmt: skip
    assert len({len(seal_body(bytes(n), {})[0]) for n in (0, 1, 500, 900)}) == 1
    with pytest.raises(DetenteError, match="16777217 bytes"):
        seal_body(bytes((16 << 20) + 1), {})


def test_an_entry_carries_both_signatures_and_fits(world: World) -> None:
    keys, annex = world
    data = seal_entry(envelope(), keys["CN"])
    assert verify_entry(data, annex.of("CN")) == envelope()
    _, note = parse_entry(data)
    assert sorted(len(s.raw) for s in note.signatures) == [64, 4627]
    for left_out in range(2):
        half = Note(note.text, note.signatures[:left_out] + note.signatures[left_out + 1 :])
        with pytest.raises(DetenteError, match="not both there"):
            verify_entry(str(half).encode(), annex.of("CN"))
    with pytest.raises(DetenteError, match="put the content in the body"):
        seal_entry(envelope(text="x" * 70_000), keys["CN"])


def test_envelopes_out_of_order_are_refused(world: World) -> None:
    keys, _ = world
    for wrong in (
        {"type": "detente/entry/v2"},
        {"act": "war"},
        {"id": "x" * 32},
        {"version": 0},
        {"to": ()},
        {"to": ("US", "RU")},
        {"to": ("*", "RU")},
        {"to": ("RU", "RU")},
        {"at": "yesterday"},
        {"at": "2026-02-30T00:00:00Z"},
        {"event": "2026-11-23"},
    ):
        with pytest.raises(DetenteError):
            seal_entry(envelope(**wrong), keys["CN"])
    good = msgspec.to_builtins(envelope())
    for text in (
        canonical_json({**good, "extra": 1}).decode(),
        " " + canonical_json(good).decode(),
        canonical_json(dict(good)).decode().replace('"act"', '"\\u0061ct"'),
        canonical_json({k: v for k, v in good.items() if k != "party"}).decode(),
        "[]",
        "[" * 5000,
    ):
        note = sign_note(text + "\n", keys["CN"].signers("entry"))
        with pytest.raises(DetenteError):
            parse_entry(str(note).encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_no_reader_of_bodies_or_entries_fails_in_another_way(data: bytes) -> None:
    for parse in (parse_entry, recipients_of, parse_note):
        with pytest.raises(DetenteError):
            parse(data)

"""Notes, checkpoints, cosignatures, tiles, proofs and policies against the texts of their specifications."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.exchange import merkle, tiles
from detente.exchange.checkpoint import Checkpoint, parse_checkpoint, parse_text
from detente.exchange.cosignature import cosigned_at, cosigned_message
from detente.exchange.note import (
    COSIGN_ED25519,
    COSIGN_MLDSA44,
    ED25519,
    MLDSA87,
    Note,
    Signer,
    Verifier,
    parse_note,
    parse_vkey,
    sign_note,
    verified,
)
from detente.exchange.policy import parse_policy
from detente.exchange.proof import LogProof, check_proof, parse_proof
from detente.exchange.witness import parse_request

# The example note of c2sp.org/signed-note and the vkey of golang.org/x/mod/sumdb/note's documentation.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
# ruff: noqa: E501
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
C2SP_COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def test_the_go_note_verifies_and_round_trips() -> None:
    note = parse_note(GO_NOTE)
    assert verified(note, [parse_vkey(GO_VKEY)]) == [parse_vkey(GO_VKEY)]
    assert str(note) == GO_NOTE and str(parse_vkey(GO_VKEY)) == GO_VKEY


@pytest.mark.parametrize("at", range(0, len(GO_NOTE.encode()), 3))
def test_a_changed_byte_never_verifies(at: int) -> None:
    raw = bytearray(GO_NOTE.encode())
    raw[at] ^= 1
    with contextlib.suppress(DetenteError):
        assert verified(parse_note(bytes(raw)), [parse_vkey(GO_VKEY)]) == []


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"text\n",
        b"text\n\n",
        GO_NOTE[:-1].encode(),
        GO_NOTE.replace("\n", "\r\n").encode(),
        GO_NOTE.replace("answer", "an\tswer").encode(),
        GO_NOTE.replace("PeterNeumann x", "Peter+Neumann x").encode(),
        GO_NOTE.replace("\u2014 ", "- ").encode(),
        GO_NOTE.replace("wJnAM=", "wJnAN=").encode(),  # stray bits under the padding
        GO_NOTE.replace("wJnAM=", "wJnAM").encode(),
        b"\xff" + GO_NOTE.encode(),
        b"a\n\n\xe2\x80\x94 x AAAA\n",
        b"a\n\n" + b"\xe2\x80\x94 x AAAAAAAA\n" * 101,
        b"a" * (1 << 20) + GO_NOTE.encode(),
    ],
)
def test_malformed_notes_are_refused(bad: bytes) -> None:
    with pytest.raises(DetenteError):
        parse_note(bad)


def test_an_unknown_key_with_the_same_name_or_id_is_ignored() -> None:
    key = parse_vkey(GO_VKEY)
    note = parse_note(GO_NOTE)
    forged = note.signatures[0].__class__("PeterNeumann", b"\0\0\0\0", b"x" * 64)
    other = note.signatures[0].__class__("Mallory", key.key_id, b"x" * 64)
    assert verified(Note(note.text, (forged, other, *note.signatures)), [key]) == [key]
    assert verified(Note(note.text, (forged, other)), [key]) == []


def test_a_wrong_signature_of_a_known_key_condemns_the_note() -> None:
    note = parse_note(GO_NOTE)
    bad = note.signatures[0].__class__("PeterNeumann", note.signatures[0].key_id, b"x" * 64)
    with pytest.raises(DetenteError, match="the signature of PeterNeumann is wrong"):
        verified(Note(note.text, (*note.signatures, bad)), [parse_vkey(GO_VKEY)])


def test_opaque_national_signatures_are_carried_and_count_nothing() -> None:
    signer = Signer("a.test", ED25519, bytes(32))
    note = sign_note("x\n", [signer])
    national = Verifier("a.test", b"\xffGOST R 34.10-2012\n", b"p" * 64)
    line = note.signatures[0].__class__("a.test", national.key_id, b"s" * 64)
    both = parse_note(str(Note(note.text, (*note.signatures, line))))
    assert verified(both, [signer.verifier, national]) == [signer.verifier]


def test_the_checkpoint_of_the_specification() -> None:
    head, note = parse_checkpoint(C2SP_COSIGNED)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert head.text == note.text and cosigned_at(note.signatures[1]) == 1679315147
    message = cosigned_message(COSIGN_ED25519, "w", 1679315147, note.text)
    assert message == b"cosignature/v1\ntime 1679315147\n" + note.text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "o\n01\nR\n",
        "o\n-1\nR\n",
        "o\n1\n",
        "\n1\nR\n",
        "o\n1\nR\n\n",
        "o\n1\nR",
        "o\n\u0661\nR\n",
        "o\n9223372036854775808\nR\n",
        "o\n1\nAAAA\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(DetenteError):
        parse_text(text.replace("R", base64.b64encode(bytes(32)).decode()))


def test_the_mldsa_cosigned_message_has_the_layout_of_the_specification() -> None:
    head = Checkpoint("log.test", 300, bytes(range(32)))
    raw = cosigned_message(COSIGN_MLDSA44, "w.test", 7, head.text)
    assert raw == (
        b"subtree/v1\n\0"
        + b"\x06w.test"
        + (7).to_bytes(8)
        + b"\x08log.test"
        + bytes(8)
        + (300).to_bytes(8)
        + bytes(range(32))
    )


@pytest.mark.parametrize("kind", [ED25519, MLDSA87, COSIGN_ED25519, COSIGN_MLDSA44])
def test_each_algorithm_signs_checks_and_refuses(kind: bytes) -> None:
    text = Checkpoint("log.test", 3, bytes(32)).text
    signer = Signer("w.test", kind, bytes(range(32)))
    line = signer.sign(text, at=1_700_000_000)
    key = parse_vkey(str(signer.verifier))
    assert key.check(line, text)
    assert not key.check(line, Checkpoint("log.test", 4, bytes(32)).text)
    assert not Signer("w.test", kind, bytes(32)).verifier.check(line, text)
    for at in (0, 7, 8, len(line.raw) - 1):
        bent = bytearray(line.raw)
        bent[at] ^= 1
        assert not key.check(line.__class__(line.name, line.key_id, bytes(bent)), text)


def test_vkeys_that_lie_are_refused() -> None:
    for bad in (
        GO_VKEY.replace("c74f", "c74e"),
        GO_VKEY[:-4],
        "x+00+",
        "",
        "+c74f20a3+AAAA",
        GO_VKEY.replace("Peter", "Pe ter"),
    ):
        with pytest.raises(DetenteError):
            parse_vkey(bad)


def test_tile_paths_of_the_specification() -> None:
    assert tiles.tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tiles.tile_path(None, 273, 112) == "tile/entries/273.p/112"
    for level, n, width in ((0, 0, 256), (63, 999, 1), (None, 1000, 255), (1, 10**9, 256)):
        assert tiles.parse_path(tiles.tile_path(level, n, width)) == (level, n, width)
    for bad in (
        "tile/00/000",
        "tile/64/000",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000/",
        "tile/0/٠٠٠",
        "tile//000",
        "tile/0/x001",
    ):
        with pytest.raises(DetenteError):
            tiles.parse_path(bad)


def test_a_tree_of_70000_has_the_tiles_the_specification_counts() -> None:
    found = list(tiles.tiles_of(70_000))
    hashes = [t for t in found if t[0] is not None]
    assert sum(t[0] == 0 and t[2] == 256 for t in hashes) == 273
    assert [t for t in hashes if t[2] != 256] == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert [t for t in tiles.tiles_of(256) if t[0] is not None] == [(0, 0, 256), (1, 0, 1)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=256))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    assert tiles.parse_bundle(tiles.bundle(entries)) == entries


def test_broken_bundles_are_refused() -> None:
    for bad in (b"\0", b"\0\x05abc", tiles.bundle([b"x"]) + b"\0", tiles.bundle([b""] * 256) + b"\0\0"):
        with pytest.raises(DetenteError):
            tiles.parse_bundle(bad)
    with pytest.raises(DetenteError, match="65536 bytes"):
        tiles.bundle([bytes(65536)])


def make_proof(size: int = 5, index: int = 2) -> tuple[LogProof, list[bytes], Signer]:
    entries = [bytes([i]) for i in range(size)]
    signer = Signer("log.test", ED25519, bytes(32))

    def read(level: int, i: int) -> bytes:
        return merkle.frontier_of(map(merkle.leaf_hash, entries[i << level : (i + 1) << level])).root

    note = sign_note(Checkpoint("log.test", size, merkle.root_of(size, read)).text, [signer])
    return LogProof(index, tuple(merkle.inclusion_proof(index, size, read)), str(note), b"x"), entries, signer


def test_a_proof_file_round_trips_and_proves_one_entry_only() -> None:
    proof, entries, signer = make_proof()
    again = parse_proof(str(proof))
    assert again == proof and str(proof).startswith("c2sp.org/tlog-proof@v1\nextra eA==\nindex 2\n")
    assert check_proof(again, entries[2], [signer.verifier])[0].size == 5
    for wrong in (entries[1], b""):
        with pytest.raises(DetenteError, match="path does not lead"):
            check_proof(again, wrong, [signer.verifier])
    with pytest.raises(DetenteError, match="no signature of the log"):
        check_proof(again, entries[2], [Signer("log.test", ED25519, bytes(31) + b"x").verifier])
    for bad in (
        str(proof)[1:],
        str(proof).replace("index 2", "index 02"),
        str(proof).replace("\n\n", "\n", 1),
    ):
        with pytest.raises(DetenteError):
            parse_proof(bad)


def test_the_policy_of_the_specification() -> None:
    keys = {
        n: Signer(f"{n}.test", COSIGN_ED25519, bytes([i]) * 32)
        for i, n in enumerate(("X1", "X2", "X3", "Y1", "Y2", "Y3"))
    }
    log = Signer("log.test", ED25519, bytes(32))
    lines = [f"log {log.verifier}", *(f"witness {n} {s.verifier}" for n, s in keys.items())]
    lines += [
        "group X-witnesses 2 X1 X2 X3",
        "group Y-witnesses any Y1 Y2 Y3",
        "group X-and-Y all X-witnesses Y-witnesses",
    ]
    policy = parse_policy("\n".join([*lines, "quorum X-and-Y", ""]))
    text = Checkpoint("log.test", 1, bytes(32)).text

    def met(*names: str) -> bool:
        return policy.met(Note(text, tuple(keys[n].sign(text, at=1) for n in names)))

    assert met("X1", "X3", "Y2") and met("X1", "X2", "X3", "Y1", "Y2", "Y3")
    assert not met("X1", "Y1") and not met("X1", "X2") and not met("Y1", "Y2", "Y3") and not met()


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "quorum w",
        "quorum none\nquorum none",
        "group g any w\nquorum g",
        "witness w {0}\nwitness w {1}\nquorum w",
        "witness w {0}\nwitness v {0}\nquorum w",
        "witness none {0}\nquorum none",
        "witness w {0}\ngroup g 2 w\nquorum g",
        "witness w {0}\ngroup g 0 w\nquorum g",
        "witness w {0}\ngroup g all w w\nquorum g",
        "witness w {0}\ngroup g all w\ngroup h all w\nquorum h",
        "witness w {0}\ngroup g all\nquorum g",
        "witness w\nquorum none",
        "quorum none\r",
        "quorum none\x7f",
        "log \udcff\nquorum none",
    ],
)
def test_broken_policies_are_refused(lines: str) -> None:
    keys = [str(Signer("w", COSIGN_ED25519, bytes([i]) * 32).verifier) for i in (1, 2)]
    with pytest.raises(DetenteError):
        parse_policy(lines.format(*keys))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda s: s.encode("utf-8", "replace")))
def test_no_parser_fails_in_another_way(data: bytes) -> None:
    for parse in (parse_note, parse_checkpoint, parse_proof, parse_policy, parse_request, tiles.parse_bundle):
        try:
            parse(data)
        except DetenteError:
            continue

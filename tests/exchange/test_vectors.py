"""Published test vectors against the functions that a node verifies with; `vectors/README.md` names each source."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from detente.disclosure import edwards
from detente.errors import DetenteError
from detente.exchange import body, merkle, strict, tiles
from detente.exchange.checkpoint import Checkpoint, parse_text
from detente.exchange.keys import seal_private, seal_public, seal_public_bytes
from detente.exchange.note import (
    COSIGN_ED25519,
    COSIGN_MLDSA44,
    ED25519,
    MLDSA87,
    Note,
    Signature,
    Signer,
    Verifier,
    parse_note,
    parse_vkey,
    sign_note,
    verified,
)
from detente.exchange.policy import parse_policy
from detente.exchange.proof import LogProof, parse_proof
from detente.exchange.witness import parse_request

FOLDER = Path(__file__).parent / "vectors"
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ROOT = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
# ruff: noqa: E501
BY_NEUMANN = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
BY_ROOT = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text("utf-8"))


def right(check: Any, *parts: bytes) -> bool:
    try:
        check(*parts)
    except (InvalidSignature, ValueError):
        return False
    return True


# Ed25519


@pytest.mark.parametrize("case", load("wycheproof_ed25519.json")["tests"], ids=lambda c: str(c["id"]))
def test_wycheproof_ed25519(case: dict[str, Any]) -> None:
    """`acceptable` are keys with a part of small order: never a key here (decision 66)."""
    key, message, signature = (bytes.fromhex(case[k]) for k in ("key", "msg", "sig"))
    assert right(strict.check_ed25519, key, signature, message) is (case["result"] == "valid")
    odd = {"SmallOrderPublicKey", "MixedOrderPublicKey"} & set(case["flags"])
    assert strict.sound_key(key) is not bool(odd)


def test_the_vectors_of_rfc_8032_sign_and_verify_as_a_note() -> None:
    """RFC 8032 section 7.1; a note's text cannot be any message, so its signature is compared through the signer."""
    for secret, public, message, signature in (
        ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ):  # fmt: skip
        signer = Signer("rfc.test", ED25519, bytes.fromhex(secret))
        text = bytes.fromhex(message).decode()
        assert signer.verifier.public.hex() == public
        assert signer.sign(text).raw.hex() == signature
        assert signer.verifier.check(signer.sign(text), text)


def test_the_edge_cases_of_cctv() -> None:
    """The bare equation answers as OpenSSL is said to; every one of these keys is refused before it is asked."""
    for case in load("cctv_ed25519.json")["tests"]:
        key, signature, message = bytes.fromhex(case["key"]), bytes.fromhex(case["sig"]), case["msg"].encode()
        bare = right(Ed25519PublicKey.from_public_bytes(key).verify, signature, message)
        assert bare is not bool({"non_canonical_R", "low_order_residue"} & set(case["flags"])), case["number"]
        assert not right(strict.check_ed25519, key, signature, message)
        verifier = Verifier("a.test", ED25519, key)
        assert not verifier.check(Signature("a.test", verifier.key_id, signature), case["msg"])
        for kind in (ED25519, COSIGN_ED25519):
            with pytest.raises(DetenteError, match="no point of prime order"):
                parse_vkey(str(Verifier("a.test", kind, key)))


def test_what_we_accept_every_rule_accepts() -> None:
    """Slow reference: with a sound key, the equations with and without cofactor agree on what is accepted."""
    torsion = edwards.decode(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
    )
    assert torsion is not None
    secret, nonce, order = 0x1234567, 0x7654321, edwards.ORDER
    public = edwards.encode(edwards.multiply(secret, edwards.BASE))
    assert strict.sound_key(public)

    def signed(first: bytes, of_nonce: int) -> tuple[bytes, int]:
        k = int.from_bytes(hashlib.sha512(first + public + b"m").digest(), "little") % order
        return first + ((of_nonce + k * secret) % order).to_bytes(32, "little"), k

    def equations(signature: bytes, k: int) -> tuple[bool, bool]:
        r, a = edwards.decode(signature[:32]), edwards.decode(public)
        assert r and a
        left = edwards.multiply(int.from_bytes(signature[32:], "little"), edwards.BASE)
        rest = edwards.add(left, edwards.negate(edwards.add(r, edwards.multiply(k, a))))
        return edwards.is_identity(rest), edwards.is_identity(edwards.multiply(8, rest))

    seen = set()
    for times in range(8):
        shift = edwards.multiply(times, torsion)
        for base, of_nonce in ((edwards.multiply(nonce, edwards.BASE), nonce), (edwards.IDENTITY, 0)):
            first = edwards.encode(edwards.add(base, shift))
            signature, k = signed(first, of_nonce)
            without, with_cofactor = equations(signature, k)
            accepted = right(strict.check_ed25519, public, signature, b"m")
            assert with_cofactor and accepted is (without and of_nonce != 0)
            seen.add(accepted)
    assert seen == {True, False}


# ML-DSA


@pytest.mark.parametrize(
    ("name", "kind", "check"),
    [("mldsa_87", MLDSA87, strict.check_mldsa87), ("mldsa_44", COSIGN_MLDSA44, strict.check_mldsa44)],
)
def test_wycheproof_mldsa(name: str, kind: bytes, check: Any) -> None:
    found = load(f"wycheproof_{name}.json")
    results = set()
    for case in found["tests"]:
        key, signature = (base64.b64decode(x) for x in (found["keys"][case["key"]], case["sig"]))
        good = right(check, key, signature, bytes.fromhex(case["msg"]))
        assert good is (case["result"] == "valid"), case["comment"]
        results.add(good)
        if kind == MLDSA87 and bytes.fromhex(case["msg"]).isascii():  # as a line on a note
            verifier = parse_vkey(str(Verifier("a.test", kind, key)))
            text = bytes.fromhex(case["msg"]).decode()
            assert verifier.check(Signature("a.test", verifier.key_id, signature), text) is good
    assert results == {True, False}


def test_a_cosignature_by_torchwood() -> None:
    """The ML-DSA-44 log of FiloSottile/torchwood, cmd/litewitness/testdata/mldsa.txt: made by another program."""
    vkey, _, text = (FOLDER / "torchwood_mldsa44.txt").read_text("utf-8").partition("\n\n")
    key, note = parse_vkey(vkey), parse_note(text)
    assert key.kind == COSIGN_MLDSA44 and verified(note, [key]) == [key]
    for bent in (
        note.text.replace("mldsa-log", "mldsa-lof"),
        note.text.replace("\n1\n", "\n2\n"),
        note.text + "extension 1\n",  # the message covers no extension lines
    ):
        assert not key.check(note.signatures[0], bent)
    longer = Signer("w.test", COSIGN_MLDSA44, bytes(32))
    with pytest.raises(DetenteError, match="extension lines"):
        longer.sign(note.text + "extension 1\n")
    empty = Checkpoint("log.test", 0, merkle.EMPTY)
    assert longer.verifier.check(longer.sign(empty.text), empty.text)
    with pytest.raises(DetenteError, match="empty tree"):
        longer.sign(Checkpoint("log.test", 0, bytes(32)).text)


# bodies: HPKE, ML-KEM, P-384, AES-GCM


@pytest.mark.parametrize("case", load("hpke_mlkem1024_p384.json")["tests"], ids=lambda c: c["source"][:12])
def test_the_hpke_suite_of_a_body_is_that_of_the_draft(case: dict[str, Any]) -> None:
    """One-shot calls take no associated data, so the first text is sealed again under the published key schedule."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    assert (case["mode"], case["kem_id"], case["kdf_id"], case["aead_id"]) == (0, 0x51, 2, 2)
    get = {k: bytes.fromhex(v) for k, v in case.items() if isinstance(v, str) and k != "source"}
    first = {k: bytes.fromhex(v) for k, v in case["encryption"].items()}
    cipher = AESGCM(get["key"])
    assert cipher.decrypt(first["nonce"], first["ct"], first["aad"]) == first["pt"]
    seeds = hashlib.shake_256(get["skRm"]).digest(64 + 48)
    public = seal_public_bytes(seeds[:64], seeds[64:])
    assert public == get["pkRm"]
    sealed = get["enc"] + cipher.encrypt(get["base_nonce"], first["pt"], b"")
    private = seal_private(seeds[:64], seeds[64:])
    assert body._suite().decrypt(sealed, private, get["info"]) == first["pt"]
    for at in (0, 1567, 1568, 1664, len(sealed) - 1):
        bent = bytearray(sealed)
        bent[at] ^= 1
        with pytest.raises((InvalidTag, ValueError)):
            body._suite().decrypt(bytes(bent), private, get["info"])
    again = body._suite().encrypt(b"x", seal_public(public), b"i")
    assert body._suite().decrypt(again, private, b"i") == b"x"


POINT = seal_public_bytes(bytes(64), (7).to_bytes(48, "big"))[1568:]


def test_wycheproof_mlkem_1024_keys_from_seeds() -> None:
    for case in load("wycheproof_mlkem_1024_keygen.json")["tests"]:
        made = seal_public_bytes(bytes.fromhex(case["seed"]), (7).to_bytes(48, "big"))
        assert hashlib.sha256(made[:1568]).hexdigest() == case["ek_sha256"] and made[1568:] == POINT


def test_wycheproof_mlkem_1024_keys_that_are_not_reduced_are_refused() -> None:
    for case in load("wycheproof_mlkem_1024_keys.json")["tests"]:
        key = base64.b64decode(case["ek"])
        if case["result"] == "valid":
            seal_public(key + POINT)
        else:
            with pytest.raises(DetenteError, match="broken encryption key"):
                seal_public(key + POINT)


def test_wycheproof_points_off_p384_are_refused() -> None:
    """A compressed point is `acceptable`: an annex writes points in full, so it is refused."""
    half = seal_public_bytes(bytes(64), (7).to_bytes(48, "big"))[:1568]
    for case in load("wycheproof_p384_points.json")["tests"]:
        point = bytes.fromhex(case["public"])
        if case["result"] == "valid":
            seal_public(half + point)
        else:
            with pytest.raises(DetenteError, match="broken encryption key"):
                seal_public(half + point)


@pytest.mark.parametrize("case", load("wycheproof_aes_256_gcm.json")["tests"], ids=lambda c: str(c["tcId"]))
def test_wycheproof_aes_256_gcm(case: dict[str, Any]) -> None:
    get = {k: bytes.fromhex(case[k]) for k in ("key", "iv", "aad", "msg", "ct", "tag")}
    cipher, text = body._cipher(get["key"]), get["ct"] + get["tag"]
    if case["result"] == "valid":
        assert cipher.decrypt(get["iv"], text, get["aad"]) == get["msg"]
        assert cipher.encrypt(get["iv"], get["msg"], get["aad"]) == text
    else:
        with pytest.raises(InvalidTag):
            cipher.decrypt(get["iv"], text, get["aad"])


# trees


def tree() -> tuple[dict[str, Any], list[bytes], list[bytes], merkle.Subtree]:
    given = load("rfc6962.json")
    leaves = [merkle.leaf_hash(bytes.fromhex(x)) for x in given["leaves"]]
    roots = [bytes.fromhex(x) for x in given["roots"]]
    return given, leaves, roots, tiles.subtree_reader(lambda level, n, width: leaves[:width], 8)


def test_hashes_and_roots_of_rfc_6962() -> None:
    given, leaves, roots, _ = tree()
    hashes = {k: bytes.fromhex(v) for k, v in given["hashes"].items()}
    assert hashes["empty"] == merkle.EMPTY and merkle.leaf_hash(b"") == hashes["empty leaf"]
    assert merkle.leaf_hash(b"L123456") == hashes["leaf L123456"]
    assert merkle.node_hash(b"N123", b"N456") == hashes["node N123 N456"]
    assert [merkle.frontier_of(leaves[:n]).root for n in range(1, 9)] == roots


def test_inclusion_proofs_of_rfc_6962_and_their_corruptions() -> None:
    given, leaves, roots, subtree = tree()
    for case in given["inclusion"]:
        index, size, proof = case["leaf"] - 1, case["size"], [bytes.fromhex(h) for h in case["proof"]]
        root, leaf = roots[size - 1], leaves[index]
        reader = tiles.subtree_reader(lambda level, n, width: leaves[:width], size)
        assert merkle.inclusion_proof(index, size, reader) == proof
        assert merkle.included(index, size, leaf, root, proof)
        wrong: list[tuple[int, int, bytes, bytes, list[bytes]]] = [
            (index - 1, size, leaf, root, proof), (index + 1, size, leaf, root, proof),
            (index ^ 2, size, leaf, root, proof), (index, size * 2, leaf, root, proof),
            (index, size // 2, leaf, root, proof), (index, size, b"WrongLeaf", root, proof),
            (index, size, leaf, merkle.EMPTY, proof), (index, size, leaf, bytes(32), proof),
            *((index, size, leaf, root, p) for p in ([*proof, b""], [*proof, root], [b"", *proof], [root, *proof])),
            *((index, size, leaf, root, p) for p in damaged(proof, 8)),
        ]  # fmt: skip
        assert not any(merkle.included(*w) for w in wrong)
    assert subtree(3, 0) == roots[7]


def test_consistency_proofs_of_rfc_6962_and_their_corruptions() -> None:
    given, leaves, roots, _ = tree()
    for case in given["consistency"]:
        old, new, proof = case["old"], case["new"], [bytes.fromhex(h) for h in case["proof"]]
        one, two = roots[old - 1], roots[new - 1]
        reader = tiles.subtree_reader(lambda level, n, width: leaves[:width], new)
        assert merkle.consistency_proof(old, new, reader) == proof
        assert merkle.consistent(old, new, one, two, proof)
        if not proof:
            continue
        more = (b"", one, two)
        wrong: list[tuple[int, int, bytes, bytes, list[bytes]]] = [
            (old - 1, new, one, two, proof), (old + 1, new, one, two, proof), (old ^ 2, new, one, two, proof),
            (old, new * 2, one, two, proof), (old, new // 2, one, two, proof),
            (old, new, b"WrongRoot", two, proof), (old, new, one, b"WrongRoot", proof),
            (old, new, two, one, proof), (old, new, one, two, []),
            *((old, new, one, two, [*proof, x]) for x in more),
            *((old, new, one, two, [x, *proof]) for x in (*more, proof[0])),
            *((old, new, one, two, p) for p in damaged(proof, 16)),
        ]  # fmt: skip
        assert not any(merkle.consistent(*w) for w in wrong)
    some, other = merkle.EMPTY, bytes(32)
    for old, new, one, two, proof in (
        (1, 0, some, some, []), (2, 1, some, some, []), (1, 2, some, other, []), (0, 0, some, other, []),
        (1, 1, some, other, []), (0, 0, some, some, [some]), (0, 1, some, some, [some]), (1, 1, some, some, [some]),
    ):  # fmt: skip
        assert not merkle.consistent(old, new, one, two, proof)


def damaged(proof: list[bytes], bit: int) -> list[list[bytes]]:
    """A bit flipped in each hash, the last hash gone."""
    bent = [[*proof[:i], bytes([h[0] ^ bit]) + h[1:], *proof[i + 1 :]] for i, h in enumerate(proof)]
    return bent + ([proof[:-1]] if proof else [])


def test_the_seven_leaves_of_the_rfcs() -> None:
    """RFC 6962 2.1.3 and RFC 9162 2.1.5: the proofs by the names of their nodes."""
    d = [merkle.leaf_hash(bytes([n])) for n in range(7)]
    a, b, c, dd, e, f, j = d
    g, h, i = merkle.node_hash(a, b), merkle.node_hash(c, dd), merkle.node_hash(e, f)
    k, last = merkle.node_hash(g, h), merkle.node_hash(i, j)
    read = tiles.subtree_reader(lambda level, n, width: d[:width], 7)
    assert merkle.inclusion_proof(0, 7, read) == [b, h, last]
    assert merkle.inclusion_proof(3, 7, read) == [c, g, last]
    assert merkle.inclusion_proof(4, 7, read) == [f, j, k]
    assert merkle.inclusion_proof(6, 7, read) == [i, k]
    assert merkle.consistency_proof(3, 7, read) == [c, dd, g, last]
    assert merkle.consistency_proof(4, 7, read) == [last]
    assert merkle.consistency_proof(6, 7, read) == [i, j, k]
    assert merkle.root_of(7, read) == merkle.node_hash(k, last)


# signed notes, checkpoints, proofs, policies


def test_the_notes_of_golang_org_x_mod() -> None:
    """sumdb/note/note_test.go (02c99138), BSD-3-Clause."""
    neumann, enoch = parse_vkey(NEUMANN), parse_vkey(ROOT)
    note = parse_note(f"{TEXT}\n{BY_NEUMANN}{BY_ROOT}")
    assert note.text == TEXT and verified(note, [neumann]) == [neumann]
    assert verified(note, [neumann, enoch]) == [neumann, enoch] and verified(note, []) == []
    seed = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
    assert str(sign_note(TEXT, [Signer("PeterNeumann", ED25519, seed)])) == f"{TEXT}\n{BY_NEUMANN}"
    twice = parse_note(f"{TEXT}\n{BY_NEUMANN * 2}{BY_ROOT * 2}")
    assert verified(twice, [neumann]) == [neumann]
    with pytest.raises(DetenteError, match="signature of PeterNeumann is wrong"):
        verified(parse_note(f"{TEXT}\n{BY_NEUMANN[:60]}ABCD{BY_NEUMANN[60:]}"), [neumann])
    for bad in (
        TEXT, TEXT + "\n", f"{TEXT}\n{BY_NEUMANN[:-1]}", f"\x01{TEXT}\n{BY_NEUMANN}", f"{TEXT}\n{BY_NEUMANN * 101}",
        f"{TEXT}\n{BY_NEUMANN.replace('PeterNeumann', 'Bad Name')}", f"{TEXT}\n{BY_NEUMANN}Unexpected line.\n",
        f"\xff{TEXT}\n{BY_NEUMANN}".encode("latin-1", "replace"),
    ):  # fmt: skip
        with pytest.raises(DetenteError):
            parse_note(bad)
    for renamed in (BY_NEUMANN.replace("PeterNeumann", "CarmenSandiego"), BY_NEUMANN.replace("x08g", "xxxx")):
        assert verified(parse_note(f"{TEXT}\n{renamed}"), [neumann]) == []


def test_the_mangled_keys_of_golang_org_x_mod() -> None:
    """Each part of a key and each byte raised by one is refused; the one key of an unknown type is opaque here."""
    whole = len(NEUMANN)
    parts = {NEUMANN[i:j] for i in range(whole + 1) for j in range(i + 1, whole + 1)} - {NEUMANN}
    raised = {NEUMANN[:i] + chr(ord(c) + 1) + NEUMANN[i + 1 :] for i, c in enumerate(NEUMANN)}
    longer = "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=="
    for bad in (*parts, *raised, longer):
        with pytest.raises(DetenteError):
            parse_vkey(bad)
    unknown = parse_vkey("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert not unknown.known and verified(parse_note(f"{TEXT}\n{BY_NEUMANN}"), [unknown]) == []


def test_the_note_of_the_specification_reads_and_writes_back() -> None:
    """c2sp.org/signed-note, its example: a text with an empty line in it."""
    text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n"
    line = "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    note = parse_note(f"{text}\n{line}")
    assert note.text == text and str(note) == f"{text}\n{line}"
    assert note.signatures[0].name == "quasimodo.example/salvatore" and len(note.signatures[0].raw) == 64


def test_a_witness_takes_sixteen_signatures_and_the_request_of_the_specification() -> None:
    """c2sp.org/signed-note: at least 16; c2sp.org/tlog-witness: its example request."""
    signers = [Signer(f"w{n}.test", ED25519, bytes([n] * 32)) for n in range(16)]
    assert len(verified(parse_note(str(sign_note("x\n", signers))), [s.verifier for s in signers])) == 16
    request = parse_request(
        "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\njrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n"
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n".encode()
    )
    assert (request.old, len(request.proof), request.checkpoint.size) == (20852014, 4, 20852163)
    assert len(request.note.signatures) == 2


@pytest.mark.parametrize(
    ("origin", "good"),
    [("", False), ("a", True), ("a" * 255, True), ("a" * 256, False), ("é" * 127 + "a", True), ("é" * 128, False),
     ("example log+origin", True)],
)  # fmt: skip
def test_the_origins_of_torchwood(origin: str, good: bool) -> None:
    """FiloSottile/torchwood, checkpoint_test.go (ff4c8687), ISC."""
    head = Checkpoint(origin, 1, merkle.leaf_hash(b"entry"), ("extension",))
    if good:
        assert parse_text(head.text) == head
    else:
        with pytest.raises(DetenteError):
            parse_text(head.text)


def test_the_policies_of_torchwood() -> None:
    """FiloSottile/torchwood, policy_test.go (8e5bbd3c): which keys may stand in a log line."""
    head = Checkpoint("example.com/log", 123, merkle.leaf_hash(b"test data")).text
    log, pq = (Signer("example.com/log", kind, bytes(32)) for kind in (ED25519, COSIGN_MLDSA44))
    cosigner, witness = (
        Signer("example.com/log", COSIGN_ED25519, bytes(32)),
        Signer("witness.example/w1", COSIGN_MLDSA44, bytes(32)),
    )
    for key in (log, pq):
        policy = parse_policy(f"log {key.verifier}\nquorum none\n")
        assert verified(sign_note(head, [key]), policy.logs) == [key.verifier]
    with pytest.raises(DetenteError, match="cosigner"):
        parse_policy(f"log {cosigner.verifier}\nquorum none\n")
    other = Signer("example.com/log", COSIGN_MLDSA44, bytes([1] * 32))
    policy = parse_policy(f"log {other.verifier}\nwitness W1 {witness.verifier}\nquorum W1\n")
    assert policy.met(sign_note(head, [other, witness])) and not policy.met(sign_note(head, [other]))


def test_the_proofs_of_transparency_dev() -> None:
    """transparency-dev/merkle, proof/tlog_proof_test.go (0db3ecde), Apache-2.0, with a true checkpoint below."""
    hashes = [hashlib.sha256(b"hash%d" % n).digest() for n in (1, 2, 3)]
    head = str(sign_note(Checkpoint("test", 20, bytes(32)).text, [Signer("test", ED25519, bytes(32))]))
    for index, path, extra in (
        (5, hashes[:2], b""),
        (10, hashes[:1], b"extra information"),
        (0, [], b""),
        (15, hashes, b""),
    ):
        text = str(LogProof(index, tuple(path), head, extra))
        assert text.startswith("c2sp.org/tlog-proof@v1\n") and f"index {index}\n" in text
        assert ("extra " in text) is bool(extra) and parse_proof(text) == LogProof(
            index, tuple(path), head, extra
        )
    first = "c2sp.org/tlog-proof@v1\n"
    long = base64.b64encode(bytes(64)).decode()
    for bad in (
        f"wrong-header\nindex 0\n\n{head}", f"{first}extra !!notbase64!!\nindex 0\n\n{head}", f"{first}\n\n{head}",
        f"{first}index notanumber\n\n{head}", f"{first}index -5\n\n{head}", f"{first}index 0\n!!notbase64!!\n\n{head}",
        f"{first}index 0\n{long}\n\n{head}", f"{first}index 00\n\n{head}", f"{first}index 0\n\ncheckpoint\n",
    ):  # fmt: skip
        with pytest.raises(DetenteError):
            parse_proof(bad)


def test_a_note_is_not_changed_by_lines_of_strangers() -> None:
    note = parse_note(f"{TEXT}\n{BY_NEUMANN}{BY_ROOT}")
    assert verified(Note(note.text, note.signatures[1:]), [parse_vkey(NEUMANN)]) == []

"""The group backend against RFC 9496, the packaged fallback, and the VRF against the C2SP vector."""

from __future__ import annotations

import ctypes

import pytest

from detente.disclosure import batch, curve, plain, vrf_r255
from detente.disclosure import group as backend
from detente.disclosure.group import ORDER, canonical_scalar, encode, group
from detente.errors import DetenteError

# RFC 9496 appendix A.1: multiples 0 to 5 of the base point
MULTIPLES = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
    "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
    "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
    "da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57",
    "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e",
)
# RFC 9496 appendix A.2: encodings that must be refused
INVALID = (
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
    "c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78",
    "47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24",
    "f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72",
    "87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
    "de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b",
    "bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042",
    "2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08",
    "f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22",
    "8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731",
    "2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b",
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
    "a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220",
    "d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e",
    "8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32",
    "32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b",
    "227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165",
    "5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e",
    "445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b",
)


def test_multiples_of_the_base_point_are_those_of_rfc_9496() -> None:
    g = group()
    found = [g.base(encode(n)).hex() for n in range(6)]
    assert tuple(found) == MULTIPLES
    assert [g.mul(encode(n), g.base(encode(1))).hex() for n in range(6)] == list(MULTIPLES)
    assert g.add(g.base(encode(2)), g.base(encode(3))).hex() == MULTIPLES[5]
    assert g.sub(g.base(encode(2)), g.base(encode(2))) == backend.IDENTITY


@pytest.mark.parametrize("text", INVALID)
def test_every_decoder_refuses_the_invalid_encodings_of_rfc_9496(text: str) -> None:
    point = bytes.fromhex(text)
    assert not group().valid(point)
    with pytest.raises(plain.Invalid):
        plain.decode(point)
    with pytest.raises(curve.BadPoint):
        curve.decode(point)


def test_the_verifiers_decoders_refuse_the_identity() -> None:
    with pytest.raises(plain.Invalid):
        plain.decode(bytes(32))
    with pytest.raises(curve.BadPoint):
        curve.decode(bytes(32))


def test_the_second_generator_is_the_same_in_the_three_verifiers() -> None:
    g = group()
    assert batch._G == g.G
    # in the plain verifier the generators are curve points: G - decode(G) must be the identity
    x, y, z, t = plain.decode(g.G)
    assert plain.is_identity(plain.add(plain.G, (-x % plain.P, y, z, -t % plain.P)))


def test_compiled_sums_agree_with_libsodium() -> None:
    g = group()
    scalars = [(7**n * 12345678901234567890) % ORDER for n in range(1, 40)] + [
        0,
        1,
        ORDER - 1,
        2**252,
        2**128 - 1,
    ]
    points = [g.from_hash(bytes([n]) * 64) for n in range(1, len(scalars) + 1)]
    total = backend.IDENTITY
    for s, p in zip(scalars, points, strict=True):
        total = g.add(total, g.mul(encode(s), p))
    packed = b"".join(map(encode, [*scalars, -1]))
    decoded = curve.decode(b"".join([*points, total]))
    assert curve.sums_to_identity(packed, decoded)
    assert not curve.sums_to_identity(b"".join(map(encode, [*scalars, -2])), decoded)
    assert plain.is_identity(
        plain.multi_multiply([*scalars, ORDER - 1], [plain.decode(p) for p in (*points, total)])
    )


@pytest.mark.parametrize("width", [4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
def test_every_window_width_gives_the_same_sum(width: int) -> None:
    """All-ones and alternating scalars make every signed-digit carry happen."""
    import numpy as np

    scalars = [2**253 - 1, ORDER - 1, int("01" * 126, 2), int("10" * 126, 2), 2**252]
    points = curve.decode(b"".join(bytes.fromhex(MULTIPLES[n]) for n in (1, 2, 3, 4, 5)))
    rest = -sum(s * n for n, s in enumerate(scalars, 1)) % ORDER
    words = b"".join(s.to_bytes(32, "little") for s in [*scalars, rest])
    rows = np.frombuffer(words, "<u8").reshape(-1, 4).astype(np.uint64)
    row = curve._sum_all(rows, np.concatenate([points, points[:1]]), width)
    x, y = (sum(int(row[at + i]) << 51 * i for i in range(5)) % curve.P for at in (0, 5))
    assert x == 0 or y == 0


def test_scalars_at_or_above_the_order_are_not_canonical() -> None:
    assert canonical_scalar((ORDER - 1).to_bytes(32, "little"))
    assert not canonical_scalar(ORDER.to_bytes(32, "little"))
    assert not canonical_scalar(bytes(31))


def test_the_packaged_library_stands_in_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_system_names", lambda: iter(()))
    group.cache_clear()
    try:
        fallback = group()
        assert "zmq" in fallback.name
        assert fallback.base(encode(5)).hex() == MULTIPLES[5]
    finally:
        group.cache_clear()


def test_without_any_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_system_names", lambda: iter(()))
    monkeypatch.setattr(backend, "_packaged_files", lambda: iter(()))
    group.cache_clear()
    try:
        with pytest.raises(DetenteError, match="install libsodium"):
            group()
        assert not backend.available()
    finally:
        group.cache_clear()


def test_a_library_that_computes_wrongly_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_BASE", bytes(32))
    assert backend._load(backend._system_names()) is None


def test_a_library_without_the_group_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert backend._load(iter(["libsodium.so.18"])) is None


def test_the_vrf_reproduces_the_vector_of_c2sp_vrf_r255() -> None:
    secret = bytes.fromhex("3431c2b03533e280b23232e280b34e2c3132c2b03238e280b23131e280b34500")
    alpha = b"c2sp.org/vrf-r255"
    key = vrf_r255.public_key(secret)
    assert key.hex() == "54136cd90d99fbd1d4e855d9556efea87ba0337f2a6ce22028d0f5726fcb854e"
    proof = vrf_r255.prove(secret, alpha)
    assert proof.hex() == (
        "0a97d961262fb549b4175c5117860f42ae44a123f93c476c439eddd1c0cff9265c805525233e2284dbed45e593b8eea3"
        "1d5ca9734d72bcbba9738d5237f955f3b2422351149d1312503b6441a47c940c"
    )
    beta = vrf_r255.verify(key, alpha, proof)
    assert beta == vrf_r255.output(secret, alpha)
    assert beta is not None
    assert beta.hex() == (
        "dd653f0879b48c3ef69e13551239bec4cbcc1c18fe8894de2e9e1c790e182736"
        "03bf1c6c25d7a797aeff3c43fd32b974d3fcbd4bcce916007097922a3ea3a794"
    )


def test_the_vrf_refuses_every_flipped_byte_and_other_inputs() -> None:
    secret = encode(12345)
    key, proof = vrf_r255.public_key(secret), vrf_r255.prove(secret, b"serial")
    assert vrf_r255.verify(key, b"other", proof) is None
    assert vrf_r255.verify(vrf_r255.public_key(encode(2)), b"serial", proof) is None
    assert vrf_r255.verify(bytes(32), b"serial", proof) is None
    assert vrf_r255.verify(key, b"serial", proof + b"\0") is None
    for n in range(80):
        assert vrf_r255.verify(key, b"serial", proof[:n] + bytes([proof[n] ^ 1]) + proof[n + 1 :]) is None
    s = int.from_bytes(proof[48:], "little") + ORDER
    assert vrf_r255.verify(key, b"serial", proof[:48] + s.to_bytes(32, "little")) is None

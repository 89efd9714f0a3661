"""ECVRF against RFC 9381's published vectors, and everything that must be refused."""

from __future__ import annotations

import copy
import hashlib
import pickle
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.disclosure import edwards, vrf
from detente.disclosure import group as backend
from detente.errors import DetenteError

# RFC 9381 appendix B.3, examples 16 to 18: secret, public, alpha, hashed point, pi, beta
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "91bbed02a99461df1ad4c6564a5f5d829d0b90cfc7903e7a5797bd658abf3318",
        "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d97"
        "27d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
        "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff"
        "66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "5b659fc3d4e9263fd9a4ed1d022d75eaacc20df5e09f9ea937502396598dc551",
        "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465"
        "301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
        "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb"
        "5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "bf4339376f5542811de615e3313d2b36f6f53c0acfebb482159711201192576a",
        "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea3c0"
        "e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
        "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c45"
        "2118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f",
    ),
]


@pytest.mark.parametrize(("secret", "public", "alpha", "point", "pi", "beta"), VECTORS)
def test_rfc_9381(secret: str, public: str, alpha: str, point: str, pi: str, beta: str) -> None:
    key, text = vrf.Key(bytes.fromhex(secret)), bytes.fromhex(alpha)
    assert key.public.hex() == public
    assert vrf._hash_to_curve(key.public, text).hex() == point
    assert key.prove(text).hex() == pi
    found = vrf.verify(key.public, text, bytes.fromhex(pi))
    assert found is not None
    assert found.hex() == beta


@pytest.mark.parametrize("vector", VECTORS)
def test_every_changed_bit_of_a_proof_is_refused(vector: tuple[str, ...]) -> None:
    public, alpha, pi = (bytes.fromhex(vector[i]) for i in (1, 2, 4))
    for bit in range(0, 640, 3):  # every third bit: all 80 bytes are touched
        changed = bytearray(pi)
        changed[bit // 8] ^= 1 << bit % 8
        assert vrf.verify(public, alpha, bytes(changed)) is None


def test_a_proof_belongs_to_one_key_one_text_one_length() -> None:
    public, pi = bytes.fromhex(VECTORS[1][1]), bytes.fromhex(VECTORS[1][4])
    assert vrf.verify(public, b"\x72", pi) is not None
    assert vrf.verify(public, b"\x73", pi) is None
    assert vrf.verify(public, b"", pi) is None
    assert vrf.verify(bytes.fromhex(VECTORS[0][1]), b"\x72", pi) is None
    for wrong in (pi[:-1], pi + b"\x00", b""):
        assert vrf.verify(public, b"\x72", wrong) is None


def test_s_above_the_order_is_refused() -> None:
    public, pi = bytes.fromhex(VECTORS[1][1]), bytes.fromhex(VECTORS[1][4])
    s = int.from_bytes(pi[48:], "little") + edwards.ORDER
    assert vrf.verify(public, b"\x72", pi[:48] + s.to_bytes(32, "little")) is None


def test_the_packaged_library_makes_the_same_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = backend._load(backend._packaged_files())
    if packaged is None:
        pytest.skip("no packaged libsodium here")
    monkeypatch.setattr(edwards, "group", lambda: packaged)
    secret, _, alpha, _, pi, _ = VECTORS[2]
    assert vrf.Key(bytes.fromhex(secret)).prove(bytes.fromhex(alpha)).hex() == pi


SMALL_ORDER = [  # the canonical encodings of the eight points of order 1, 2, 4 and 8
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]


@pytest.mark.parametrize("encoded", SMALL_ORDER)
def test_keys_of_small_order_are_refused(encoded: str) -> None:
    assert edwards.decode(bytes.fromhex(encoded)) is not None  # a point, and still no key
    assert vrf.decode_public(bytes.fromhex(encoded)) is None


@pytest.mark.parametrize(
    "encoded",
    [
        "0100000000000000000000000000000000000000000000000000000000000080",  # x = 0 with the sign set
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # y = p
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # y = p + 1
        "0200000000000000000000000000000000000000000000000000000000000000",  # off the curve
        "01" * 31,
    ],
)
def test_encodings_that_are_no_points(encoded: str) -> None:
    assert edwards.decode(bytes.fromhex(encoded)) is None


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_plain_and_native_arithmetic_agree_and_keys_are_those_of_rfc_8032(seed: bytes) -> None:
    key = vrf.Key(seed)
    assert key.public == Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    native = edwards.Secret()
    scalar = native.reduce(hashlib.sha512(seed).digest())
    plain = edwards.multiply(int.from_bytes(scalar, "little"), edwards.BASE)
    assert native.base(scalar) == edwards.encode(plain)
    assert edwards.decode(edwards.encode(plain)) is not None


@settings(max_examples=15, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80))
def test_what_is_proved_verifies_and_repeats(seed: bytes, alpha: bytes) -> None:
    key = vrf.Key(seed)
    proof = key.prove(alpha)
    assert proof == key.prove(alpha)
    assert vrf.verify(key.public, alpha, proof) is not None


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=100), st.binary(max_size=40), st.binary(max_size=100))
def test_arbitrary_bytes_never_verify_and_never_crash(public: bytes, alpha: bytes, proof: bytes) -> None:
    assert vrf.verify(public, alpha, proof) is None


def test_a_key_file_is_private_and_never_shown(tmp_path: Path) -> None:
    key, path = vrf.Key(bytes(range(32))), tmp_path / "key"
    key.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert vrf.Key.load(path).public == key.public
    with pytest.raises(DetenteError, match="exists"):
        key.save(path)
    assert bytes(range(32)).hex() not in repr(key) + str(key) + f"{key!s}"
    for leak in (pickle.dumps, copy.copy):
        with pytest.raises(DetenteError):
            leak(key)
    path.chmod(0o640)
    with pytest.raises(DetenteError, match="others"):
        vrf.Key.load(path)


def test_a_broken_key_file_is_refused_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for content in ("5ec3e7" * 8, "nothing to see", ""):
        path.write_text(content)
        path.chmod(0o600)
        with pytest.raises(DetenteError) as bad:
            vrf.Key.load(path)
        assert not content or content not in str(bad.value)

"""Bodies: padded, salted, encrypted to their recipients with hybrid post-quantum HPKE, content-addressed."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

import msgspec

from detente.errors import DetenteError
from detente.exchange.envelope import Body
from detente.exchange.keys import PublicKeys, SecretKeys, seal_private, seal_public

MAX_BODY = 16 << 20
SALT = 32
_INFO = b"detente body v1"
_NONCE = bytes(12)  # every content key is fresh and encrypts once


class Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stored form: a content key per recipient (HPKE ML-KEM-1024 + P-384), and the AES-256-GCM text."""

    v: int
    keys: dict[str, bytes]
    text: bytes


class Opened(msgspec.Struct, frozen=True):
    """What a recipient reads. `salted` is what it can show a third party to prove it."""

    plain: bytes
    salted: bytes


def padded_length(n: int) -> int:
    """The step that a body of `n` bytes is padded to, to hide sizes: 1 KiB doubling, then 64 KiB."""
    step = 1024
    while step < n and step < 1 << 16:
        step *= 2
    return step if n <= step else -(-n // (1 << 16)) * (1 << 16)


def _suite() -> Any:
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.MLKEM1024_P384, KDF.HKDF_SHA384, AEAD.AES_256_GCM)


def _cipher(key: bytes) -> Any:
    """AES-256-GCM. Raises ValueError for a key of another length."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(key) != 32:
        raise ValueError("a content key has 32 bytes")
    return AESGCM(key)


def _salted(plain: bytes) -> bytes:
    size = len(plain).to_bytes(4, "big")
    return secrets.token_bytes(SALT) + size + plain + bytes(padded_length(len(plain) + 4) - len(plain) - 4)


def seal_body(plain: bytes, recipients: dict[str, PublicKeys]) -> tuple[bytes, Body]:
    """The stored bytes and the digests for the envelope. No recipients: stored in the clear, for everyone.

    Raises DetenteError for a body longer than 16 MiB.
    """
    if len(plain) > MAX_BODY:
        raise DetenteError(f"a body of {len(plain)} bytes", fix=f"bodies hold at most {MAX_BODY}")
    salted = _salted(plain)
    stored = salted
    if recipients:
        key = secrets.token_bytes(32)
        suite = _suite()
        wrapped = {
            name: suite.encrypt(key, seal_public(base64.b64decode(k.seal)), _INFO + name.encode())
            for name, k in sorted(recipients.items())
        }
        text = _cipher(key).encrypt(_NONCE, salted, _INFO + "\n".join(wrapped).encode())
        stored = msgspec.msgpack.encode(Sealed(1, wrapped, text))
    return stored, describe(stored, salted, sealed=bool(recipients))


def describe(stored: bytes, salted: bytes, *, sealed: bool) -> Body:
    """The digests of a body: of the stored bytes, and of what they open to."""
    return Body(
        len(stored),
        hashlib.sha256(stored).hexdigest(),
        hashlib.sha3_512(stored).hexdigest(),
        hashlib.sha3_512(salted).hexdigest(),
        sealed,
    )


def matches(stored: bytes, body: Body) -> bool:
    """Are these the bytes that the envelope names, by both digests?"""
    return (
        len(stored) == body.bytes
        and hashlib.sha256(stored).hexdigest() == body.sha256
        and hashlib.sha3_512(stored).hexdigest() == body.sha3_512
    )


def recipients_of(stored: bytes, *, where: str = "body") -> tuple[str, ...]:
    """Who can open a sealed body."""
    return tuple(_decode(stored, where).keys)


def _decode(stored: bytes, where: str) -> Sealed:
    try:
        sealed = msgspec.msgpack.decode(stored, type=Sealed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise DetenteError("not a sealed body", where=where) from None
    if sealed.v != 1 or msgspec.msgpack.encode(sealed) != stored:
        raise DetenteError("not a sealed body of version 1", where=where)
    return sealed


def open_body(stored: bytes, body: Body, keys: SecretKeys, *, where: str = "body") -> Opened:
    """The plain bytes. Raises DetenteError for other bytes, another recipient, or a sender that lied.

    AES-GCM does not bind a ciphertext to one key, so the envelope's `opens_to` digest is what makes two
    recipients certain that they read the same.
    """
    from cryptography.exceptions import InvalidTag

    if not matches(stored, body):
        raise DetenteError("the stored bytes are not those that the entry names", where=where)
    salted = stored
    if body.sealed:
        sealed = _decode(stored, where)
        if keys.party not in sealed.keys:
            raise DetenteError(
                f"not encrypted to {keys.party}", where=where, fix=f"to: {', '.join(sealed.keys)}"
            )
        key = _unwrap(sealed.keys[keys.party], keys, where)
        try:
            salted = _cipher(key).decrypt(_NONCE, sealed.text, _INFO + "\n".join(sealed.keys).encode())
        except (InvalidTag, ValueError):
            raise DetenteError("the content key does not open the body", where=where) from None
    return Opened(check_opened(salted, body, where=where), salted)


def _unwrap(wrapped: bytes, keys: SecretKeys, where: str) -> bytes:
    from cryptography.exceptions import InvalidTag

    for pair in reversed(keys.seal):  # a body sealed before a rotation opens with the older key
        try:
            return bytes(_suite().decrypt(wrapped, seal_private(*pair), _INFO + keys.party.encode()))
        except (InvalidTag, ValueError):
            continue
    raise DetenteError(
        f"no key of {keys.party} opens it", where=where, fix="an older key may have been dropped"
    )


def check_opened(salted: bytes, body: Body, *, where: str = "body") -> bytes:
    """The plain bytes of a salted text, if it is the one the entry committed to. Raises DetenteError."""
    if hashlib.sha3_512(salted).hexdigest() != body.opens_to:
        raise DetenteError("it opens to other bytes than its sender signed for", where=where)
    size = int.from_bytes(salted[SALT : SALT + 4], "big")
    plain, rest = salted[SALT + 4 : SALT + 4 + size], salted[SALT + 4 + size :]
    if len(plain) != size or any(rest):
        raise DetenteError("a body whose length is wrong", where=where)
    return plain

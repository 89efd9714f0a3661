"""C2SP signed notes: text with signature lines, the keys that make and check them."""

from __future__ import annotations

import base64
import binascii
import re
import struct
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

import msgspec

from detente.errors import DetenteError
from detente.exchange.strict import check_ed25519, check_mldsa87, sound_key

ED25519 = b"\x01"
COSIGN_ED25519 = b"\x04"
COSIGN_MLDSA44 = b"\x06"
MLDSA87 = b"\xffdetente ML-DSA-87 note/v1\n"  # 0xff: no byte assigned; a longer identifier follows

MAX_NOTE = 1 << 20
MAX_SIGNATURES = 100
_NAME = re.compile(r"[^\s+\x00-\x1f]+", re.UNICODE)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH = "\u2014 "

Check = Callable[[bytes, bytes, str, str], None]
"""``(public key, signature, name, text)``; raises on a wrong signature."""


class Signature(msgspec.Struct, frozen=True):
    """One signature line: who (`name`), which key (`key_id`, 4 bytes), and the raw signature."""

    name: str
    key_id: bytes
    raw: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.raw).decode()}\n"


class Note(msgspec.Struct, frozen=True):
    """A parsed note: its text with the final newline, and its signatures, checked or not."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"


def decode64(text: str, *, where: str = "", length: int | None = None) -> bytes:
    """Strict standard base64. Raises DetenteError for stray bits, characters or a wrong length."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DetenteError("broken base64", where=where) from None
    if base64.b64encode(data).decode() != text or (length is not None and len(data) != length):
        raise DetenteError("base64 that is not canonical or of the wrong length", where=where)
    return data


def parse_note(data: bytes | str, *, where: str = "note") -> Note:
    """The note in `data`. Raises DetenteError for anything the specification does not allow."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_NOTE:
        raise DetenteError(f"{len(raw)} bytes is too long for a signed note", where=where)
    try:
        full = raw.decode("utf-8")
    except UnicodeDecodeError as bad:
        raise DetenteError(f"byte {bad.start} is not UTF-8", where=where) from None
    if _CONTROL.search(full):
        raise DetenteError("a control character in a signed note", where=where)
    text, gap, block = full.rpartition("\n\n")
    if not gap or not block.endswith("\n"):
        raise DetenteError("no signature block", where=where, fix="a note ends in signature lines")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise DetenteError(f"{len(lines)} signatures are too many", where=where)
    return Note(text + "\n", tuple(parse_signature(line, where=where) for line in lines))


def parse_signature(line: str, *, where: str = "note") -> Signature:
    """One signature line without its newline. Raises DetenteError for another form."""
    name, _, coded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not _NAME.fullmatch(name):
        raise DetenteError("a broken signature line", where=where)
    data = decode64(coded, where=where)
    if len(data) < 5:
        raise DetenteError("a signature of no length", where=where)
    return Signature(name, data[:4], data[4:])


def _check_ed25519(public: bytes, signature: bytes, name: str, text: str) -> None:
    check_ed25519(public, signature, text.encode())


def _check_mldsa87(public: bytes, signature: bytes, name: str, text: str) -> None:
    check_mldsa87(public, signature, text.encode())


ALGORITHMS: dict[bytes, tuple[int, Check]] = {  # type -> public key length, check
    ED25519: (32, _check_ed25519),
    MLDSA87: (2592, _check_mldsa87),
}
"""What can be checked. A national algorithm adds itself here; unknown types stay opaque and count nothing."""


class Verifier(msgspec.Struct, frozen=True):
    """A public key under a name: what the specification calls a verifier key (vkey)."""

    name: str
    kind: bytes
    public: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    @property
    def known(self) -> bool:
        return self.kind in ALGORITHMS

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.kind + self.public).decode()}"

    def made(self, signature: Signature) -> bool:
        """Is the line under this key's name and id?"""
        return signature.name == self.name and signature.key_id == self.key_id

    def check(self, signature: Signature, text: str) -> bool:
        """Is the signature on `text` this key's, and right?"""
        from cryptography.exceptions import InvalidSignature

        if not self.made(signature) or not self.known:
            return False
        try:
            ALGORITHMS[self.kind][1](self.public, signature.raw, self.name, text)
        except (InvalidSignature, ValueError, DetenteError):
            return False
        return True


def parse_vkey(text: str, *, where: str = "key") -> Verifier:
    """``<name>+<hex id>+<base64(type || public key)>``. Raises DetenteError where they do not agree.

    A key of a type not known here is kept as it is: it checks nothing and counts nothing.
    """
    if not text.isprintable():  # a lone surrogate of a policy file's opaque bytes among them
        raise DetenteError("a verifier key with unprintable characters", where=where)
    name, _, rest = text.partition("+")
    identity, _, coded = rest.partition("+")
    data = decode64(coded, where=where)
    kind = next((k for k in ALGORITHMS if data.startswith(k)), None)
    if kind is None:
        kind = data[:1]
    elif len(data) - len(kind) != ALGORITHMS[kind][0]:
        raise DetenteError("a public key of the wrong length", where=where)
    key = Verifier(name, kind, data[len(kind) :])
    if not _NAME.fullmatch(name) or key.key_id.hex() != identity.lower() or not key.public:
        raise DetenteError(f"the verifier key of '{name}' does not match its id", where=where)
    if kind in (ED25519, COSIGN_ED25519) and not sound_key(key.public):
        raise DetenteError(f"the Ed25519 key of '{name}' is no point of prime order", where=where)
    return key


def verified(note: Note, keys: Iterable[Verifier], *, where: str = "note") -> list[Verifier]:
    """Which of `keys` signed the note. Raises DetenteError where a known key's signature is wrong."""
    good: list[Verifier] = []
    for key in keys:
        for line in note.signatures:
            if key.made(line) and key.known:
                if not key.check(line, note.text):
                    raise DetenteError(f"the signature of {key.name} is wrong", where=where)
                if key not in good:
                    good.append(key)
    return good


def only_by(note: Note, keys: Iterable[Verifier]) -> Note:
    """The note with the right signatures of `keys` only: what is kept of a head, so that each line can be checked."""
    known = list(keys)
    return Note(note.text, tuple(s for s in note.signatures if any(k.check(s, note.text) for k in known)))


def log_lines(note: Note) -> Note:
    """The note with its log's own signature lines only."""
    origin = note.text.split("\n", 1)[0]
    return Note(note.text, tuple(s for s in note.signatures if s.name == origin))


class Signer(msgspec.Struct, frozen=True):
    """A secret key under a name. `secret`: 32-byte seed (Ed25519, ML-DSA)."""

    name: str
    kind: bytes
    secret: bytes

    @property
    def verifier(self) -> Verifier:
        return Verifier(
            self.name, self.kind, private_key(self.kind, self.secret).public_key().public_bytes_raw()
        )

    def sign(self, text: str, *, at: int | None = None) -> Signature:
        """A signature line on `text`; cosignatures carry the time `at` (POSIX s, now if left out)."""
        key, vkey = private_key(self.kind, self.secret), _verifier_of(self)
        if self.kind in (COSIGN_ED25519, COSIGN_MLDSA44):
            from detente.exchange.cosignature import cosigned_message

            stamp = int(time.time()) if at is None else at
            message = cosigned_message(self.kind, self.name, stamp, text)
            return Signature(self.name, vkey.key_id, struct.pack(">Q", stamp) + key.sign(message))
        return Signature(self.name, vkey.key_id, key.sign(text.encode()))


_CACHE: dict[tuple[bytes, bytes], Any] = {}
_VKEYS: dict[tuple[str, bytes, bytes], Verifier] = {}


def _verifier_of(signer: Signer) -> Verifier:
    key = (signer.name, signer.kind, signer.secret)
    if key not in _VKEYS:
        _VKEYS[key] = signer.verifier
    return _VKEYS[key]


def private_key(kind: bytes, secret: bytes) -> Any:
    """The secret key object of a type; derived once (an ML-DSA key takes 0.3 ms to expand)."""
    from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

    if (kind, secret) not in _CACHE:
        if kind in (ED25519, COSIGN_ED25519):
            _CACHE[kind, secret] = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
        elif kind == COSIGN_MLDSA44:
            _CACHE[kind, secret] = mldsa.MLDSA44PrivateKey.from_seed_bytes(secret)
        elif kind == MLDSA87:
            _CACHE[kind, secret] = mldsa.MLDSA87PrivateKey.from_seed_bytes(secret)
        else:
            raise DetenteError(f"no signer for key type {kind.hex()}")
    return _CACHE[kind, secret]


def sign_note(text: str, signers: Iterable[Signer]) -> Note:
    """`text` signed by all `signers`. Raises DetenteError where the text cannot be a note."""
    note = Note(text, tuple(s.sign(text) for s in signers))
    parse_note(str(note))
    return note

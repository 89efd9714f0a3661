"""The checker's own reader of notes and signatures, from the C2SP texts; shares no code with the writer either."""

from __future__ import annotations

import base64
import hashlib
import struct

Line = tuple[str, bytes, bytes]  # name, key id, signature

_ED25519, _COSIGN, _COSIGN_PQ = b"\x01", b"\x04", b"\x06"
_MLDSA87 = b"\xffdetente ML-DSA-87 note/v1\n"


def split(data: bytes) -> tuple[bytes, list[Line]]:
    """(text, signature lines) of a note. Raises ValueError."""
    text, gap, block = data.rpartition(b"\n\n")
    if not gap or not block.endswith(b"\n"):
        raise ValueError("no signatures")
    return text + b"\n", [read_line(line) for line in block.decode()[:-1].split("\n")]


def read_line(line: str) -> Line:
    """A signature line in its only written form. Raises ValueError."""
    dash, name, coded = line.split(" ")
    raw = base64.b64decode(coded, validate=True)
    if dash != "\u2014" or base64.b64encode(raw).decode() != coded:
        raise ValueError("not a signature line")
    return name, raw[:4], raw[4:]


def verify(vkey: str, line: Line, text: bytes) -> bool:
    """Is the line this key's valid signature on `text`?"""
    name, key_id, coded = vkey.split("+", 2)
    if line[0] != name or line[1].hex() != key_id:
        return False
    raw = base64.b64decode(coded)
    kind = _MLDSA87 if raw.startswith(_MLDSA87) else raw[:1]
    if hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4] != line[1]:
        return False
    try:
        _check(kind, raw[len(kind) :], name, line[2], text)
    except Exception:
        return False
    return True


def cosigned_at(line: Line) -> int:
    """The time in a cosignature (POSIX s)."""
    return int(struct.unpack(">Q", line[2][:8])[0])


def _check(kind: bytes, public: bytes, name: str, signature: bytes, text: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

    if kind == _ED25519:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    elif kind == _MLDSA87:
        mldsa.MLDSA87PublicKey.from_public_bytes(public).verify(signature, text)
    elif kind == _COSIGN:
        when = struct.unpack(">Q", signature[:8])[0]
        message = b"cosignature/v1\ntime %d\n" % when + text
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature[8:], message)
    elif kind == _COSIGN_PQ:
        origin, size, root = text.split(b"\n")[:3]
        head = bytes([len(name)]) + name.encode() + signature[:8] + bytes([len(origin)]) + origin
        message = b"subtree/v1\n\0" + head + struct.pack(">QQ", 0, int(size)) + base64.b64decode(root)
        mldsa.MLDSA44PublicKey.from_public_bytes(public).verify(signature[8:], message)
    else:
        raise ValueError("unknown key type")


def differ(held: bytes, true: bytes) -> str:
    """``" byte N"``: the first byte where what is held is not what it should be; empty where nothing differs."""
    if held == true:
        return ""
    pairs = enumerate(zip(held, true, strict=False))
    return f" byte {next((i for i, (a, b) in pairs if a != b), min(len(held), len(true)))}"

"""C2SP tlog-cosignature: a witness's timed statement on a checkpoint (Ed25519 v1, ML-DSA-44 subtree/v1)."""

from __future__ import annotations

import struct

from detente.errors import DetenteError
from detente.exchange.checkpoint import parse_text
from detente.exchange.merkle import EMPTY
from detente.exchange.note import ALGORITHMS, COSIGN_ED25519, COSIGN_MLDSA44, Signature
from detente.exchange.strict import check_ed25519, check_mldsa44


def cosigned_message(kind: bytes, name: str, stamp: int, text: str) -> bytes:
    """The bytes that a cosigner signs. `stamp`: POSIX seconds; `text`: the checkpoint's note text.

    The ML-DSA message covers no extension lines, so a checkpoint that has some has no such cosignature here.
    Source: c2sp.org/tlog-cosignature, "Ed25519 signed message" and "ML-DSA-44 signed message".
    """
    if not 0 <= stamp < 1 << 63:
        raise DetenteError(f"{stamp} is not a POSIX time")
    head = parse_text(text)
    if kind == COSIGN_ED25519:
        return f"cosignature/v1\ntime {stamp}\n{text}".encode()
    if head.extensions or (head.size == 0 and head.root != EMPTY):
        raise DetenteError("extension lines, or an empty tree with a root", where=name)
    origin, cosigner = head.origin.encode(), name.encode()
    if not (0 < len(origin) < 256 and 0 < len(cosigner) < 256):
        raise DetenteError("names in a cosignature are 1 to 255 bytes", where=name)
    return b"".join(
        (
            b"subtree/v1\n\0",
            struct.pack(">B", len(cosigner)) + cosigner,
            struct.pack(">Q", stamp),
            struct.pack(">B", len(origin)) + origin,
            struct.pack(">QQ", 0, head.size),
            head.root,
        )
    )


def cosigned_at(signature: Signature) -> int:
    """When the cosigner says it signed (POSIX seconds). A claim, as every clock of another party is."""
    return int(struct.unpack(">Q", signature.raw[:8])[0])


def _split(signature: bytes) -> tuple[int, bytes]:
    if len(signature) <= 8:
        raise DetenteError("a cosignature without a time")
    return struct.unpack(">Q", signature[:8])[0], signature[8:]


def _check_ed25519(public: bytes, signature: bytes, name: str, text: str) -> None:
    stamp, raw = _split(signature)
    check_ed25519(public, raw, cosigned_message(COSIGN_ED25519, name, stamp, text))


def _check_mldsa44(public: bytes, signature: bytes, name: str, text: str) -> None:
    stamp, raw = _split(signature)
    check_mldsa44(public, raw, cosigned_message(COSIGN_MLDSA44, name, stamp, text))


ALGORITHMS[COSIGN_ED25519] = (32, _check_ed25519)
ALGORITHMS[COSIGN_MLDSA44] = (1312, _check_mldsa44)

"""One door to the three verifiers: the same file in, the same statement out, or a refusal with its reason."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import msgspec

from detente.disclosure import native, plain
from detente.disclosure.container import COMPACT_VERSION, read_proof
from detente.disclosure.group import available
from detente.disclosure.native import Refused
from detente.disclosure.statement import Head
from detente.errors import DetenteError, nearest

__all__ = ["HOW", "Expected", "Refused", "check_context", "verify"]


def _plain(data: bytes) -> None:
    try:
        plain.verify(data)
    except plain.Invalid as reason:
        raise Refused(str(reason)) from None


def _batch(data: bytes) -> None:
    if importlib.util.find_spec("numba") is None:
        raise DetenteError(
            "the batch verifier needs numba", fix="pip install 'detente[proofs]', or use another"
        )
    from detente.disclosure import batch

    try:
        batch.verify(data)
    except batch.BatchInvalid as reason:
        raise Refused(str(reason)) from None


def _native(data: bytes) -> None:
    native.verify(data)


def _all(data: bytes) -> None:
    """Every verifier this machine has; they must agree."""
    ways = [_plain]
    ways += [_native] if available() else []
    ways += [_batch] if importlib.util.find_spec("numba") else []
    verdicts: list[str] = []
    for way in ways:
        try:
            way(data)
            verdicts.append("")
        except DetenteError as bad:
            verdicts.append(str(bad))
    if all(verdicts):
        raise Refused(verdicts[0])
    if any(verdicts):
        raise Refused("the verifiers disagree; keep this file and report it: " + " | ".join(verdicts))


def _best(data: bytes) -> None:
    (_native if available() else _plain)(data)


HOW: dict[str, Callable[[bytes], None]] = {
    "best": _best,
    "native": _native,
    "plain": _plain,
    "batch": _batch,
    "all": _all,
}


def verify(data: bytes, how: str = "best") -> Head:
    """The statement that a proof file proves.

    `how`: native (libsodium), plain (no native code), batch (numba), all of them, or best (native where there is a
    libsodium, else plain). Raises Refused where the proof does not hold, DetenteError for an unknown way.
    """
    if how not in HOW:
        raise DetenteError(f"no verifier '{how}'", fix=nearest(how, HOW))
    if data.startswith(COMPACT_VERSION.encode()):
        return _compact(data)
    HOW[how](data)
    return read_proof(data).head


def _compact(data: bytes) -> Head:
    """A compact proof has one verifier, whatever was asked for."""
    if importlib.util.find_spec("numba") is None or not available():
        raise DetenteError(
            "a compact proof needs libsodium and numba",
            fix="pip install 'detente[proofs]', or ask for the full proof",
        )
    from detente.disclosure import compact

    return compact.verify(data)


class Expected(msgspec.Struct, frozen=True):
    """What the reader knows from elsewhere; an empty field is not compared."""

    treaty: str = ""
    digest: str = ""
    day: str = ""
    party: str = ""
    exchange: int | None = None
    root: str = ""
    origin: str = ""
    size: int | None = None


def check_context(head: Head, expected: Expected) -> None:
    """Raises Refused where a valid proof is of another treaty, party, exchange, log or escrow than expected."""
    pairs = (
        ("treaty", expected.treaty or None, head.treaty.id),
        ("treaty text", expected.digest or None, head.treaty.digest),
        ("day", expected.day or None, head.treaty.day),
        ("party", expected.party or None, head.party),
        ("exchange", expected.exchange, head.exchange),
        ("escrow root", expected.root.casefold() or None, head.root),
        ("log", expected.origin or None, head.log.origin),
        ("log size", expected.size, head.log.size),
    )
    for name, wanted, found in pairs:
        if wanted is not None and wanted != found:
            raise Refused(f"the proof is of another {name}: {str(found)[:80]}, not {str(wanted)[:80]}")

"""What a node answers its peers: resources of every log it holds, pushes, witness requests, urgent entries."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

import msgspec

from detente.errors import DetenteError
from detente.exchange.body import MAX_BODY
from detente.exchange.checkpoint import parse_checkpoint
from detente.exchange.expiry import dated_sizes, lines_of
from detente.exchange.mirror import Mirror, Push, get_body, put_body
from detente.exchange.node import Node
from detente.exchange.note import Verifier
from detente.exchange.witness import Answer, add_checkpoint, parse_request

MAX_REQUEST = 2 * MAX_BODY
BINARY = "application/octet-stream"


class Reply(msgspec.Struct, frozen=True):
    """An HTTP reply."""

    status: int
    data: bytes = b""
    media: str = "text/plain; charset=utf-8"


class Urgent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry delivered ahead of its log, with its body."""

    entry: bytes
    body: bytes = b""


class Bucket:
    """A token bucket per peer: `rate` requests a second, bursts of `burst`."""

    def __init__(self, rate: float = 200.0, burst: float = 400.0) -> None:
        self.rate, self.burst = rate, burst
        self._state: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, peer: str) -> bool:
        """May `peer` make another request now?"""
        with self._lock:
            now = time.monotonic()
            tokens, at = self._state.get(peer, (self.burst, now))
            tokens = min(self.burst, tokens + (now - at) * self.rate)
            self._state[peer] = (tokens - 1 if tokens >= 1 else tokens, now)
            return tokens >= 1


class Service:
    """The peer protocol over a node; the HTTP face only carries it."""

    def __init__(self, node: Node, bucket: Bucket | None = None) -> None:
        self.node, self.bucket = node, bucket or Bucket()

    def answer(self, peer: str, method: str, path: str, data: bytes = b"") -> Reply:
        """The reply to a request of the party `peer` (already authenticated). Never raises for bad input."""
        if peer not in self.node.annex.parties or peer == self.node.party:
            return Reply(403, b"not a party\n")
        if not self.bucket.take(peer):
            return Reply(429, b"slow down\n")
        if len(data) > MAX_REQUEST:
            return Reply(413, b"too long\n")
        try:
            return self._route(peer, method, path.strip("/"), data)
        except DetenteError as bad:
            status = 404 if method == "GET" else 400
            return Reply(status, f"{bad}\n".encode())

    def _route(self, peer: str, method: str, path: str, data: bytes) -> Reply:
        match method, path.split("/", 2):
            case "GET", ["log", party, "checkpoint"]:
                return Reply(200, str(self._head(party)).encode())
            case "GET", ["log", party, "dated"]:
                self.node.log_of(party)
                return Reply(200, "\0".join(dating(self.node, party)).encode())
            case "GET", ["log", party, resource]:
                return Reply(200, self.node.log_of(party).resource(resource), BINARY)
            case "GET", ["body", digest]:
                return Reply(200, get_body(self.node.store, digest), BINARY)
            case "POST", ["add-checkpoint"]:
                return self._text(self._cosign(data))
            case "POST", ["push"]:
                return self._text(self._push(peer, data))
            case "POST", ["urgent"]:
                return self._urgent(peer, data)
            case "POST", ["gossip"]:
                return self._gossip(data)
        return Reply(404, b"no such resource\n")

    @staticmethod
    def _text(answer: Answer) -> Reply:
        return Reply(answer.status, answer.body.encode(), answer.media)

    def _head(self, party: str) -> Any:
        log = self.node.log_of(party)
        size = log.size
        if not size:
            raise DetenteError("an empty log", where=party)
        return log.cosigned(size)

    def _mirror_of(self, origin: str) -> Mirror | None:
        keys = self.node.annex.by_origin(origin)
        return self.node.mirrors.get(keys.party) if keys else None

    def _cosign(self, data: bytes) -> Answer:
        def keys_of(origin: str) -> tuple[Verifier, ...]:
            mirror = self._mirror_of(origin)
            return mirror.log_keys() if mirror else ()

        def suspect(head: Any, note: Any) -> None:
            mirror = self._mirror_of(head.origin)
            if mirror is not None and mirror.accuse(note) is None:
                mirror.suspect(head, note)

        return add_checkpoint(
            self.node.store,
            data,
            keys_of,
            self.node.keys.signers("witness"),
            now=self.node.clock,
            suspect=suspect,
        )

    def _push(self, peer: str, data: bytes) -> Answer:
        try:
            push = msgspec.msgpack.decode(data, type=Push)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
            return Answer(400, f"not a push: {bad}\n")
        return self.node.mirror(peer).receive(push)

    def _urgent(self, peer: str, data: bytes) -> Reply:
        try:
            urgent = msgspec.msgpack.decode(data, type=Urgent)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Reply(400, b"not an urgent entry\n")
        act = self.node.urgent(urgent.entry)
        if act.party != peer:
            return Reply(403, b"an entry of another party\n")
        body = act.envelope.body
        if body and urgent.body:
            if hashlib.sha256(urgent.body).hexdigest() != body.sha256:
                return Reply(422, b"the body does not match\n")
            with self.node.store.write():
                put_body(self.node.store, body.sha256, urgent.body)
        return Reply(200, f"{act.leaf}\n{int(self.node.clock())}\n".encode())

    def _gossip(self, data: bytes) -> Reply:
        """Heads that the peer holds, compared with ours: this is how two victims of a fork find each other."""
        found = 0
        for text in data.decode("utf-8", "replace").split("\0"):
            head, note = parse_checkpoint(text, where="gossip")
            mirror = self._mirror_of(head.origin)
            if mirror is not None and mirror.log.size and mirror._signed(note, mirror.log_keys()):
                held = mirror.log.head()
                if held and head.size <= held.checkpoint.size and mirror.accuse(note):
                    found += 1
        return Reply(200, f"{found}\n".encode())


def dating(node: Node, party: str) -> tuple[str, ...]:
    """The heads of a party's log that show what it had logged when its expired keys ended (`expiry.py`)."""
    log = node.log_of(party)
    keys = lines_of(node.store, node.annex, party)
    return tuple(str(log.cosigned(size)) for size in dated_sizes(log, keys, node.clock()))


def gossip_of(node: Node) -> bytes:
    """Our heads of every other party's log, for `POST /gossip`."""
    heads = [m.log.head() for m in node.mirrors.values()]
    return "\0".join(str(h.note) for h in heads if h).encode()


def parse_cosignatures(text: bytes) -> str:
    """The signature lines of an add-checkpoint or push reply. Raises DetenteError for other text."""
    from detente.exchange.note import parse_note

    return "".join(str(s) for s in parse_note(b"x\n\n" + text, where="cosignatures").signatures)


__all__ = [
    "Bucket",
    "Reply",
    "Service",
    "Urgent",
    "dating",
    "gossip_of",
    "parse_cosignatures",
    "parse_request",
]

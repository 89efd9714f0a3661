"""Which TLS certificates speak for which party now: those that the annex or the party's own log names."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time

import msgspec

from detente.asof import parse_moment
from detente.exchange.node import Node
from detente.exchange.records import first_cosigned


def fingerprint(pem: str) -> str:
    """SHA-256 of a certificate's DER bytes (hex)."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def shown(node: Node) -> tuple[str, str]:
    """The (key, certificate) in PEM that this node shows now.

    The newest, as soon as every other party holds the entry that announces it; until then, within the overlap, the
    one before: who has not read the announcement could not accept another.
    """
    keys = node.keys
    if keys.tls_old and node.clock() < parse_moment(keys.tls_old_until).timestamp():
        told = max((a.index for a in node.acts(act="key", party=node.party)), default=-1)
        if set(node.mirrors) - set(first_cosigned(node, node.party, told)):
            return keys.tls_old
    return keys.tls_key, keys.tls_cert


class View(msgspec.Struct, frozen=True):
    """The certificates at one moment. `parties`: by fingerprint; `pems`: by party; `own`: what we show."""

    parties: dict[str, str]
    pems: dict[str, tuple[str, ...]]
    own: tuple[str, str]


class Pins:
    """The view of a node, renewed once a second: a certificate in the log counts as soon as it is mirrored."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._lock = threading.Lock()
        self._view: tuple[float, int, View] | None = None

    def view(self) -> View:
        """The certificates that count now."""
        with self._lock:
            at, second = time.monotonic(), int(self.node.clock())
            if self._view is None or at - self._view[0] > 1 or second != self._view[1]:
                self.node.refresh()
                now = self.node.clock()
                pems = {p: self.node.keys_now(p).certificates(now) for p in self.node.mirrors}
                marks = {fingerprint(pem): p for p, several in pems.items() for pem in several}
                self._view = (at, second, View(marks, pems, shown(self.node)))
            return self._view[2]

    def party(self, mark: str) -> str | None:
        """Whose certificate has this fingerprint; None for nobody's."""
        return self.view().parties.get(mark)

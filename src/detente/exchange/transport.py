"""HTTPS to the peers: mutual TLS 1.3, each side known by the certificate that the key annex pins."""

from __future__ import annotations

import hashlib
import ssl
import tempfile
from pathlib import Path
from typing import Any

import httpx

from detente.errors import DetenteError
from detente.exchange.keys import Annex, write_private
from detente.exchange.node import Node
from detente.exchange.service import MAX_REQUEST, Reply


def fingerprint(pem: str) -> str:
    """SHA-256 of a certificate's DER bytes (hex)."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def pinned(annex: Annex, party: str = "") -> str:
    """The certificates trusted: one party's, or all."""
    return "".join(k.tls for p, k in annex.parties.items() if party in ("", p))


class HttpsTransport:
    """Carries requests over mutual TLS; each peer must show exactly the certificate that the annex pins."""

    def __init__(self, node: Node, timeout: float = 10.0) -> None:
        self.node, self.timeout = node, timeout
        self._clients: dict[str, Any] = {}

    def _client(self, party: str) -> Any:
        if party not in self._clients:
            keys = self.node.annex.of(party)
            if not keys.url:
                raise DetenteError(f"no address of {party} is known", fix="detente node peer PARTY URL")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.check_hostname = False  # the pinned certificate itself is the identity
            context.load_verify_locations(cadata=pinned(self.node.annex, party))
            with tempfile.TemporaryDirectory() as folder:
                cert = Path(folder) / "cert.pem"
                write_private(cert, (self.node.keys.tls_key + self.node.keys.tls_cert).encode())
                context.load_cert_chain(str(cert))
            self._clients[party] = httpx.Client(
                base_url=keys.url, verify=context, timeout=self.timeout, trust_env=False
            )
        return self._clients[party]

    def __call__(self, party: str, method: str, path: str, data: bytes = b"") -> Reply:
        try:
            reply = self._client(party).request(method, f"/{path}", content=data)
        except httpx.HTTPError as bad:
            raise ConnectionError(f"{type(bad).__name__}: {bad}") from None
        if len(reply.content) > 2 * MAX_REQUEST:
            raise ConnectionError("an over-long reply")
        return Reply(reply.status_code, reply.content, reply.headers.get("content-type", ""))

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

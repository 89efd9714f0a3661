"""HTTPS to the peers: mutual TLS 1.3, each side known by the certificate that the annex or its log pins."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path
from typing import Any

import httpx

from detente.errors import DetenteError
from detente.exchange.keys import write_private
from detente.exchange.node import Node
from detente.exchange.pins import Pins, fingerprint
from detente.exchange.service import MAX_REQUEST, Reply

__all__ = ["HttpsTransport", "fingerprint"]


class HttpsTransport:
    """Carries requests over mutual TLS; each peer must show a certificate that is pinned for it now."""

    def __init__(self, node: Node, timeout: float = 10.0) -> None:
        self.node, self.timeout, self.pins = node, timeout, Pins(node)
        self._clients: dict[str, tuple[Any, Any]] = {}

    def _client(self, party: str) -> Any:
        """The client for a party; made anew when its certificates, its address or our own certificate change."""
        view, url = self.pins.view(), self.node.keys_now(party).url
        if not url:
            raise DetenteError(f"no address of {party} is known", fix="its card names none")
        basis = (view.pems[party], view.own, url)
        held = self._clients.get(party)
        if held is None or held[0] != basis:
            if held is not None:
                held[1].close()
            client = httpx.Client(
                base_url=url, verify=context_for(*basis[:2]), timeout=self.timeout, trust_env=False
            )
            self._clients[party] = (basis, client)
        return self._clients[party][1]

    def __call__(self, party: str, method: str, path: str, data: bytes = b"") -> Reply:
        try:
            reply = self._client(party).request(method, f"/{path}", content=data)
        except httpx.HTTPError as bad:
            raise ConnectionError(f"{type(bad).__name__}: {bad}") from None
        if len(reply.content) > 2 * MAX_REQUEST:
            raise ConnectionError("an over-long reply")
        return Reply(reply.status_code, reply.content, reply.headers.get("content-type", ""))

    def close(self) -> None:
        for _, client in self._clients.values():
            client.close()
        self._clients.clear()


def context_for(trusted: tuple[str, ...], own: tuple[str, str]) -> ssl.SSLContext:
    """A client's TLS context that believes `trusted` certificates only and shows its `own` (key, certificate)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the pinned certificate itself is the identity
    context.load_verify_locations(cadata="".join(trusted))
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "cert.pem"
        write_private(chain, "".join(own).encode())
        context.load_cert_chain(str(chain))
    return context

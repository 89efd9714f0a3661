"""The HTTP face: Litestar with OpenAPI, mutual TLS with the annex's pinned certificates, loopback by default."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from anyio import to_thread
from litestar import Litestar, Request, Response, get, post
from litestar.openapi import OpenAPIConfig
from litestar.params import FromPath
from uvicorn.protocols.http.h11_impl import H11Protocol

from detente.exchange.keys import write_private
from detente.exchange.node import Node
from detente.exchange.pins import Pins, View
from detente.exchange.service import MAX_REQUEST, Reply, Service


def make_app(node: Node, service: Service | None = None, pins: Pins | None = None) -> Any:
    """The ASGI application. Who calls is known by the TLS certificate, put in the scope by the server."""
    known = pins or Pins(node)
    handler = service or Service(node)

    async def call(request: Request[Any, Any, Any], path: str, data: bytes = b"") -> Response[bytes]:
        peer = known.party((request.scope.get("state") or {}).get("peer", ""))
        if peer is None:  # also on an open line whose certificate has ended since
            return Response(b"", status_code=403, media_type="text/plain")
        reply: Reply = await to_thread.run_sync(handler.answer, peer, request.method, path, data)
        return Response(reply.data, status_code=reply.status, media_type=reply.media)

    @get("/log/{party:str}/checkpoint", summary="The latest cosigned checkpoint (tlog-tiles)")
    async def checkpoint(request: Request[Any, Any, Any], party: FromPath[str]) -> Response[bytes]:
        return await call(request, f"log/{party}/checkpoint")

    @get("/log/{party:str}/dated", summary="Heads that date the entries under keys that have expired")
    async def dated(request: Request[Any, Any, Any], party: FromPath[str]) -> Response[bytes]:
        return await call(request, f"log/{party}/dated")

    @get("/log/{party:str}/tile/{resource:path}", summary="A tile or entry bundle (tlog-tiles)")
    async def tile(
        request: Request[Any, Any, Any], party: FromPath[str], resource: FromPath[str]
    ) -> Response[bytes]:
        return await call(request, f"log/{party}/tile/{resource.lstrip('/')}")

    @get("/body/{digest:str}", summary="A stored body by its SHA-256")
    async def body(request: Request[Any, Any, Any], digest: FromPath[str]) -> Response[bytes]:
        return await call(request, f"body/{digest}")

    @post("/add-checkpoint", summary="Cosign a checkpoint (tlog-witness v1)", status_code=200)
    async def witness(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await call(request, "add-checkpoint", await request.body())

    @post("/push", summary="Take in entries and bodies, and cosign as a mirror", status_code=200)
    async def push(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await call(request, "push", await request.body())

    @post("/urgent", summary="Take in one entry ahead of its log", status_code=200)
    async def urgent(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await call(request, "urgent", await request.body())

    @post("/gossip", summary="Compare the heads that two parties hold of a third", status_code=200)
    async def gossip(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await call(request, "gossip", await request.body())

    return Litestar(
        [checkpoint, dated, tile, body, witness, push, urgent, gossip],
        openapi_config=OpenAPIConfig(title="detente node", version="1"),
        request_max_body_size=MAX_REQUEST,
        logging_config=None,
    )


def serve(node: Node, *, log_level: str = "warning", ready: Any = None) -> None:
    """Run the node's server until it is stopped. Raises DetenteError where the port is taken."""
    server = make_server(node, log_level=log_level)
    if ready is not None:
        ready(server)
    server.run()


def make_server(node: Node, *, log_level: str = "warning") -> Any:
    """A uvicorn server with mutual TLS: without a pinned certificate no byte of HTTP is read.

    Every second it takes up what the logs say of certificates: the others' new pins, and our own next one.
    """
    pins = Pins(node)

    class Pinned(H11Protocol):
        """Puts the caller's certificate into the scope; hangs up on one that is not pinned now."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            tls = transport.get_extra_info("ssl_object")
            der = tls.getpeercert(binary_form=True) if tls else None
            mark = hashlib.sha256(der).hexdigest() if der else ""
            if pins.party(mark) is None:
                transport.abort()
            self.app_state = {**self.app_state, "peer": mark}

    folder = node.home / "tls"
    view = pins.view()
    _write(folder, view.own)
    write_private(folder / "peers.pem", _pems(view).encode())

    async def renew() -> None:
        nonlocal view
        fresh = await to_thread.run_sync(pins.view)
        assert config.ssl is not None
        if fresh.pems != view.pems and _pems(fresh):
            config.ssl.load_verify_locations(cadata=_pems(fresh))  # what has ended is refused by its mark
        if fresh.own != view.own:
            _write(folder, fresh.own)
            config.ssl.load_cert_chain(str(folder / "cert.pem"), str(folder / "key.pem"))
        view = fresh

    config = uvicorn.Config(
        make_app(node, pins=pins),
        host=node.config.host,
        port=node.config.port,
        http=Pinned,
        ssl_keyfile=str(folder / "key.pem"),
        ssl_certfile=str(folder / "cert.pem"),
        ssl_ca_certs=str(folder / "peers.pem"),
        ssl_cert_reqs=ssl.CERT_REQUIRED,
        log_level=log_level,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
        limit_concurrency=64,
        callback_notify=renew,
        timeout_notify=1,
    )
    config.load()
    assert config.ssl is not None
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    return uvicorn.Server(config)


def _pems(view: View) -> str:
    return "".join(pem for several in view.pems.values() for pem in several)


def _write(folder: Path, own: tuple[str, str]) -> None:
    write_private(folder / "key.pem", own[0].encode())
    write_private(folder / "cert.pem", own[1].encode())

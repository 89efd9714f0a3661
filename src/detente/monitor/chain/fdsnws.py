"""FDSN web services 1.x over what was found: event, station and, with an archive, dataselect."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from litestar import Litestar, Request, Response, get, route
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException

from detente.errors import DetenteError
from detente.monitor.bulletin.times import iso
from detente.monitor.chain.fdsnws_events import CATALOG, events
from detente.monitor.chain.fdsnws_params import SERVICES, VERSION, TooLargeError, parse, wadl
from detente.monitor.chain.fdsnws_records import records
from detente.monitor.chain.fdsnws_stations import stations
from detente.monitor.waves.sds import Archive

Ask = Callable[[list[dict[str, Any]]], tuple[bytes, str]]
_MOST_BODY = 1 << 20
_SAID = {404: "nothing here", 405: "GET, and POST for station and dataselect"}
_MOST_LINES = 2000


def create_app(
    store: Path,
    *,
    inventory: Any = None,
    sds: Path | None = None,
    clock: Callable[[], float] | None = None,
) -> Litestar:
    """The services over a store of bulletins, an obspy inventory and an SDS archive; what is missing is not served."""
    import time

    asks: dict[str, Ask] = {"event": lambda asked: events(store, asked[0])}
    if inventory is not None:
        asks["station"] = lambda asked: stations(inventory, asked)
    if sds is not None:
        asks["dataselect"] = lambda asked: records(Archive(sds), asked)
    now = clock or time.time

    @route("/fdsnws/{service:str}/1/query", http_method=[HttpMethod.GET, HttpMethod.POST])
    async def query(request: Request[Any, Any, Any]) -> Response[Any]:
        service = str(request.path_params["service"])
        if service not in asks:
            return _error(404, "no such service here", request, now())
        body = await request.body() if request.method == "POST" else b""
        pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        import asyncio

        return await asyncio.to_thread(_answer, service, asks[service], pairs, body, request, now)

    @get("/fdsnws/{service:str}/1/{what:str}", sync_to_thread=False)
    def about(request: Request[Any, Any, Any]) -> Response[Any]:
        service, what = (str(request.path_params[k]) for k in ("service", "what"))
        made = _about(service, what, str(request.base_url).rstrip("/")) if service in asks else None
        if made is None:
            return _error(404, "nothing here", request, now())
        return Response(made[0].encode(), media_type=made[1])

    @get("/", sync_to_thread=False)
    def root() -> Response[Any]:
        lines = [f"/fdsnws/{s}/1/application.wadl" for s in SERVICES if s in asks]
        return Response("\n".join(lines).encode() + b"\n", media_type="text/plain")

    def failed(request: Request[Any, Any, Any], bad: Exception) -> Response[Any]:
        code = bad.status_code if isinstance(bad, HTTPException) else 500
        return _error(code, _SAID.get(code, "this server failed; the request may be right"), request, now())

    return Litestar([query, about, root], openapi_config=None, exception_handlers={Exception: failed})


def _about(service: str, what: str, base: str) -> tuple[str, str] | None:
    if what == "version":
        return VERSION, "text/plain"
    if what == "application.wadl":
        return wadl(service, base), "application/xml"
    if service == "event" and what in ("catalogs", "contributors"):
        one = what[:-1].capitalize()
        text = f'<?xml version="1.0"?>\n<{what.capitalize()}><{one}>{CATALOG}</{one}></{what.capitalize()}>\n'
        return text, "application/xml"
    return None


def _answer(
    service: str,
    ask: Ask,
    pairs: list[tuple[str, str]],
    body: bytes,
    request: Request[Any, Any, Any],
    now: Callable[[], float],
) -> Response[Any]:
    try:
        asked = [parse(service, p) for p in (_posted(body) if body else [pairs])]
        data, media = ask(asked)
    except TooLargeError as bad:
        return _error(413, str(bad), request, now())
    except DetenteError as bad:
        return _error(400, str(bad), request, now())
    if not data:
        if asked[0]["nodata"] == "404":
            return _error(404, "no data", request, now())
        return Response(b"", status_code=204)
    return Response(data, status_code=200, media_type=media)


def _posted(body: bytes) -> list[list[tuple[str, str]]]:
    """The requests of a POST: name=value lines for all, then NET STA LOC CHA START END lines, one request each."""
    if len(body) > _MOST_BODY:
        raise TooLargeError(f"a request of {len(body)} bytes")
    common: list[tuple[str, str]] = []
    found: list[list[tuple[str, str]]] = []
    names = ("network", "station", "location", "channel", "starttime", "endtime")
    for number, line in enumerate(body.decode("utf-8", "replace").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if "=" in line and len(words) < 6:
            name, _, value = line.partition("=")
            common.append((name.strip(), value.strip()))
        elif len(words) == 6:
            found.append(
                [(n, w) for n, w in zip(names, words, strict=True) if w != "*" or n not in names[4:]]
            )
        else:
            raise DetenteError(f"line {number} is neither name=value nor NET STA LOC CHA START END")
    if len(found) > _MOST_LINES:
        raise TooLargeError(f"{len(found)} lines", fix=f"ask for {_MOST_LINES} at most")
    return [[*common, *lines] for lines in found] or [common]


def _error(code: int, said: str, request: Request[Any, Any, Any], now: float) -> Response[Any]:
    text = (
        f"Error {code}: {HTTPStatus(code).phrase}\n\n{said}\n\nUsage details are available from application.wadl\n\n"
        f"Request:\n{request.url}\n\nRequest Submitted:\n{iso(now)}\n\nService version:\n{VERSION}\n"
    )
    return Response(text.encode(), status_code=code, media_type="text/plain")

"""What every reply carries and every error becomes: no request to any other host, one clear line for a fault."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from detente.errors import DetenteError

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""`unsafe-inline` is for styles only: the charts' library writes a style element into each figure."""


def only_for(hosts: Iterable[str]) -> Callable[[Request[Any, Any, Any]], Response[bytes] | None]:
    """A check that a request names one of `hosts`: else a stranger's page could reach us by a name of its own."""
    known = frozenset(hosts)

    def check(request: Request[Any, Any, Any]) -> Response[bytes] | None:
        name = request.headers.get("host", "").casefold()
        name = name if name.endswith("]") else name.rpartition(":")[0] or name
        if name in known or "*" in known:
            return None
        return problem(Problem("Not for this host", 421, f"this server is not '{name[:60]}'", "use --host"))

    return check


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457: what is wrong, where, and what to do."""

    title: str
    status: int
    detail: str
    fix: str = ""
    type: str = "about:blank"


def refused(request: Request[Any, Any, Any], bad: Exception) -> Response[bytes]:
    """A question that cannot be answered: 400 with one line."""
    assert isinstance(bad, DetenteError)
    where = f"{bad.where}: " if bad.where else ""
    return problem(Problem("The question cannot be answered", 400, where + bad.what, bad.fix))


def missing(request: Request[Any, Any, Any], bad: HTTPException) -> Response[bytes]:
    """What the framework refuses: an unknown path, a method, a parameter of the wrong kind."""
    extra = bad.extra if isinstance(bad.extra, list) else []
    said = "; ".join(f"{x.get('key')}: {x.get('message')}" for x in extra if isinstance(x, dict))
    title = {404: "Not found", 405: "Not allowed", 401: "The node's key is needed"}.get(
        bad.status_code, "Refused"
    )
    found = problem(Problem(title, bad.status_code, said or bad.detail))
    for name, value in (bad.headers or {}).items():
        found.set_header(name, value)
    return found


def broken(request: Request[Any, Any, Any], bad: Exception) -> Response[bytes]:
    """A fault of ours: its kind in one line, the rest in the log."""
    logging.getLogger("detente.web").error("a fault in answering %s", request.url.path, exc_info=bad)
    return problem(Problem("A fault in detente", 500, f"{type(bad).__name__}: please report it"))


def problem(p: Problem) -> Response[bytes]:
    """The reply."""
    return Response(msgspec.json.encode(p), status_code=p.status, media_type="application/problem+json")

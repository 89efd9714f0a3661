"""The workbench's server: the briefing of any day as a page, and the rooms' answers as read-only JSON."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.params import FromPath, FromQuery

from detente import __version__
from detente.asof import AsOf, parse_day
from detente.errors import DetenteError

KINDS = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
}


@lru_cache(maxsize=8)
def briefing(day: date) -> dict[str, bytes]:
    """Every file of the briefing of a day, by name."""
    from detente.brief.content import gather
    from detente.brief.page import files

    return files(gather(day))


def create_app() -> Litestar:
    """The application. Nothing it serves changes anything, and its pages ask nothing of any other host."""

    def answer(value: Any) -> Response[bytes]:
        return Response(msgspec.json.encode(value, order="deterministic"), media_type=KINDS["json"])

    @get("/", sync_to_thread=True)
    def page(as_of: FromQuery[str] = "") -> Response[bytes]:
        """The briefing of a day (today)."""
        return Response(briefing(_day(as_of))["index.html"], media_type=KINDS["html"])

    @get("/files/{name:str}", sync_to_thread=True)
    def file(name: FromPath[str], as_of: FromQuery[str] = "") -> Response[bytes]:
        """One file of the briefing: brief.json, or a figure as .svg or .png."""
        made = briefing(_day(as_of))
        if name not in made:
            raise NotFoundException(f"no file '{name}'; there are {', '.join(sorted(made))}")
        return Response(made[name], media_type=KINDS[name.rpartition(".")[2]])

    @get("/api/v1/treaties", sync_to_thread=True)
    def treaties(as_of: FromQuery[str] = "", known: FromQuery[str] = "") -> Response[bytes]:
        """Every instrument of the library with its status on a day."""
        from detente.treaty import instrument_ids, load, resolve

        clocks = AsOf.on(_day(as_of), known=known or None)
        laws = [resolve(load(name), clocks) for name in instrument_ids()]
        return answer(
            [{"id": x.instrument.id, "title": x.instrument.title, "status": x.status()} for x in laws]
        )

    @get("/api/v1/assess/{name:str}", sync_to_thread=True)
    def assess(
        name: FromPath[str],
        as_of: FromQuery[str] = "",
        known: FromQuery[str] = "",
        viewpoint: FromQuery[str] = "",
    ) -> Response[bytes]:
        """Every limit of an instrument on a day, by what its parties declared."""
        from detente.assess.compliance import assess_law
        from detente.treaty import instrument_ids, load

        if name not in instrument_ids():  # a path of this machine is no library id
            raise NotFoundException(f"no instrument '{name}'")
        return answer(assess_law(load(name), AsOf.on(_day(as_of), known=known or None), viewpoint))

    @get("/api/v1/claims", sync_to_thread=True)
    def claims(as_of: FromQuery[str] = "") -> Response[bytes]:
        """The public claims made by a day, assessed as known on it."""
        from detente.assess.section import claims_section

        return answer(claims_section(_day(as_of)))

    return Litestar(
        [page, file, treaties, assess, claims],
        openapi_config=OpenAPIConfig(title="detente", version=__version__),
        exception_handlers={DetenteError: _refused},
    )


def _day(text: str) -> date:
    return parse_day(text) if text else date.today()


def _refused(request: Request[Any, Any, Any], bad: Exception) -> Response[dict[str, str]]:
    return Response({"error": str(bad)}, status_code=400)

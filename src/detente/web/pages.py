"""The pages: the built workbench where it is there, the briefing of any day in every case."""

from __future__ import annotations

import mimetypes
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from anyio import to_thread
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from detente.asof import parse_day
from detente.brief.held import Held, fresh
from detente.web.jobs import TURN

STATIC = Path(__file__).parent / "static"
HOW_TO_BUILD = "the workbench's page is not built here: run 'make serve', or install a built wheel of detente"
VIEWS = ("/", "/treaty", "/forces", "/proposals", "/monitor", "/claims", "/node")
KINDS = {
    "html": "text/html",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
}
mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/javascript", ".mjs")


def built(static: Path | None) -> bool:
    """Is the page there?"""
    return static is not None and (static / "index.html").is_file()


@lru_cache(maxsize=8)
def briefing(day: date, language: str = "en", bulletins: tuple[Held, ...] = ()) -> dict[str, bytes]:
    """Every file of the briefing of a day, by name; the page in a language; with the events of some bulletins."""
    from detente.brief.content import gather
    from detente.brief.page import files

    with TURN:
        return files(gather(day, bulletins), (language,), bulletins)


def routes(static: Path | None, bulletins: tuple[Held, ...] = ()) -> list[Any]:
    """The handlers of the pages; the briefing shows the events of `bulletins` too."""

    def brief_page(as_of: str, lang: str = "en") -> Response[bytes]:
        from detente.brief.catalogue import language

        return Response(
            briefing(_day(as_of), language(lang), fresh(bulletins))["index.html"], media_type=KINDS["html"]
        )

    @get("/brief", sync_to_thread=True, include_in_schema=False)
    def brief(as_of: FromQuery[str] = "", lang: FromQuery[str] = "en") -> Response[bytes]:
        return brief_page(as_of, lang)

    @get("/files/{name:str}", sync_to_thread=True, include_in_schema=False)
    def file(name: FromPath[str], as_of: FromQuery[str] = "") -> Response[bytes]:
        made = briefing(_day(as_of), "en", fresh(bulletins))
        if name not in made:
            raise NotFoundException(f"no file '{name}'; there are {', '.join(sorted(made))}")
        return Response(made[name], media_type=KINDS[name.rpartition(".")[2]])

    if not built(static):

        @get(list(VIEWS), include_in_schema=False)
        async def instead(as_of: FromQuery[str] = "") -> Response[bytes]:
            found = await to_thread.run_sync(brief_page, as_of)
            found.set_header("X-Detente", HOW_TO_BUILD)
            return found

        return [brief, file, instead]
    assert static is not None
    assets = {p.relative_to(static).as_posix(): p for p in static.rglob("*") if p.is_file()}

    @get(list(VIEWS), sync_to_thread=False, include_in_schema=False)
    def page() -> Response[bytes]:
        return Response(
            assets["index.html"].read_bytes(), media_type=KINDS["html"], headers={"Cache-Control": "no-cache"}
        )

    @get("/assets/{name:path}", sync_to_thread=True, include_in_schema=False)
    def asset(name: FromPath[str]) -> Response[bytes]:
        found = assets.get(f"assets{name}")
        if found is None:
            raise NotFoundException("no such file")
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        keep = {"Cache-Control": "public, max-age=31536000, immutable"}  # the names carry a digest
        return Response(found.read_bytes(), media_type=kind, headers=keep)

    return [brief, file, page, asset]


def _day(text: str) -> date:
    return parse_day(text) if text else date.today()

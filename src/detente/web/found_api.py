"""The paths of found events under /api/v1/found: read-only, read anew when a bulletin's file changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from detente.brief.held import Held, fresh
from detente.web import found
from detente.web.api import Form, Lang, Table, given


def routes(bulletins: tuple[Held, ...]) -> list[Any]:
    """The handlers; without a bulletin the list is empty."""

    def known() -> tuple[Held, ...]:
        return fresh(bulletins)

    @get("/api/v1/found", sync_to_thread=True)
    def listed(form: Form = "", table: Table = "", lang: Lang = "") -> Response[bytes]:
        """Events found in waveforms: those of the bulletins this server was given."""
        return given(lambda: found.listed(known()), form, table, "found", lang)

    @get("/api/v1/found/{name:str}/events/{event:str}", sync_to_thread=True)
    def one(
        name: FromPath[str], event: FromPath[str], form: Form = "", table: Table = "", lang: Lang = ""
    ) -> Response[bytes]:
        """One found event: picks and residuals, magnitudes by station, evidence, yield, reasons, changes."""
        return given(lambda: found.one(known(), name, event), form, table, "event", lang)

    @get("/api/v1/found/{name:str}/events/{event:str}/{figure:str}", sync_to_thread=True)
    def sheet(
        name: FromPath[str], event: FromPath[str], figure: FromPath[str], lang: Lang = ""
    ) -> Response[bytes]:
        """The event's sheet: sheet.svg or sheet.png."""
        return _image(lambda: found.figure(known(), name, figure, event, lang or "en"))

    @get("/api/v1/found/{name:str}/figures/{figure:str}", sync_to_thread=True)
    def overview(name: FromPath[str], figure: FromPath[str], lang: Lang = "") -> Response[bytes]:
        """The bulletin's overview and the network's health: day.svg, health.svg, or as png."""
        return _image(lambda: found.figure(known(), name, figure, "", lang or "en"))

    return [listed, one, sheet, overview]


def _image(make: Callable[[], tuple[bytes, str]]) -> Response[bytes]:
    data, kind = make()
    return Response(data, media_type=kind, headers={"Cache-Control": "no-cache"})

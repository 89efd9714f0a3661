"""The workbench's server: the built page, the briefing of any day, and the rooms' answers, read-only."""

from __future__ import annotations

from pathlib import Path

from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from detente import __version__
from detente.brief.held import Held
from detente.errors import DetenteError
from detente.web import api, found_api, guard, node_api, pages
from detente.web.jobs import Jobs

HOSTS = ("localhost", "127.0.0.1", "[::1]")


def create_app(
    *,
    static: Path | None = pages.STATIC,
    node: Path | None = None,
    hosts: tuple[str, ...] = HOSTS,
    bulletins: tuple[Held, ...] = (),
) -> Litestar:
    """The application. Nothing it serves changes anything, but an acknowledgment sent with the node's token.

    `static`: the built page; `node`: a node's folder; `hosts`: the names it answers to (a stranger's page
    cannot reach it under a name of its own); `bulletins`: whose found events it shows.
    """
    jobs = Jobs()
    return Litestar(
        [
            *pages.routes(static, bulletins),
            *api.routes(jobs),
            *found_api.routes(bulletins),
            *node_api.routes(node),
        ],
        openapi_config=OpenAPIConfig(
            title="detente",
            version=__version__,
            summary="Law, numbers, signals, claims: each answer with its sources and the code that finds it again.",
            render_plugins=[JsonRenderPlugin()],  # the others fetch their scripts from another host
        ),
        exception_handlers={
            DetenteError: guard.refused,
            HTTPException: guard.missing,
            Exception: guard.broken,
        },
        response_headers=guard.HEADERS,
        compression_config=CompressionConfig(backend="gzip", gzip_compress_level=6, minimum_size=1000),
        before_request=guard.only_for(hosts),
        logging_config=None,
    )

"""Serve what was found as FDSN web services."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def serve(
    store: Annotated[
        Path, typer.Argument(metavar="STORE", help="watch.sqlite, or the store beside bulletin.json.")
    ],
    stations: Annotated[
        list[Path] | None, typer.Option(help="StationXML or tables of places to serve; the IMS if left out.")
    ] = None,
    sds: Annotated[Path | None, typer.Option(help="An SDS archive to serve as dataselect.")] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8080,
) -> None:
    """Answer fdsnws-event, fdsnws-station and, with an archive, fdsnws-dataselect."""
    from detente.errors import DetenteError
    from detente.monitor.bulletin.store import Store
    from detente.monitor.waves import sites

    try:
        import uvicorn

        from detente.monitor.chain.fdsnws import create_app
    except ImportError as bad:
        raise DetenteError(f"{bad.name} is not installed", fix="pip install 'detente[web]'") from None
    from detente.monitor.chain.fdsnws_stations import inventory

    Store(store, create=False).close()
    if sds is not None and not sds.is_dir():
        raise DetenteError("no such archive", where=str(sds), fix="check the path")
    arrays = sites.load(stations) if stations else sites.ims_arrays()
    whole = inventory(arrays, stations or [])
    config = uvicorn.Config(create_app(store, inventory=whole, sds=sds), log_level="warning")
    with closing(_listen(host, port)) as listening:
        typer.echo(f"detente: http://{host}:{port}/fdsnws/event/1/query", err=True)
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A socket at an address, bound before anything is said to serve there."""
    from detente.errors import DetenteError

    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as bad:
        raise DetenteError(
            f"cannot listen ({bad.strerror})", where=f"{host}:{port}", fix="choose another --port"
        ) from None

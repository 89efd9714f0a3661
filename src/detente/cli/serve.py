"""Serve the briefing of any day and the rooms' answers on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8765,
) -> None:
    """Open the address it prints in a browser; ?as_of=2022-06-01 gives the page of that day."""
    import uvicorn

    from detente.web.app import create_app

    typer.echo(f"detente: http://{host}:{port}/  (the API is described under /schema)", err=True)
    uvicorn.run(create_app(), host=host, port=port, log_level="warning")

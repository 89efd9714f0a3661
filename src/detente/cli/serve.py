"""Serve the workbench on this machine: law, numbers, signals, claims, and a node for who holds its key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8765,
    node: Annotated[
        Path | None, typer.Option("--node", metavar="DIR", help="A node's folder; prints the key to open it.")
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option("--name", metavar="HOST", help="A name this server is reached by.")
    ] = None,
    bulletin: Annotated[
        list[Path] | None,
        typer.Option(
            "--bulletin",
            metavar="FILE",
            help="A bulletin.json of `monitor process`, or a folder of them: its events are shown; repeatable.",
        ),
    ] = None,
) -> None:
    """Open the address it prints in a browser. Nothing can be changed, but an act acknowledged with the key."""
    from detente.errors import DetenteError

    try:
        import uvicorn

        from detente.brief.held import held
        from detente.web.app import HOSTS, create_app
        from detente.web.node import token
        from detente.web.pages import HOW_TO_BUILD, STATIC, built
    except ImportError as bad:
        raise DetenteError(f"the workbench needs {bad.name}", fix="pip install 'detente[web]'") from None
    if node is not None:
        from detente.cli._node import open_node

        open_node(node).close()
    found = held(bulletin) if bulletin else ()
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"detente: http://{shown}:{port}/  (the API: /schema/openapi.json)", err=True)
    if node is not None:
        typer.echo(f"the node: http://{shown}:{port}/node#key={token(node)}", err=True)
    if found:
        events = sum(len(h.bulletin.events) for h in found)
        typer.echo(f"found events: {events}, at http://{shown}:{port}/monitor", err=True)
    if not built(STATIC):
        typer.echo(f"{HOW_TO_BUILD}; until then / is the briefing", err=True)
    made = create_app(node=node, hosts=(*HOSTS, shown, *(name or ())), bulletins=found)
    uvicorn.run(made, host=host, port=port, log_level="warning", server_header=False)

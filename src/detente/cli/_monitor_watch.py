"""Watch live stations for events; replay a recording as if it were live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detente.cli._monitor_process import Masks
from detente.cli._show import JsonFlag
from detente.monitor.chain.watch import News

app = typer.Typer()
StationsFlag = Annotated[
    list[Path] | None,
    typer.Option(
        "--stations", help="StationXML, pole-zero files or tables of places; repeatable. The IMS if left out."
    ),
]


@app.command()
def watch(
    seedlink: Annotated[str, typer.Option(metavar="HOST:PORT", help="The SeedLink server.")],
    out: Annotated[Path, typer.Option(help="The folder for events, news and state.")],
    stations: StationsFlag = None,
    select: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NET_STA[:SELECTOR]", help="Stations to ask for; all that have a place if left out."
        ),
    ] = None,
    quiet: Annotated[
        float, typer.Option(min=1, help="Seconds of silence after which a station is told.")
    ] = 120.0,
    least: Annotated[
        int,
        typer.Option(
            "--least-stations", min=1, help="Stations that must have seen an event before it is told."
        ),
    ] = 3,
    masks: Masks = None,
    idle: Annotated[
        float, typer.Option(min=0, help="Stop after so many seconds without a packet; 0 never.")
    ] = 0.0,
    json: JsonFlag = False,
) -> None:
    """Watch live stations: events as they happen, silence and faults as notices, nothing lost at a restart."""
    from detente.monitor.bulletin.store import Store
    from detente.monitor.chain.watch import Settings, Watch
    from detente.monitor.chain.watch_run import STORE, Line, run
    from detente.monitor.chain.watch_steps import steps, warm
    from detente.monitor.waves import response, sites
    from detente.monitor.waves.masks import read_masks
    from detente.monitor.waves.seedlink import unasked, wanted

    arrays = sites.load(stations) if stations else dict(sites.ims_arrays())
    host, port, chosen = wanted(seedlink, select or [], arrays)
    if left := unasked(select or [], arrays):
        named = f"{', '.join(left[:10])}{' ...' if left[10:] else ''}"
        typer.echo(f"not asked for, their places tell no network: {named}", err=True)
    codes = {s.partition("_")[2] for s in chosen}
    heard = {k: a for k, a in arrays.items() if any(s.code in codes for s in a.sites)}
    responses = response.load(stations) if stations else response.Responses({})
    typer.echo("loading what association needs (a minute on the first run)", err=True)
    warm(heard)
    settings = Settings(quiet=quiet, least_stations=least)
    with Store(out / STORE) as store:
        watcher = Watch(
            store, heard, *steps(heard, responses), settings=settings, masks=read_masks(masks or [])
        )
        line = Line(host, port, chosen, watcher.resume())
        run(watcher, line, out, tell=_json if json else _text, idle_s=idle)


@app.command()
def replay(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="Waveform files or folders, any format.")
    ],
    speed: Annotated[float, typer.Option(min=0, help="Times as fast as it happened; 0 all at once.")] = 1.0,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 for any.")] = 18000,
) -> None:
    """Serve a recording over SeedLink 3 and 4 as if it were happening now; stop with Ctrl-C."""
    from detente.errors import DetenteError
    from detente.monitor.waves.read import read
    from detente.monitor.waves.seedlink_server import Replay

    recording = read(files)
    if not recording.traces:
        raise DetenteError("no waveforms in it", where=str(files[0]))
    try:
        server = Replay(recording.traces, host=host, port=port, speed=speed)
    except OSError as bad:
        raise DetenteError(
            f"cannot listen ({bad.strerror})", where=f"{host}:{port}", fix="try --port 0"
        ) from None
    names = ", ".join(sorted({r.station for r in server.records}))
    typer.echo(f"SeedLink at {host}:{server.port}: {len(server.records)} records of {names}", err=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def _text(news: News) -> None:
    from detente.monitor.bulletin.times import iso

    late = "" if news.latency_s is None else f"  ({news.latency_s:.1f} s after its last record)"
    typer.echo(f"{iso(news.when)[:19]}  {news.kind:<9}  {news.about}  {news.detail}{late}")


def _json(news: News) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(news).decode())

"""A bulletin and its events in words and tables, as the commands of the chain print them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from detente.cli._show import show_json, show_table

if TYPE_CHECKING:
    from detente.monitor.bulletin.records import Bulletin, Event, StationMagnitude


def _stamp(time: float) -> str:
    from detente.monitor.chain.edit import stamp

    return stamp(round(time, 3))[:-5] + "Z"


def _kt(value: float) -> str:
    """Two figures, no powers of ten."""
    return f"{float(f'{value:.2g}'):.10g}"


def print_bulletin(made: Bulletin) -> None:
    from detente.monitor.character.magnitudes import body_wave

    stations = {*made.stations, *(a.station for a in made.arrivals)}
    typer.echo(
        f"{_stamp(made.start)} to {_stamp(made.end)}: {len(stations)} stations,"
        f" {len(made.arrivals)} arrivals, {len(made.events)} events, {len(made.faults)} faults\n"
    )
    rows: list[tuple[Any, ...]] = []
    for e in made.events:
        s, o = e.screening, e.origin
        mb = body_wave(e) or next(iter(e.magnitudes), None)  # others' bulletins name theirs otherwise
        kt = next((y for y in e.yields if y.assumption == "coupled"), None)
        ellipse = "" if o.semi_major_km is None else f"{o.semi_major_km:.0f} x {o.semi_minor_km or 0:.0f}"
        rows.append((
            e.id, _stamp(o.time), f"{o.lat:.2f}", f"{o.lon:.2f}", f"{o.depth_km:.0f} {o.depth}", ellipse,
            len({u.station for u in o.used}),
            "" if mb is None else f"{mb.kind} {mb.value:.2f} +- {mb.sd:.2f}",
            "" if s is None else s.verdict,
            "" if s is None or s.p_explosion is None else f"{s.p_explosion:.3f}",
            "" if kt is None else f"{_kt(kt.median_kt)} ({_kt(kt.low_kt)} to {_kt(kt.high_kt)})",
        ))  # fmt: skip
    show_table(
        "Events",
        ("event", "UTC", "lat", "lon", "depth km", "90 % km", "stations", "magnitude", "screening",
         "P(explosion)", "kt if coupled (90 %)"),
        rows,
    )  # fmt: skip


def print_event(held: Bulletin, e: Event) -> None:
    o = e.origin
    typer.echo(
        f"{e.id}: {_stamp(o.time)} +- {o.time_sd:.1f} s, {o.lat:.3f} N {o.lon:.3f} E, depth {o.depth_km:g} km"
        f" ({o.depth}), by {o.by}; {o.method}\n"
    )
    by_id = {a.id: a for a in held.arrivals}
    rows = []
    for u in sorted(o.used, key=lambda u: u.distance_deg):
        a = by_id.get(u.arrival)
        snr = "" if a is None or a.snr is None else f"{a.snr:.1f}"
        residuals = [
            "" if v is None else f"{v:+.{n}f}"
            for v, n in (
                (u.time_residual_s, 2), (u.backazimuth_residual_deg, 0), (u.slowness_residual_s_km, 3)
            )
        ]  # fmt: skip
        when = "" if a is None else _stamp(a.time)
        rows.append((u.station, u.phase, when, f"{u.distance_deg:.2f}", f"{u.azimuth_deg:.0f}", *residuals,
                     u.defining, snr, u.arrival))  # fmt: skip
    show_table(
        "Arrivals",
        (
            "station",
            "phase",
            "UTC",
            "degrees",
            "azimuth",
            "s",
            "back-azimuth",
            "s/km",
            "used",
            "snr",
            "arrival",
        ),
        rows,
    )
    typer.echo()
    _unused(held, e)
    if o.missed:
        missed = [(m.station, m.phase, f"{m.p_detect:.2f}") for m in o.missed]
        show_table("Stations that should have seen it", ("station", "phase", "probability"), missed)
    print_magnitudes(e)
    print_screening(e)
    if e.changes:
        changes = [(_stamp(c.when), c.who, c.what, c.before, c.after, c.reason) for c in e.changes]
        show_table("Changes", ("UTC", "who", "what", "before", "after", "reason"), changes)


def _unused(held: Bulletin, e: Event) -> None:
    """The arrivals that `edit --add` could take, and how far they are from the event's first P there."""
    from detente.monitor.chain.edit import unused

    left = unused(held, e)
    if left:
        rows = [
            (a.station, a.phase, _stamp(a.time), f"{a.time - e.origin.time:.1f}",
             "" if a.backazimuth_deg is None else f"{a.backazimuth_deg:.0f}",
             "" if a.snr is None else f"{a.snr:.1f}", a.id) for a in left
        ]  # fmt: skip
        columns = ("station", "phase", "UTC", "s after origin", "back-azimuth", "snr", "arrival")
        show_table("Arrivals of no event", columns, rows)
        typer.echo()


def print_arrival(held: Bulletin, name: str, *, json: bool) -> None:
    from detente.errors import DetenteError, nearest

    known = {a.id: a for a in held.arrivals}
    if name not in known:
        raise DetenteError(f"no arrival '{name}'", fix=nearest(name, known))
    a = known[name]
    if json:
        show_json(a)
        return
    told = {k: getattr(a, k) for k in a.__struct_fields__ if k != "why"} | {"time": _stamp(a.time)} | a.why
    show_table("Arrival", ("what", "value"), [(k, v) for k, v in told.items() if v not in (None, "")])


def print_magnitudes(e: Event) -> None:
    rows = [
        (m.kind, f"{'<' if limit else ''}{m.value:.2f}", "" if limit else f"{m.sd:.2f}",
         " ".join(_station(s) for s in m.stations), m.method)
        for limit, several in ((False, e.magnitudes), (True, e.limits))
        for m in several
    ]  # fmt: skip
    show_table("Magnitudes", ("kind", "value", "sd", "stations", "method"), rows)


def _station(s: StationMagnitude) -> str:
    """A station's value, and the term that was taken off it."""
    term = "" if s.term is None else f" (term {s.term:+.2f})"
    return f"{s.station} {'<' if s.limit else ''}{s.value:.2f}{term}"


def print_screening(e: Event) -> None:
    s = e.screening
    if s is not None:
        p = "" if s.p_explosion is None else f", P(explosion) {s.p_explosion:.3f} from a prior of {s.prior:g}"
        typer.echo(f"\n{s.verdict}{p}\n{s.why}\n")
        rows = [
            (c.name, "" if c.value is None else f"{c.value:.2f}", f"{c.log10_ratio:+.2f}", " ".join(c.stations),
             c.why) for c in s.criteria
        ]  # fmt: skip
        show_table("Screening", ("criterion", "value", "log10 ratio", "stations", "why"), rows)
    yields = [
        (y.assumption, _kt(y.median_kt), f"{_kt(y.low_kt)} to {_kt(y.high_kt)}", y.why) for y in e.yields
    ]
    if yields:
        show_table("Yield, kt", ("assumption", "median", "90 %", "why"), yields)

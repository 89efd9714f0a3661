"""Compare proposals: what each would make whom cut, over projected forces and years."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from detente.cli._show import JsonFlag, KnownFlag, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="Proposals for what follows New START, and what they would do.")

YearsFlag = Annotated[str, typer.Option("--years", metavar="FIRST:LAST", help="Januaries, e.g. 2026:2035.")]


@app.callback()
def _group() -> None:
    pass


@app.command("list")
def list_() -> None:
    """The proposals of the library."""
    from detente.treaty.proposals import load_proposal, proposal_ids

    rows = []
    for name in proposal_ids():
        x = load_proposal(name).instrument
        limits = "; ".join(f"{y.title} <= {_bound(y.bound)}" for y in x.limits)
        rows.append((name, x.title, " ".join(x.parties), limits))
    show_table("proposals", ("name", "title", "parties", "limits"), rows)


def _bound(bound: Any) -> str:
    if isinstance(bound, dict):
        return ", ".join(f"{p} {b:g}" for p, b in bound.items())
    return "?" if bound is None else f"{bound:g}"


@app.command()
def compare(
    names: Annotated[
        list[str] | None, typer.Argument(help="Proposals or YAML files; the library if left out.")
    ] = None,
    years: YearsFlag = "2026:2035",
    known: KnownFlag = "",
    draws: Annotated[int, typer.Option(min=100, max=10_000_000, help="Monte-Carlo draws.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    workers: Annotated[
        str, typer.Option(metavar="TCP://...", help="Run on the dask cluster at this scheduler.")
    ] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the figures.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Who would have to change what: a matrix, counts, headroom, cuts and chances by limit."""
    from datetime import date

    from detente.asof import parse_day
    from detente.forces import proposals as room
    from detente.treaty.proposals import proposal_ids

    span = _years(years)
    day = parse_day(known) if known else date.today()
    c = room.compare(names or (), years=span, known=day, draws=draws, seed=seed, workers=workers)
    futures = room.futures_of(room.PARTIES, day, max(*span, day.year + 1), 1000, seed)
    chosen = names or proposal_ids()
    permitted = [
        found
        for name in chosen
        for party in room.PARTIES
        if (found := room.largest(name, party, span[-1], futures[party], day))
    ]
    from detente.forces.breakout import upload
    from detente.forces.drivers import drivers

    uploads = [upload(futures[party], span[-1]) for party in room.PARTIES]
    driven = drivers(chosen, span[-1], futures, day)
    if output:
        from detente.drawing import save
        from detente.forces.proposal_figures import headroom, heat_map

        save(heat_map(c, span[-1]), output / "proposals.png")
        save(headroom(c, span[-1]), output / "headroom.png")
    if as_json:
        show_json(
            {"comparison": c, "largest_force": permitted, "upload_on_leaving": uploads, "drivers": driven}
        )
        return
    _show(c, permitted, span)
    show_table(
        f"upload potential on leaving, January {span[-1]}, strategic warheads (5/50/95 %)",
        ("party", "deployed", "after upload"),
        [(u.party, _points(u.deployed), _points(u.uploaded)) for u in uploads],
    )
    _show_drivers(driven, span[-1])
    if output:
        typer.echo(f"figures: {output}/proposals.png, {output}/headroom.png", err=True)


def _years(text: str) -> tuple[int, ...]:
    from detente.errors import DetenteError

    first, _, last = text.partition(":")
    if not (first.isdigit() and (last or first).isdigit()) or int(last or first) < int(first):
        raise DetenteError(f"'{text}' is no span of years", where="--years", fix="write 2026:2035")
    return tuple(range(int(first), int(last or first) + 1))


def _show(c: Any, permitted: list[Any], span: tuple[int, ...]) -> None:
    from detente.forces.proposal_figures import cell
    from detente.forces.proposals import PARTIES

    last = span[-1]
    names = list(dict.fromkeys(e.proposal for e in c.effects))
    matrix = [(_short(n), *(cell(c.of(n, p, last))[1] for p in PARTIES)) for n in names]
    title = f"January {last}, forces as projected from {c.known}; {c.draws:,} draws, seed {c.seed}"
    show_table(title, ("proposal", *PARTIES), matrix)
    rows = []
    for e in (e for e in c.effects if e.year in (span[0], last)):
        count = " / ".join(f"{x:,.0f}" for x in e.count)
        room = "" if e.headroom is None else f"{e.headroom[1]:+,.0f}"
        met = "ended" if e.p_met is None else f"{e.p_met:.0%}"
        cut = "" if e.cut is None else f"{e.cut:,.0f}"
        bound = "" if e.bound is None else f"{e.bound:,.0f}"
        rows.append(
            (_short(e.proposal), e.party, e.year, e.title, count, bound, room, met, cut, "; ".join(e.marks))
        )
    columns = (
        "proposal",
        "party",
        "January",
        "limit",
        "count 5/50/95 %",
        "bound",
        "headroom",
        "P(met)",
        "mean cut",
        "mark",
    )
    show_table("limits", columns, rows)
    _show_first(c, names)
    most = [
        (
            _short(p.proposal),
            p.party,
            f"{p.warheads:,.0f}",
            ", ".join(p.binding),
            "; ".join(f"{k.split('/', 1)[1]} {v:,.0f}" for k, v in p.cuts.items()),
        )
        for p in permitted
    ]
    heads = (
        "proposal",
        "party",
        "most strategic warheads",
        "stopped by",
        "fewest cuts from the median force",
    )
    show_table(f"largest permitted force in {last}", heads, most)


def _short(name: str) -> str:
    return Path(name).stem if name.endswith((".yaml", ".yml")) else name


def _points(numbers: tuple[float, ...]) -> str:
    return " / ".join(f"{x:,.0f}" for x in numbers)


def _show_drivers(driven: Any, last: int) -> None:
    rows = [
        (_short(d.proposal), d.party, d.limit, "; ".join(f"{s.input} {s.share:.0%}" for s in d.inputs))
        for d in driven
        if d.inputs
    ]
    show_table(
        f"what drives each count in {last} (first-order shares; rows move together, so they may pass 100 %)",
        ("proposal", "party", "limit", "drivers"),
        rows,
    )


def _show_first(c: Any, names: list[str]) -> None:
    rows = []
    groups: dict[tuple[str, str, str], list[Any]] = {}
    for e in c.effects:
        groups.setdefault((e.proposal, e.party, e.title), []).append(e)
    for (name, party, title), found in groups.items():
        over = [e.year for e in found if e.p_met is not None and e.p_met < 0.5]
        risk = [e.year for e in found if e.p_met is not None and e.p_met < 0.95]
        if risk:
            rows.append((_short(name), party, title, risk[0], over[0] if over else "not by then"))
    columns = ("proposal", "party", "limit", "P(met) under 95 %", "under 50 %")
    show_table("first January in which the limit would be", columns, rows)

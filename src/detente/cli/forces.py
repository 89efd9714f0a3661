"""Show a party's forces as a day knew them, compare parties, check that the parts add up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from detente.cli._show import AsOfFlag, JsonFlag, KnownFlag, show_drivers, show_json, show_table


class _PartyFirst(typer.core.TyperGroup):
    """`detente forces CN` is `detente forces show CN`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_PartyFirst,
    no_args_is_help=True,
    help="Inventories with vintages: detente forces PARTY, or one of the commands below.",
)

ByFlag = Annotated[str, typer.Option("--by", help="status (totals), category or type.")]


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _cells(row: Any) -> list[str]:
    numbers = (_count(row.low), _count(row.best), _count(row.high))
    return [
        row.series,
        row.what,
        row.status,
        *numbers,
        row.unit,
        row.as_of,
        row.published,
        row.quality,
        row.source,
    ]


COLUMNS = (
    *("series", "what", "status", "low", "best", "high", "unit"),
    *("as of", "published", "quality", "source"),
)


def _note_recalled(rows: list[Any]) -> None:
    recalled = sum(bool(r.mark) for r in rows)
    if recalled:
        typer.echo(
            f"{recalled} of {len(rows)} rows are recalled: nobody has read them in a source.", err=True
        )


@app.command()
def show(
    party: Annotated[str, typer.Argument(help="Party: code or name.")],
    as_of: AsOfFlag = "",
    known: KnownFlag = "",
    by: ByFlag = "status",
    vintages: Annotated[int, typer.Option("--vintages", metavar="YEAR", help="Every print of one year.")] = 0,
    drivers: Annotated[
        bool, typer.Option("--drivers", help="How wide sums of printed parts are, and what makes them so.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws of --drivers.")] = 1,
    as_json: JsonFlag = False,
) -> None:
    """The counts of one party, every series on its own, each with its source."""
    from detente.asof import AsOf
    from detente.errors import DetenteError, nearest
    from detente.forces import views
    from detente.parties import party as find

    code = find(party).code
    if by not in ("status", "category", "type"):
        raise DetenteError(f"no view '{by}'", fix=nearest(by, ("status", "category", "type")))
    clocks = AsOf.on(as_of or _today(), known=known or None)
    if drivers:
        _show_totals(code, clocks, seed, as_json)
        return
    rows = views.vintages(code, vintages) if vintages else views.forces(code, clocks, by)  # type: ignore[arg-type]
    if as_json:
        show_json({"party": code, "facts": clocks.facts, "known": clocks.known, "rows": rows})
        return
    title = f"{code}: as of {clocks.facts}, as published by {clocks.known}"
    if not rows:
        typer.echo(f"{title}: nothing had been published that is held here")
    else:
        show_table(title, COLUMNS, [_cells(r) for r in rows])
        _note_recalled(rows)


def _show_totals(code: str, clocks: Any, seed: int, as_json: bool) -> None:
    from detente.forces.totals import totals

    found = totals(code, clocks, seed=seed)
    if as_json:
        show_json(
            {"party": code, "facts": clocks.facts, "known": clocks.known, "seed": seed, "totals": found}
        )
        return
    rows = [
        (
            *(t.series, t.what, t.as_of, t.parts),
            *(f"{x:,.0f}" for x in t.points),
            _count(t.printed),
            "; ".join(t.marks),
        )
        for t in found
    ]
    columns = ("series", "sum", "as of", "parts", "5 %", "median", "95 %", "printed", "mark")
    show_table(f"{code}: sums of printed parts, in warheads, as published by {clocks.known}", columns, rows)
    show_drivers(
        "what drives each sum", [(f"{t.series} {t.what} {t.as_of}", t.drivers) for t in found], seed=seed
    )


@app.command()
def compare(
    parties: Annotated[
        list[str] | None, typer.Argument(help="Parties; all nuclear-armed if left out.")
    ] = None,
    as_of: AsOfFlag = "",
    known: KnownFlag = "",
    status: Annotated[
        str, typer.Option(help="stockpile, deployed, reserve, retired or inventory.")
    ] = "stockpile",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the stockpiles through time to this PNG.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """One quantity of several parties, each as every series gives it."""
    from detente.asof import AsOf
    from detente.errors import DetenteError, nearest
    from detente.forces import views
    from detente.forces.counts import STATUSES
    from detente.parties import GROUPS
    from detente.parties import party as find

    if status not in STATUSES:
        raise DetenteError(f"unknown status '{status}'", fix=nearest(status, STATUSES))
    codes = [find(p).code for p in parties or GROUPS["nuclear-armed"]]
    clocks = AsOf.on(as_of or _today(), known=known or None)
    answer = views.compare(codes, clocks, status)
    if output:
        from detente.drawing import save
        from detente.forces.figures import through_time

        save(through_time(codes, clocks.known), output)
    if as_json:
        show_json({"status": status, "facts": clocks.facts, "known": clocks.known, "parties": dict(answer)})
        return
    rows = [r for _, lines in answer for r in lines]
    cells = [[party, *_cells(r)] for party, lines in answer for r in lines]
    show_table(f"{status} as of {clocks.facts}, published by {clocks.known}", ("party", *COLUMNS), cells)
    _note_recalled(rows)


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="Your own CSV or Parquet file; the embedded sets if left out.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also list the sums that agree.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Do the parts add to the printed totals? Exit 1 if a sum is broken, 2 if a row is wrong."""
    from detente.forces.check import part_sums, world_sums
    from detente.forces.counts import read_counts

    sums = part_sums(read_counts(file)) if file else [*world_sums(), *part_sums()]
    if as_json:
        show_json({"sums": [{**_fields(s), "word": s.word} for s in sums]})
    else:
        shown = [s for s in sums if every or s.word != "agrees" or s.party == "world"]
        cells = [
            (
                s.series,
                s.party,
                s.as_of,
                s.rule,
                f"{s.printed:,.0f}",
                f"{s.added:,.0f}",
                s.word,
                s.recalled or "",
            )
            for s in shown
        ]
        show_table(
            "printed totals",
            ("series", "party", "as of", "sum", "printed", "added", "", "recalled rows"),
            cells,
        )
        words = [s.word for s in sums]
        tally = ", ".join(f"{words.count(w)} {w}" for w in ("agrees", "rounded", "open", "broken"))
        typer.echo(f"{len(sums)} sums: {tally}")
    raise typer.Exit(1 if any(s.word == "broken" for s in sums) else 0)


@app.command()
def datasets(as_json: JsonFlag = False) -> None:
    """The embedded data sets and their cards."""
    from detente.forces.catalogue import COUNT_SETS, FACT_SETS, card

    cards = [card(n) for n in (*COUNT_SETS, *FACT_SETS)]
    if as_json:
        show_json(cards)
        return
    cells = [(c.name, c.lines.get("title", ""), c.rows, c.recalled, c.lines.get("faults", "")) for c in cards]
    show_table("data sets", ("name", "title", "rows", "recalled", "known faults"), cells)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to: a name that ends in .csv or .parquet.")],
    known: KnownFlag = "",
) -> None:
    """Write every embedded count, as printed by a day, to one CSV or Parquet file of the same schema."""
    import io

    from detente.asof import parse_day
    from detente.errors import DetenteError
    from detente.files import write_whole
    from detente.forces.catalogue import all_counts, known_by
    from detente.forces.counts import to_frame

    rows = known_by(all_counts(), parse_day(known)) if known else all_counts()
    frame, data = to_frame(rows), io.BytesIO()
    if file.suffix == ".parquet":
        frame.write_parquet(data)
    elif file.suffix == ".csv":
        frame.write_csv(data)
    else:
        raise DetenteError(
            f"'{file.name}' is neither CSV nor Parquet", fix="end the name in .csv or .parquet"
        )
    write_whole(file, data.getvalue())
    typer.echo(f"{len(rows)} rows: {file}", err=True)


def _fields(record: Any) -> dict[str, Any]:
    return {f: getattr(record, f) for f in record.__struct_fields__}


def _today() -> str:
    from datetime import date

    return date.today().isoformat()

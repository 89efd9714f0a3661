"""What inspections prove: detection, sample sizes, belief, site plans, deterrence."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer(help=__doc__, add_completion=False)

Items = Annotated[int, typer.Option(help="Items declared.")]
Hidden = Annotated[int, typer.Option(help="False ones among them.")]
Years = Annotated[int, typer.Option(help="Years looked ahead.")]
Recognised = Annotated[str, typer.Option(help="Chance that an inspected false item is recognised.")]


def percent(p: Fraction) -> str:
    """A probability for people: 13.5 %, and never 0 or 100 for what may happen."""
    if p not in (0, 1) and not Fraction(1, 2000) < p < Fraction(1999, 2000):
        return "<0.1 %" if p < Fraction(1, 2) else ">99.9 %"
    return f"{float(p):.1%}".replace("%", " %")


@app.callback(invoke_without_command=True)
def years(
    context: typer.Context,
    items: Items = 700,
    hidden: Hidden = 10,
    per_year: Annotated[int, typer.Option(help="Single items inspected a year.")] = 10,
    years: Years = 10,
    recognised: Recognised = "1",
    slots: Annotated[int, typer.Option(help="Slots of the escrow, empty ones included (0: none empty).")] = 0,
    mislinked: Annotated[int, typer.Option(help="Honest defects in the escrow.")] = 0,
    accept: Annotated[int, typer.Option(help="Defects that are forgiven.")] = 0,
    json: JsonFlag = False,
) -> None:
    """Detection over years of random single-item inspections (the default command)."""
    if context.invoked_subcommand:
        return
    from detente.disclosure.planning import Escrow, by_years, with_escrow
    from detente.disclosure.sampling import probability

    q = probability(recognised, where="--recognised")
    slots = max(items, slots)
    rows = by_years(slots, hidden, per_year, years, q)
    escrow = with_escrow(Escrow(slots, items, mislinked, accept), hidden, min(per_year, slots), q)
    if json:
        show_json({
            "items": items, "hidden": hidden, "per_year": per_year, "recognised": str(q), "slots": slots,
            "years": [
                {"year": r.year, "inspected": r.inspected, "no_item_twice": float(r.fresh),
                 "drawn_anew": float(r.repeated), "exact": [str(r.fresh), str(r.repeated)]}
                for r in rows
            ],
            "one_year_of_escrow": {
                "detection": float(escrow.detection), "items_seen": float(escrow.items_seen),
                "false_alarm": float(escrow.false_alarm), "picks_for_same": escrow.picks_for_same,
            },
        })  # fmt: skip
        return
    show_table(
        f"{per_year} single-item inspections a year, {hidden} false of {items} items",
        ("year", "inspected", "no item twice", "drawn anew each year"),
        ((r.year, r.inspected, percent(r.fresh), percent(r.repeated)) for r in rows),
    )
    shown = [r for r in rows if r.year in (1, 5, 10)]
    print(
        "Chance of finding at least one: "
        + ", ".join(f"{percent(r.fresh)} in {r.year} year{'s' * (r.year > 1)}" for r in shown)
        + ", if no item is inspected twice and the false ones stay where they are."
    )
    if slots > items or mislinked:
        print(
            f"In the escrow {slots} slots hold {items} items: {per_year} openings show "
            f"{float(escrow.items_seen):.1f} items on average. An honest party with {mislinked} defects is "
            f"suspected with {percent(escrow.false_alarm)} a year; a cheating one found out with "
            f"{percent(escrow.detection)}. For what {per_year} openings without empty slots give, open "
            f"{escrow.picks_for_same}."
        )
    print("Items never declared are not found this way: that takes a look-up of an object met elsewhere.")


@app.command()
def size(
    items: Items = 800,
    hidden: Hidden = 1,
    confidence: Annotated[list[str] | None, typer.Option(help="Wanted confidence; repeat for more.")] = None,
    recognised: Recognised = "1",
    json: JsonFlag = False,
) -> None:
    """How many items to inspect for a confidence: exact, beside the published formulas."""
    from detente.disclosure.planning import sizes
    from detente.disclosure.sampling import detection, probability

    q = probability(recognised, where="--recognised")
    wanted = [probability(c, where="--confidence") for c in confidence or ("90%", "50%", "20%")]
    found = sizes(items, hidden, wanted, q)
    if json:
        show_json([
            {"confidence": float(s.confidence), "exact": s.exact, "iaea": s.iaea, "jaech": s.jaech}
            for s in found
        ])  # fmt: skip
        return
    show_table(
        f"Sample that finds {hidden} false of {items} items",
        ("confidence", "exact", "IAEA formula", "Jaech", "reached"),
        (
            (percent(s.confidence), s.exact, s.iaea, s.jaech, percent(detection(items, hidden, s.exact, q)))
            for s in found
        ),
    )


@app.command()
def belief(
    items: Items = 800,
    visit: Annotated[
        list[str] | None, typer.Option(help="A random sample: INSPECTED or INSPECTED:FOUND; repeat for more.")
    ] = None,
    prior: Annotated[
        list[str] | None, typer.Option(help="flat:50, honest:0.5:50 or beta:1:9; repeat for more.")
    ] = None,
    recognised: Recognised = "1",
    json: JsonFlag = False,
) -> None:
    """What to believe after inspections, under a flat and a stated prior."""
    from detente.disclosure.inspection_posterior import parse_prior, parse_visit, update
    from detente.disclosure.sampling import probability

    q = probability(recognised, where="--recognised")
    visits = [parse_visit(v, q) for v in visit or ("100",)]
    found = [update(items, parse_prior(p, items), visits) for p in prior or ("flat:50", "honest:0.5:50")]
    if json:
        show_json([
            {"prior": f.prior.name, "honest_before": float(f.prior.weights[0]), "honest": float(f.honest),
             "mean_false": float(f.mean), "bound_95": f.bound()} for f in found
        ])  # fmt: skip
        return
    show_table(
        f"After {len(visits)} visit(s) among {items} items",
        ("prior", "no false item: before", "after", "expected false", "at most, with 95 %"),
        (
            (f.prior.name, percent(f.prior.weights[0]), percent(f.honest), f"{float(f.mean):.1f}", f.bound())
            for f in found
        ),
    )
    print("The prior decides much of this: state yours with --prior.")


@app.command()
def sites(
    sites: Annotated[int, typer.Option(help="Sites, all alike.")] = 20,
    items_per_site: Annotated[int, typer.Option(help="Items at each.")] = 35,
    hidden: Annotated[int, typer.Option(help="False items, placed as the cheater likes.")] = 10,
    confidence: Annotated[str, typer.Option(help="Wanted confidence.")] = "90%",
    years: Years = 5,
    quota: Annotated[int, typer.Option(help="Visits a year that the treaty allows.")] = 18,
    visit_cost: Annotated[str, typer.Option(help="Cost of a visit, any unit.")] = "100",
    item_cost: Annotated[str, typer.Option(help="Cost of an item opened, same unit.")] = "5",
    recognised: Recognised = "1",
    json: JsonFlag = False,
) -> None:
    """The cheapest visits and openings a year for a confidence, against the worst placement."""
    from detente.disclosure.planning import SiteTask, cheapest
    from detente.disclosure.sampling import amount, probability

    task = SiteTask(
        sites, items_per_site, hidden, probability(confidence, where="--confidence"), years, quota,
        amount(visit_cost, where="--visit-cost"), amount(item_cost, where="--item-cost"),
        probability(recognised, where="--recognised"),
    )  # fmt: skip
    plans = cheapest(task)
    if json:
        show_json([
            {"visits": p.visits, "items_per_visit": p.picked, "cost": float(p.cost),
             "detection": float(p.detection), "worst_placement": p.hiding} for p in plans
        ])  # fmt: skip
        return
    show_table(
        f"{percent(task.confidence)} in {years} years, {hidden} false among {sites} x {items_per_site} items",
        ("visits a year", "items a visit", "cost a year", "detection", "where the cheater hides them"),
        ((p.visits, p.picked, f"{float(p.cost):g}", percent(p.detection), _spread(p.hiding)) for p in plans),
    )


def _spread(hiding: tuple[int, ...]) -> str:
    if len(hiding) == 1:
        return f"all {hiding[0]} at one site"
    each = f"{min(hiding)} to {max(hiding)}" if min(hiding) < max(hiding) else f"{hiding[0]} each"
    return f"{each} at {len(hiding)} sites"


@app.command()
def deter(
    gain: Annotated[str, typer.Option(help="What one false item gains unseen.")] = "1",
    loss: Annotated[str, typer.Option(help="What being found costs, same unit.")] = "4",
    items: Items = 700,
    largest: Annotated[int, typer.Option(help="The largest number of false items thinkable.")] = 50,
    recognised: Recognised = "1",
    harm: Annotated[str, typer.Option(help="What an unseen violation costs the inspector.")] = "10",
    alarm: Annotated[str, typer.Option(help="What a found one costs it.")] = "3",
    effort: Annotated[str, typer.Option(help="What an inspection costs it.")] = "0.5",
    json: JsonFlag = False,
) -> None:
    """What deters: the threshold, what announcing it brings, the sample that leaves no violation worth it."""
    from detente.disclosure.inspection_game import Payoffs, announced, at_once, cheapest_deterrent, deterring
    from detente.disclosure.sampling import amount, probability

    g, lost, q = amount(gain, where="--gain"), amount(loss, where="--loss"), probability(recognised)
    threshold = deterring(g, lost)
    worth = [amount(v, where=n) for n, v in (("--harm", harm), ("--alarm", alarm), ("--effort", effort))]
    pay = Payoffs(g, lost, *worth)
    together, first = at_once(pay), announced(pay)
    least = cheapest_deterrent(items, largest, lambda k: k * g, lost, q)
    if json:
        show_json({
            "threshold": float(threshold), "sample": least.inspected, "tightest": least.tightest,
            "simultaneous": {k: float(getattr(together, k)) for k in together.__struct_fields__},
            "announced": {k: float(getattr(first, k)) for k in first.__struct_fields__},
        })  # fmt: skip
        return
    print(f"A violation does not pay once it is found with more than {percent(threshold)}.")
    print(
        f"Inspecting {least.inspected} of {items} items leaves no violation of 1 to {largest} items worth it; "
        f"{least.tightest} come closest."
    )
    show_table(
        "One inspection decision",
        ("played", "inspect", "violate", "inspector's loss"),
        (
            (name, percent(o.inspect), percent(o.violate), f"{float(-o.inspector):.3g}")
            for name, o in (("neither knows the other's choice", together), ("announced beforehand", first))
        ),
    )


@app.command()
def game(
    periods: Annotated[int, typer.Option(help="Periods that remain.")] = 12,
    inspections: Annotated[int, typer.Option(help="Inspections to spend in them.")] = 3,
    caught: Annotated[str, typer.Option(help="What being found costs, unseen violation = 1.")] = "1",
    json: JsonFlag = False,
) -> None:
    """Dresher's sequential game: when to spend a few inspections over many periods."""
    from detente.disclosure.inspection_game import dresher, stage
    from detente.disclosure.sampling import amount

    cost = amount(caught, where="--caught")
    value, now = dresher(periods, inspections, cost), stage(periods, inspections, cost)
    left = [stage(n, inspections, cost) for n in range(periods, max(0, inspections - 1), -1)]
    if json:
        show_json({
            "value_to_violator": float(value), "exact": str(value),
            "inspect_next": float(now.inspect), "violate_next": float(now.violate),
            "while_none_is_spent": [{"periods": s.periods, "inspect": float(s.inspect)} for s in left],
        })  # fmt: skip
        return
    print(
        f"Worth {float(value):.3f} to a violator (1 unseen, {-float(cost):g} found, 0 for keeping the treaty)."
    )
    show_table(
        "While no inspection is spent",
        ("periods left", "inspections left", "inspect the next with", "worth to a violator"),
        ((s.periods, s.inspections, percent(s.inspect), f"{float(s.value):.3f}") for s in left),
    )


@app.command()
def mix(
    target: Annotated[list[str], typer.Option(help="A site: NAME=GAIN of a violation there; repeat.")],
    visits: Annotated[str, typer.Option(help="Visits to share among the targets.")] = "1",
    loss: Annotated[str, typer.Option(help="What being found costs, same unit.")] = "4",
    json: JsonFlag = False,
) -> None:
    """The announced mixed plan: chances of a visit that leave a violator's best target as poor as can be."""
    from detente.disclosure.inspection_game import Target, announced_mix
    from detente.disclosure.sampling import amount
    from detente.errors import DetenteError

    named = [t.rpartition("=") for t in target]
    if any(not name for name, _, _ in named):
        raise DetenteError("a target without a name", where="--target", fix="write NAME=GAIN")
    spots = [Target(name, amount(worth, where=f"--target {name}")) for name, _, worth in named]
    plan = announced_mix(spots, amount(visits, where="--visits"), amount(loss, where="--loss"))
    if json:
        show_json({
            "chances": {t.name: str(p) for t, p in zip(spots, plan.chances, strict=True)},
            "best_violation": float(plan.value), "deters": plan.deters,
        })  # fmt: skip
        return
    show_table(
        "Announced chances of a visit",
        ("target", "gain", "chance", "exact"),
        ((t.name, f"{float(t.gain):g}", percent(p), p) for t, p in zip(spots, plan.chances, strict=True)),
    )
    print(
        "With these announced, no target is worth violating."
        if plan.deters
        else f"The visits do not suffice: the best violation is still worth {float(plan.value):.3g}."
    )


@app.command()
def figure(
    output: Annotated[Path, typer.Option("-o", "--output", help="PNG or SVG to write.")],
    items: Items = 700,
    hidden: Hidden = 10,
    sites: Annotated[int, typer.Option(help="Sites, all alike.")] = 20,
    per_year: Annotated[int, typer.Option(help="Single items inspected a year.")] = 10,
    years: Years = 25,
) -> None:
    """Draw confidence against years for several ways of cheating."""
    from detente.disclosure.planning_figure import draw

    draw(output, items, hidden, sites, per_year, years)
    print(f"wrote {output}")

"""The numbers section: stockpiles as known on the day, where China's is heading, what proposals would cost whom."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from detente.asof import AsOf
from detente.brief.record import Door, Exhibit, Section, Table
from detente.errors import DetenteError
from detente.forces.views import Line, compare
from detente.parties import party as known_party
from detente.treaty.explain import number

if TYPE_CHECKING:
    from detente.forces.project import Projection
    from detente.forces.proposals import Comparison

PARTIES = ("RU", "US", "CN", "FR", "UK")
SERIES = "SIPRI"
DRAWS, SEED = 5000, 1


@lru_cache(maxsize=2)
def projection(day: date) -> Projection | None:
    """China's stockpile ahead, from what was in print on the day; None where too little was."""
    from detente.forces.project import project

    try:
        return project("CN", max(2035, day.year + 9), known=day, n=DRAWS, seed=SEED)
    except DetenteError:
        return None


@lru_cache(maxsize=2)
def effects(day: date) -> Comparison | None:
    """Every proposal of the library over forces projected from the day; None where too little was known."""
    from detente.forces.proposals import compare as compare_proposals

    try:
        return compare_proposals(years=(max(2035, day.year + 9),), known=day, draws=1000, seed=SEED)
    except DetenteError:
        return None


def numbers(day: date) -> Section | None:
    """The section, or None where no stockpile had been published by the day."""
    tables = [t for t in (_stockpiles(day), _chances(day)) if t]
    if not tables:
        return None
    last = max(2035, day.year + 9)
    exhibits = [
        Exhibit(
            "stockpiles", "Military stockpiles of the five since 1945, on a logarithmic scale",
            f"detente forces compare --known {day}",
        )
    ]  # fmt: skip
    if projection(day):
        exhibits.append(
            Exhibit(
                "china", "China's stockpile ahead as a fan, with published forecasts as dated points",
                f"detente project CN --to {last} --known {day} --draws {DRAWS} --seed {SEED}",
            )
        )  # fmt: skip
    if effects(day):
        exhibits.append(
            Exhibit(
                "proposals", "What each proposal would make each party cut",
                f"detente proposals compare --years {last}:{last} --known {day} --draws 1000 --seed {SEED}",
            )
        )  # fmt: skip
    made = projection(day)
    return Section(
        "numbers",
        "How many, and where it is heading",
        _lead(day),
        tuple(tables),
        tuple(exhibits),
        made.marks if made else (),
    )


def _newest(day: date, facts: date) -> dict[str, Line]:
    clocks = AsOf(day, facts, day)
    found = {}
    for party, lines in compare(PARTIES, clocks):
        mine = [x for x in lines if x.series == SERIES and x.best is not None]
        if mine:
            found[party] = mine[0]
    return found


def _stockpiles(day: date) -> Table | None:
    now = _newest(day, day)
    before = _newest(day, day - timedelta(days=365))
    rows = []
    for party, line in now.items():
        old = before.get(party)
        change = (
            "" if old is None or old.as_of == line.as_of else f"{(line.best or 0) - (old.best or 0):+,.0f}"
        )
        rows.append(
            (known_party(party).name, number(line.best or 0), change.replace(",", " "), line.as_of, line.mark)
        )
    if not rows:
        return None
    door = Door(
        "the newest January table of the yearbook, and the one before as it is known now",
        f"detente forces compare --known {day}",
        tuple(dict.fromkeys(x.url or x.source for x in now.values())),
        tuple(x.id for x in now.values()),
    )
    return Table(
        "Military stockpiles, estimates",
        ("party", "warheads", "change in a year", "as of", "mark"),
        tuple(rows),
        door,
    )


def _chances(day: date) -> Table | None:
    from detente.forces.questions import answers

    made = projection(day)
    if made is None:
        return None
    asked = tuple(d for d in (date(2030, 1, 1), date(2030, 12, 31)) if d > day)
    rows = [
        (
            a.definition,
            a.by,
            f"{100 * a.p:.0f} %",
            f"{number(round(a.low))} to {number(round(a.high))}",
            a.rests_on,
            "; ".join(a.marks),
        )
        for a in answers(made, 1000.0, asked)
    ]
    if not rows:
        return None
    door = Door(
        f"{made.values.shape[1]} draws, seed {made.seed}, pooled by back-test scores",
        f"detente project CN --known {day} --limit 1000 --draws {DRAWS} --seed {SEED}",
        (),
        tuple(c.id for c in made.line.rows[-5:]),
    )
    columns = ("quantity", "by", "chance", "90 % range then", "rests on", "mark")
    return Table("China: more than 1 000 warheads?", columns, tuple(rows), door)


def _lead(day: date) -> str:
    now, before = _newest(day, day), _newest(day, day - timedelta(days=365))
    sentences = []
    if "CN" in now and now["CN"].best is not None:
        text = f"China's stockpile is put at {number(now['CN'].best)} for {now['CN'].as_of}"
        old = before.get("CN")
        if old and old.best is not None and old.as_of != now["CN"].as_of:
            text += f", {now['CN'].best - old.best:+.0f} in a year"
        sentences.append(f"{text} ({SERIES}).")
    made = projection(day)
    if made and 2030 in made.years:
        from detente.forces.questions import answers

        first = next(a for a in answers(made, 1000.0, (date(2030, 1, 1),)) if a.definition == "stockpile")
        sentences.append(
            f"That it passes 1 000 by January 2030 has a chance of {100 * first.p:.0f} % in this model; "
            "the table has other definitions."
        )
    return " ".join(sentences) or "What was published by the day."


def figures(day: date, names: Collection[str]) -> dict[str, Any]:
    """Those of the section's figures that are named."""
    from detente.forces.figures import fan, through_time
    from detente.forces.proposal_figures import heat_map
    from detente.forces.questions import published

    made, compared = projection(day), effects(day)
    drawn: dict[str, Any] = {}
    if "stockpiles" in names:
        drawn["stockpiles"] = through_time(PARTIES, day)
    if "china" in names and made:
        drawn["china"] = fan(made, published("CN", made))
    if "proposals" in names and compared:
        drawn["proposals"] = heat_map(compared, compared.years[-1])
    return drawn

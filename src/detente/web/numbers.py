"""The numbers' answers: stockpiles through time in all their vintages, one party's forces, its projection."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

from detente.asof import AsOf, Span
from detente.errors import DetenteError, nearest
from detente.forces import questions, sensitivity
from detente.forces.catalogue import all_counts, known_by
from detente.forces.counts import STATUSES
from detente.forces.line import stockpile_line
from detente.forces.project import project
from detente.forces.views import compare, line
from detente.forces.views import forces as forces_of
from detente.parties import GROUPS
from detente.parties import party as find
from detente.web.answer import Answer, Code, SourceRow, Step, Work, command, rows_of

LIMITS = {"CN": (700.0, 1000.0, 1500.0), "UK": (225.0, 260.0), "FR": (300.0,)}


def codes_of(text: str) -> tuple[str, ...]:
    """Party codes from ``US,RU``; all nuclear-armed if empty. Raises DetenteError for an unknown one."""
    names = [t for t in text.split(",") if t.strip()]
    return tuple(dict.fromkeys(find(n).code for n in names)) or GROUPS["nuclear-armed"]


@lru_cache(maxsize=64)
def forces(parties: tuple[str, ...], status: str, day: date, known: date) -> Answer:
    """One quantity of several parties: the newest figure of each series, and every print through time."""
    if status not in STATUSES:
        raise DetenteError(f"unknown status '{status}'", fix=nearest(status, STATUSES))
    clocks = AsOf.on(day, known=known)
    shown = [(p, x) for p, lines in compare(parties, clocks, status) for x in lines]
    newest = [{"party": p} | r for (p, _), r in zip(shown, rows_of(x for _, x in shown), strict=True)]
    chosen = [
        c for c in known_by(all_counts(), known)
        if c.party in parties and c.status == status and c.kind.endswith("warhead")
        and not (c.type or c.site or c.category) and c.mid == c.mid
        and Span.parse(c.as_of).earliest <= day
    ]  # fmt: skip
    prints = [
        {"party": c.party, "when": str(Span.parse(c.as_of).earliest)} | r
        for c, r in zip(chosen, rows_of(map(line, chosen)), strict=True)
    ]
    return Answer(
        {
            "status": status,
            "known": known,
            "names": {p: find(p).name for p in parties},
            "lines": _lines(parties, day, known) if status == "stockpile" else {},
        },
        Code(
            command("forces", "compare", *parties, status=status, as_of=day, known=known),
            "from detente.asof import AsOf\nfrom detente.forces.views import compare\n\n"
            f"clocks = AsOf.on({str(day)!r}, known={str(known)!r})\n"
            f"for party, lines in compare({list(parties)!r}, clocks, {status!r}):\n"
            "    for x in lines:\n        print(party, x.series, x.as_of, x.low, x.best, x.high, x.source)",
        ),
        {"newest": newest, "prints": prints},
        _sources([*newest, *prints]),
        (
            "Each series (a yearbook, a notebook, a government) is kept apart; nothing is averaged.",
            "A vintage is one print: the same January is printed again each year, and may move. Only prints "
            f"published by {known} are used.",
            "The drawn line joins the newest print of each January, of the series that reaches furthest.",
        ),
        tuple(dict.fromkeys(r["mark"] for r in newest if r.get("mark"))),
    )


@lru_cache(maxsize=64)
def party_forces(party: str, by: str, day: date, known: date) -> Answer:
    """The counts of one party, by status, category or type."""
    if by not in ("status", "category", "type"):
        raise DetenteError(f"no view '{by}'", fix=nearest(by, ("status", "category", "type")))
    code = find(party).code
    rows = rows_of(forces_of(code, AsOf.on(day, known=known), by))  # type: ignore[arg-type]
    return Answer(
        {"party": code, "name": find(code).name, "by": by, "rows": rows},
        Code(
            command("forces", code, by=by, as_of=day, known=known),
            "from detente.asof import AsOf\nfrom detente.forces.views import forces\n\n"
            f"for x in forces({code!r}, AsOf.on({str(day)!r}, known={str(known)!r}), {by!r}):\n"
            "    print(x.series, x.what, x.status, x.low, x.best, x.high, x.source)",
        ),
        {"forces": rows},
        _sources(rows),
        (
            "The last table of each series that does not lie after the day; a type that a later table drops is gone.",
        ),
        tuple(dict.fromkeys(r["mark"] for r in rows if r.get("mark"))),
    )


def projection(party: str, to: int, known: date, limits: tuple[float, ...], draws: int, seed: int) -> Work:
    """A party's stockpile in each January ahead: quantiles, chances, drivers, published forecasts beside it."""
    code = find(party).code
    yield Step(0, 4, "projecting")
    p = project(code, to, known=known, n=draws, seed=seed)
    limits = limits or LIMITS.get(code, (1550.0, 3700.0, 4500.0) if code in ("US", "RU") else (200.0, 300.0))
    yield Step(1, 4, "asking for chances")
    days = [
        d
        for d in (date(2030, 1, 1), date(2030, 12, 31), date(2035, 1, 1))
        if d.year + (d.month > 1) in p.years
    ]
    chances = [a for x in limits for a in questions.answers(p, x, tuple(days) or (date(p.years[-1], 1, 1),))]
    yield Step(2, 4, "weighing the drivers")
    by_view, by_driver = sensitivity.of_projection(p, p.years[-1])
    yield Step(3, 4, "reading published forecasts")
    said = questions.published(code, p)
    names = ("low", "lower", "median", "upper", "high")
    fan = [
        {"january": y} | dict(zip(names, q, strict=True))
        for y, q in zip(p.years, p.quantiles().tolist(), strict=True)
    ]
    past = p.line
    shown = {
        "party": code,
        "name": find(code).name,
        "fan": fan,
        "past": [
            {"january": int(y), "warheads": float(w)}
            for y, w in zip(past.years, past.warheads, strict=True)
            if w > 0
        ],
        "chances": chances,
        "crossings": questions.crossings(p, limits),
        "drivers": {"views": by_view, "bottom_up": by_driver},
        "published": said,
        "weights": dict(zip(("state space", "outside view", "bottom up"), p.weights, strict=True)),
        "limits": limits,
        "seed": seed,
        "draws": draws,
    }
    return Answer(
        shown,
        Code(
            command("project", code, to=to, known=known, limit=[f"{x:g}" for x in limits], draws=draws, seed=seed),
            "from datetime import date\n\nfrom detente.forces.project import project\n\n"
            f"p = project({code!r}, {to}, known=date.fromisoformat({str(known)!r}), n={draws}, seed={seed})\n"
            "for year, row in zip(p.years, p.quantiles(), strict=True):\n    print(year, row.round())",
        ),
        {
            "fan": fan,
            "chances": rows_of(chances),
            "published": rows_of(said),
            "drivers": rows_of([*by_view, *by_driver]),
        },
        _sources(rows_of(line(c) for c in past.rows[-5:])),
        (
            "Three views are pooled by how well each forecast in back-tests: a state-space model of the printed "
            "line, the record of other states' arsenals, and a build-up from systems where one is known.",
            f"{draws} draws, seed {seed}; the bands hold 50 % and 90 % of them. The model speaks of Januaries.",
        ),
        p.marks,
    )  # fmt: skip


def _lines(parties: tuple[str, ...], day: date, known: date) -> dict[str, list[dict[str, float]]]:
    found = {}
    for code in parties:
        try:
            made = stockpile_line(code, known)
        except DetenteError:  # nothing had been published by then
            continue
        found[code] = [
            {"january": int(y), "warheads": float(w)}
            for y, w in zip(made.years, made.warheads, strict=True)
            if w > 0 and date(int(y), 1, 1) <= day
        ]
    return found


def _sources(rows: list[dict[str, Any]]) -> tuple[SourceRow, ...]:
    seen: dict[str, SourceRow] = {}
    for r in rows:
        ref = r.get("url") or r.get("source") or ""
        if ref:
            seen.setdefault(
                ref, SourceRow(ref, r.get("source", ""), r.get("published", ""), r.get("quality", ""))
            )
    return tuple(seen.values())

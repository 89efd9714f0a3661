"""Answers by name: will a party pass a number by a day, for each quantity that speakers mean by it."""

from __future__ import annotations

import re
from datetime import date

import msgspec
import numpy as np

from detente.forces.catalogue import as_known, facts
from detente.forces.project import Projection, first_years
from detente.linear import Array
from detente.parties import party as find
from detente.sources import RECALLED_MARK, Quality

DEFINITIONS = ("stockpile", "operational", "fissile material for")


class Answer(msgspec.Struct, frozen=True):
    """P(quantity > limit) at some January up to `by`; `median`, `low`, `high` (90 %) of that January's count."""

    party: str
    definition: str
    limit: float
    by: str
    p: float
    low: float
    median: float
    high: float
    rests_on: str
    marks: tuple[str, ...] = ()


def operational_share(party: str, known: date) -> tuple[float, float, bool]:
    """(lowest, highest, recalled) share of a stockpile that analysts assigned to systems, over their editions.

    (1, 1, False) where no edition prints both.
    """
    rows = [c for c in as_known(known) if c.party == party and c.series == "FAS_NOTEBOOK"]
    found, recalled = [], False
    for total in (c for c in rows if c.status == "stockpile" and c.mid > 0):
        same = [c for c in rows if c.as_of == total.as_of and c.status == "assigned"]
        legs = {c.category: c for c in same if not c.type}
        parts = list(legs.values()) + [c for c in same if c.type and c.category not in legs]
        share = sum(c.mid for c in parts) / total.mid
        if 0.5 < share <= 1.0:  # below a half the edition did not print most of its types
            found.append(share)
            recalled |= any(c.quality.doubtful for c in parts)
    return (min(found), max(found), recalled) if found else (1.0, 1.0, False)


def answers(p: Projection, limit: float, days: tuple[date, ...]) -> list[Answer]:
    """P(more than `limit`) by each of `days`, for each definition that can be computed.

    The model speaks of Januaries: a day stands for the next 1 January (31 December 2030 for that of 2031).

    `stockpile`: all military warheads; `operational`: times the share assigned to systems, uniform between
    the shares that editions printed; `fissile material for`: what the plutonium alone would allow.
    """
    rng = np.random.default_rng(p.seed + 1)
    low, high, recalled = operational_share(p.party, p.known)
    share = rng.uniform(low, high, p.values.shape[1])
    marked = (RECALLED_MARK,) if recalled or p.quality is Quality.recalled else ()
    found = []
    for day in days:
        year = day.year if (day.month, day.day) == (1, 1) else day.year + 1
        if year not in p.years:
            continue
        k = p.years.index(year) + 1
        found.append(_answer(p, "stockpile", limit, day, p.values[:k], "the pooled projection", p.marks))
        text = f"{low:.0%} to {high:.0%} of the stockpile"
        found.append(_answer(p, "operational", limit, day, p.values[:k] * share, text, marked))
        if p.bound is not None:
            row = p.bound.rests_on[0]
            text = (
                f"plutonium {row['low']}-{row['high']} t ({row['source']}), 3-5 kg a warhead, fast reactors"
            )
            marks = (RECALLED_MARK,) if p.bound.quality.doubtful else ()
            found.append(
                _answer(p, "fissile material for", limit, day, p.bound.warheads[: k + 1], text, marks)
            )
    return found


def _answer(
    p: Projection, what: str, limit: float, day: date, values: Array, rests_on: str, marks: tuple[str, ...]
) -> Answer:
    ever = (values > limit).any(axis=0)
    low, median, high = (float(q) for q in np.quantile(values[-1], (0.05, 0.5, 0.95)))
    return Answer(
        p.party, what, limit, day.isoformat(), float(ever.mean()), low, median, high, rests_on, marks
    )


class Published(msgspec.Struct, frozen=True):
    """A published projection beside this model: what it said, what was or is held, what the model says.

    `model_*`: the model's median and 90 % range for the same January from what was in print on the day of
    publication (None before 2012); `p_today`: the chance, as of the projection given, of at least `value`.
    """

    id: str
    who: str
    published: str
    quantity: str
    target: int
    value: float
    model_low: float | None
    model_median: float | None
    model_high: float | None
    outcome: float | None
    error: float | None
    p_today: float | None
    quality: str


COMPARABLE = ("warheads", "deliverable warheads", "operational warheads", "stockpile ceiling")
MATERIAL = ("warheads that could be made", "fissile material for warheads")


def published(party: str, p: Projection | None = None) -> list[Published]:
    """Published projections of a party's warheads, beside this model and the outcome, oldest first."""
    from detente.asof import Span
    from detente.forces.line import truth
    from detente.forces.project import project

    outcomes = truth(party, p.known if p else date.today())
    rows = []
    for row in facts("projections_published"):
        value = next((row.number(c) for c in ("best", "low", "high") if row[c]), None)
        if (
            row["party"] != party
            or row["quantity"] not in (*COMPARABLE, *MATERIAL)
            or value is None
            or not row["target_year"]
        ):
            continue
        target = int(float(row["target_year"]))
        day = Span.parse(row["published"]).latest
        low = median = high = None
        if day >= date(2012, 7, 1) and row["quantity"] in COMPARABLE:
            then = project(party, target, known=day, n=4000)
            low, median, high = (float(q) for q in np.quantile(then.values[-1], (0.05, 0.5, 0.95)))
        outcome = outcomes.get(target) if row["quantity"] in COMPARABLE else None
        today = None
        if p and outcome is None and target in p.years:
            k = p.years.index(target)
            held = (
                p.values[k] if row["quantity"] in COMPARABLE else p.bound.warheads[k + 1] if p.bound else None
            )
            today = None if held is None else float((held >= value).mean())
        rows.append(
            Published(
                id=row["id"],
                who=row["who"],
                published=row["published"],
                quantity=row["quantity"],
                target=target,
                value=value,
                model_low=low,
                model_median=median,
                model_high=high,
                outcome=outcome,
                error=None if outcome is None else value - outcome,
                p_today=today,
                quality=row["quality"],
            )
        )
    return sorted(rows, key=lambda r: r.published)


def crossings(p: Projection, limits: tuple[float, ...]) -> list[dict[str, object]]:
    """For each limit the chance of ever passing it within the projection, and the year of the first time."""
    return [{"party": find(p.party).name, **first_years(p, limit)} for limit in limits]


def published_chances(party: str, p: Projection) -> list[str]:
    """Published probabilities beside this model's, in words, e.g. those of a forecasting community."""
    found = []
    for row in facts("projections_published"):
        asked = re.match(r"P\(>=(\d+) warheads by (\d{4})-01-01\)", row["quantity"])
        value = row.number("best") or row.number("low")
        if row["party"] == party and asked and value is not None and int(asked[2]) in p.years:
            k = p.years.index(int(asked[2]))
            mine = float((p.values[: k + 1] >= float(asked[1])).any(axis=0).mean())
            found.append(
                f"{row['who']} {row['published']}: {row['quantity']} = {value:.0%}; this model: {mine:.0%}"
            )
    return found


class Past(msgspec.Struct, frozen=True):
    """A published forecast whose outcome is known: what was said and what came, in numbers where both are one.

    `error`: said over came, less one; None where the outcome is told in words only.
    """

    id: str
    party: str
    who: str
    published: str
    quantity: str
    target: str
    said: str
    came: str
    error: float | None
    quality: str


def record() -> list[Past]:
    """How published forecasts turned out, of every party and quantity, oldest first."""
    from detente.forces.line import truth

    found = []
    for row in facts("projections_published"):
        words = row["outcome"]
        if not words or words.startswith("open"):
            continue
        numbers = [row.number(c) for c in ("low", "best", "high")]
        given = [x for x in numbers if x is not None]
        value = numbers[1] if numbers[1] is not None else given[0] if given else None
        outcome = None
        if row["quantity"] in COMPARABLE and row["target_year"]:
            outcome = truth(row["party"], date.today()).get(int(float(row["target_year"])))
        error = value / outcome - 1 if value is not None and outcome else None
        said = " to ".join(f"{x:,.0f}" for x in sorted({given[0], given[-1]})) if given else row["words"]
        found.append(
            Past(
                *(row["id"], row["party"], row["who"], row["published"], row["quantity"]),
                target=row["target_year"],
                said=said,
                came=f"{outcome:,.0f} ({words})" if outcome else words,
                error=error,
                quality=row["quality"],
            )
        )
    return sorted(found, key=lambda r: r.published)

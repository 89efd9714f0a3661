"""Inspection quotas over years: confidence gained, the way a cheater would hide, the cheapest plan."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import msgspec

from detente.disclosure.sampling import (
    Site,
    detection,
    iaea_sample_size,
    jaech_sample_size,
    sample_size,
    two_stage,
    worst_placement,
)
from detente.errors import DetenteError


class YearRow(msgspec.Struct, frozen=True):
    """What has been seen by the end of one year, and the chance that it showed the violation."""

    year: int
    inspected: int
    fresh: Fraction  # no item is picked twice while any is unseen
    repeated: Fraction  # each year draws from the whole population again


def by_years(
    items: int, false: int, per_year: int, years: int, recognised: Fraction = Fraction(1), *, present: int = 0
) -> list[YearRow]:
    """Detection by the end of each year: `per_year` single-item picks among `items`, `false` of them false.

    `fresh` picks items not seen before and assumes that what was false stays false where it is; `repeated`
    draws anew each year, and holds even if the cheater moves the false items between inspections.
    `present`: years for which the violation lasts (0: throughout); detection does not grow after it.
    Raises DetenteError for counts that do not fit.
    """
    if years < 1 or per_year < 1:
        raise DetenteError(f"{per_year} inspections a year for {years} years", fix="both are at least 1")
    yearly_miss = 1 - detection(items, false, min(per_year, items), recognised)
    rows = []
    for year in range(1, years + 1):
        lasting = min(year, present or year)
        rows.append(
            YearRow(
                year,
                per_year * year,
                _fresh(items, false, per_year * lasting, recognised),
                1 - yearly_miss**lasting,
            )
        )
    return rows


def _fresh(items: int, false: int, picks: int, recognised: Fraction) -> Fraction:
    """Rounds through the population: whole ones first, then a sample of the last."""
    whole, part = divmod(picks, items)
    round_miss = (1 - recognised) ** false
    return 1 - round_miss**whole * (1 - detection(items, false, part, recognised))


class Sizes(msgspec.Struct, frozen=True):
    """The sample for one confidence: exact, and by the two published approximations (perfect inspection)."""

    confidence: Fraction
    exact: int
    iaea: int | None
    jaech: int | None


def sizes(
    items: int, false: int, confidences: Iterable[Fraction], recognised: Fraction = Fraction(1)
) -> list[Sizes]:
    """Sample sizes for several confidences; the approximations only where they apply (perfect inspection)."""
    perfect = recognised == 1 and false > 0
    return [
        Sizes(
            c,
            sample_size(items, false, c, recognised),
            iaea_sample_size(items, false, c) if perfect else None,
            jaech_sample_size(items, false, c) if perfect else None,
        )
        for c in confidences
    ]


class Escrow(msgspec.Struct, frozen=True):
    """How an escrow changes a pick: slots that are empty, and leaves that do not match their proof values."""

    slots: int  # every slot is as likely to be picked
    occupied: int
    mislinked: int = 0  # honest clerical defects among the occupied slots
    accept: int = 0  # defects the parties agreed to forgive


class EscrowResult(msgspec.Struct, frozen=True):
    """Detection over slots, the picks that show one item on average, and the false alarms."""

    detection: Fraction
    items_seen: Fraction
    false_alarm: Fraction
    picks_for_same: int


def with_escrow(escrow: Escrow, false: int, picks: int, recognised: Fraction = Fraction(1)) -> EscrowResult:
    """What `picks` slots of an escrow prove when `false` leaves lie and some slots are empty.

    An empty slot opens to nothing, so the population is the slots. Honest defects add findings:
    the false alarm is the chance that an honest party shows more than `accept` of them.
    `picks_for_same`: slots to open for the detection that `picks` open items would give with none empty.
    Raises DetenteError for counts that do not fit.
    """
    if not false + escrow.mislinked <= escrow.occupied <= escrow.slots:
        raise DetenteError(
            f"{false} false, {escrow.mislinked} mislinked, {escrow.occupied} items in {escrow.slots} slots",
            fix="false + mislinked <= occupied <= slots",
        )
    found = detection(escrow.slots, false + escrow.mislinked, picks, recognised, escrow.accept)
    alarm = detection(escrow.slots, escrow.mislinked, picks, recognised, escrow.accept)
    wanted = detection(escrow.occupied, false, min(picks, escrow.occupied), recognised)
    return EscrowResult(
        found,
        Fraction(picks * escrow.occupied, escrow.slots),
        alarm,
        sample_size(escrow.slots, false, wanted, recognised),
    )


class SitePlan(msgspec.Struct, frozen=True):
    """Visits a year and items opened at each, its cost, and what it detects against the worst placement."""

    visits: int
    picked: int
    cost: Fraction
    detection: Fraction
    hiding: tuple[int, ...]  # the placement that the cheater would choose


class SiteTask(msgspec.Struct, frozen=True):
    """What a plan must achieve: equal sites, a violation, a confidence within years, what things cost."""

    sites: int
    items: int  # at each site
    false: int  # in all
    confidence: Fraction
    years: int
    quota: int  # visits a year that the treaty allows
    visit_cost: Fraction
    item_cost: Fraction
    recognised: Fraction = Fraction(1)


def over_years(yearly: Fraction, years: int) -> Fraction:
    """Detection over independent years: 1 - (1 - p)^years."""
    return 1 - (1 - yearly) ** years


def cheapest(task: SiteTask, *, keep: int = 5) -> list[SitePlan]:
    """The cheapest plans (visits a year, items a visit) that reach the confidence, cheapest first.

    Against each plan the cheater places the false items as it likes; each year's draw is independent.
    For every number of visits the fewest items are found by bisection, since detection grows with both.
    Raises DetenteError where the quota cannot reach the confidence.
    """
    plans = []
    for visits in range(1, min(task.quota, task.sites) + 1):
        plan = _fewest_items(task, visits)
        if plan:
            plans.append(plan)
    if not plans:
        best = _plan(task, min(task.quota, task.sites), task.items)
        raise DetenteError(
            f"{float(task.confidence):.1%} cannot be reached: {best.visits} visits a year, all items opened, "
            f"give {float(best.detection):.1%} in {task.years} years",
            fix="raise the quota or the years, or lower the confidence",
        )
    return sorted(plans, key=lambda p: (p.cost, p.visits))[:keep]


def _fewest_items(task: SiteTask, visits: int) -> SitePlan | None:
    low, high = 1, task.items
    if _plan(task, visits, high).detection < task.confidence:
        return None
    while low < high:
        middle = (low + high) // 2
        if _plan(task, visits, middle).detection >= task.confidence:
            high = middle
        else:
            low = middle + 1
    return _plan(task, visits, low)


def _plan(task: SiteTask, visits: int, picked: int) -> SitePlan:
    yearly, hiding = worst_placement(task.false, task.sites, task.items, visits, picked, task.recognised)
    cost = visits * (task.visit_cost + picked * task.item_cost)
    return SitePlan(visits, picked, cost, over_years(yearly, task.years), tuple(k for k in hiding if k))


class Cheat(msgspec.Struct, frozen=True):
    """One way of cheating and how its detection grows: a row of confidences by year."""

    name: str
    note: str
    by_year: tuple[Fraction, ...]


def ways_of_cheating(items: int, false: int, sites: int, per_year: int, years: int) -> list[Cheat]:
    """Confidence by year against several ways of hiding the same `false` items, same number of openings.

    Each way faces `per_year` single-item openings a year, drawn from all items, except that against one site
    they are spent on a single visit. Raises DetenteError for counts that do not fit.
    """
    if sites < 1 or items < sites:
        raise DetenteError(f"{items} items at {sites} sites", fix="at least one item at each site")
    per_site = items // sites
    span = range(1, years + 1)
    fresh = [r.fresh for r in by_years(items, false, per_year, years)]
    doubtful = [r.fresh for r in by_years(items, false, per_year, years, Fraction(1, 2))]
    moved = [r.repeated for r in by_years(items, false, per_year, years)]
    short = [r.fresh for r in by_years(items, false, per_year, years, present=2)]
    crowd, clean = (Site(per_site, k, per_year) for k in (min(false, per_site), 0))
    one_site = two_stage([crowd] + [clean] * (sites - 1), 1)
    crowded = tuple(over_years(one_site, y) for y in span)
    return [
        Cheat("False data, items stay in place", "no item is opened twice", tuple(fresh)),
        Cheat("False items moved between years", "each year draws from all again", tuple(moved)),
        Cheat(f"All at one of {sites} sites", "one site a year, all openings there", crowded),
        Cheat("Hard to see: recognised half the time", "one look in two is fooled", tuple(doubtful)),
        Cheat("Two years only, then put right", "detection stops growing", tuple(short)),
        Cheat("Items never declared", "no opening meets them", (Fraction(),) * years),
    ]


def undeclared(encounters: int, traced: Fraction) -> Fraction:
    """The chance that at least one of `encounters` with undeclared objects is traced by a reverse look-up.

    `traced`: chance that the serial of an object met by chance (by any means) is read and looked up in the
    escrow. An absent serial is proof; nothing else finds an item outside the declaration.
    """
    return 1 - (1 - traced) ** encounters

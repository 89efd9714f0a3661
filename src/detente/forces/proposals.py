"""What each proposal would do to whom: counts, headroom, cuts and chances over projected draws and years."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import msgspec
import numpy as np

from detente.asof import AsOf
from detente.errors import DetenteError
from detente.forces import permitted, stream
from detente.forces.futures import Future, future
from detente.forces.project import project
from detente.linear import Array, LinearForm
from detente.sources import RECALLED_MARK, Quality
from detente.treaty.compile import compile_form
from detente.treaty.judge import counted_as
from detente.treaty.load import Loaded
from detente.treaty.proposals import load_proposal, proposal_ids
from detente.treaty.resolve import Law, resolve
from detente.treaty.schema import Limit

PARTIES = ("US", "RU", "CN", "UK", "FR")


class Effect(msgspec.Struct, frozen=True):
    """One limit of one proposal on one party (or parties counted as one) in one January.

    `count`, `headroom` (bound less count; negative is over): 5, 50, 95 % points in `unit`; `p_met`: fraction of
    draws that keep the limit, with its standard error; `cut`: mean excess, in `unit`. Where no bound holds that
    day, `bound` and all that follows from it are None.
    """

    proposal: str
    limit: str
    title: str
    party: str
    year: int
    unit: str
    count: tuple[float, float, float]
    bound: float | None
    headroom: tuple[float, float, float] | None
    p_met: float | None
    p_met_se: float | None
    cut: float | None
    cut_share: float | None
    marks: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True):
    """Effects of several proposals, with what they rest on."""

    known: date
    years: tuple[int, ...]
    draws: int
    seed: int
    effects: tuple[Effect, ...]

    def of(self, proposal: str, party: str, year: int) -> list[Effect]:
        """The effects on `party`, alone or counted with others, in one year."""
        return [
            e
            for e in self.effects
            if e.proposal == proposal and e.year == year and party in e.party.split("+")
        ]


class _Case(msgspec.Struct, frozen=True, eq=False):
    proposal: str
    limit: Limit
    party: str
    form: LinearForm
    bounds: list[float | None]
    title: str
    recalled: bool


class Projected:
    """A source of blocks: projections of every group of parties from what was known on a day (picklable)."""

    def __init__(self, groups: Sequence[str], known: date, to: int) -> None:
        self.groups, self.known, self.to = tuple(groups), known, to

    def __call__(self, seed: np.random.SeedSequence, n: int) -> list[Array]:
        number = int(seed.generate_state(1)[0])
        futures = futures_of(_members(self.groups), self.known, self.to, n, number)
        return [_side_by_side([futures[c].values for c in g.split("+")]) for g in self.groups]


def _side_by_side(values: Sequence[Array]) -> Array:
    """(year, draw, item) of several parties as one; a party alone is not copied."""
    return values[0] if len(values) == 1 else np.concatenate(values, axis=2)


def _members(groups: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(c for g in groups for c in g.split("+")))


@lru_cache(maxsize=4)
def futures_of(parties: tuple[str, ...], known: date, to: int, n: int, seed: int) -> dict[str, Future]:
    """The projected rows of several parties, each with its own stream of the seed."""
    return {c: future(project(c, to, known=known, n=n, seed=seed + 7919 * PARTIES.index(c))) for c in parties}


def compare(
    names: Sequence[str] = (),
    *,
    years: tuple[int, ...],
    known: date | None = None,
    draws: int = 20_000,
    seed: int = 1,
    workers: str = "",
    parties: Sequence[str] = PARTIES,
) -> Comparison:
    """Every limit of every proposal over projected forces, for each party it binds, each January of `years`.

    The proposals are taken as if they bound everybody they name from the first year on; a limit whose own
    window has closed has no bound. Raises DetenteError for unknown proposals or years that are not projected.
    """
    known = known or date.today()
    loaded = {n: load_proposal(n) for n in (names or proposal_ids())}
    reach = max(*years, known.year + 1)
    small = futures_of(tuple(parties), known, reach, 200, seed)
    held = next(iter(small.values())).years
    for year in years:
        if year not in held:
            raise DetenteError(f"{year} is not projected", fix=f"years {held[0]} to {held[-1]}")
    cases = [c for name, x in loaded.items() for c in _cases(name, x, small, years, known)]
    groups = tuple(dict.fromkeys(c.party for c in cases))
    chosen = [held.index(y) for y in years]
    stacks = [_stack([c for c in cases if c.party == g]) for g in groups]
    source = Years(Projected(groups, known, reach), tuple(chosen))
    result = stream.run(stacks, source, draws=draws, seed=seed, workers=workers)
    effects = []
    for g, group in enumerate(groups):
        mine = [c for c in cases if c.party == group]
        for k, case in enumerate(mine):
            for y, year in enumerate(years):
                effects.append(_effect(case, year, y, k, g, result))
    return Comparison(known, tuple(years), result.draws, seed, tuple(effects))


class Years:
    """A projected source cut to chosen years (picklable)."""

    def __init__(self, source: Projected, chosen: tuple[int, ...]) -> None:
        self.source, self.chosen = source, list(chosen)

    def __call__(self, seed: np.random.SeedSequence, n: int) -> list[Array]:
        return [v[self.chosen] for v in self.source(seed, n)]


def _cases(
    name: str, loaded: Loaded, small: dict[str, Future], years: Sequence[int], known: date
) -> list[_Case]:
    laws = [resolve(loaded, AsOf(date(y, 3, 1), date(y, 3, 1), known)) for y in years]
    cases = []
    for limit in loaded.instrument.limits:
        for group in counted_as(laws[0], limit):
            if not set(group.split("+")) <= set(small):
                continue
            form, recalled = _form(laws[0], limit, group, small)
            bounds = [_bound(law, limit, group) for law in laws]
            cases.append(_Case(name, limit, group, form, bounds, limit.title, recalled))
    return cases


def cases_of(name: str, made: dict[str, Future], years: Sequence[int], known: date) -> list[_Case]:
    """The limits of one proposal with their linear forms over projected rows. Raises DetenteError if unknown."""
    return _cases(name, load_proposal(name), made, years, known)


def _bound(law: Law, limit: Limit, group: str) -> float | None:
    found = law.bound(limit, group)
    return None if found.open is False else found.value


def _form(law: Law, limit: Limit, group: str, small: dict[str, Future]) -> tuple[LinearForm, bool]:
    from detente.inventory import inventory

    items = [i for c in group.split("+") for i in small[c].inventory.items]
    form = compile_form(law, group, inventory(items, name=group, complete=True), None, (limit,))
    used = np.flatnonzero(form.high[0])
    words = [items[k].source.quality for k in used]
    return form, any(w is Quality.recalled for w in words) or limit.quality.doubtful


def _stack(cases: Sequence[_Case]) -> stream.Stack:
    bound = np.array([[math.nan if b is None else b for b in c.bounds] for c in cases]).T
    return stream.stack([c.form for c in cases], bound)


def _effect(case: _Case, year: int, y: int, k: int, g: int, r: stream.Result) -> Effect:
    low, mid, high = (float(q) for q in r.points[g][y, k])
    bound = case.bounds[y]
    marks = (RECALLED_MARK,) if case.recalled else ()
    p = float(r.p_met[g][y, k])
    cut = float(r.cut[g][y, k])
    known = bound is not None
    return Effect(
        *(case.proposal, case.limit.id, case.title, case.party, year, case.limit.unit),
        count=(low, mid, high),
        bound=bound,
        headroom=(bound - high, bound - mid, bound - low) if bound is not None else None,
        p_met=p if known else None,
        p_met_se=math.sqrt(p * (1 - p) / r.draws) if known else None,
        cut=cut if known else None,
        cut_share=cut / max(float(r.count[g][y, k]), 1.0) if known else None,
        marks=marks,
    )


class Permitted(msgspec.Struct, frozen=True):
    """The most strategic warheads a party could have deployed under a proposal, with its projected launchers.

    `counted`: what the law counts of it; `binding`: the limits that stop it. `cuts`: the fewest items to take
    away from the median force, by row.
    """

    proposal: str
    party: str
    year: int
    warheads: float
    counted: dict[str, float]
    binding: tuple[str, ...]
    cuts: dict[str, float]


STRATEGIC = ("deployed_missile_warhead", "bomber_weapon", "deployed_warhead")


def largest(name: str, party: str, year: int, made: Future, known: date) -> Permitted | None:
    """The largest deployed force of `party` under a proposal; None where it does not bind the party alone.

    The launchers and bombers of the projection's median are there to use, each missile takes at most the most
    its type carries. Raises DetenteError for a law that is not linear.
    """
    loaded = load_proposal(name)
    law = resolve(loaded, AsOf(date(year, 3, 1), date(year, 3, 1), known))
    limits = tuple(
        x
        for x in loaded.instrument.limits
        if party in counted_as(law, x) and law.bound(x, party).open is not False
    )
    if not limits:
        return None
    form = compile_form(law, party, made.inventory, None, limits)
    median = np.median(made.values[made.years.index(year)], axis=0)
    items = made.inventory.items
    ties, upper = _ties_of(party, made, median, known)
    value = np.array([float(i.kind in STRATEGIC) for i in items])
    best = permitted.largest_force(form, value, upper=upper, ties=ties)
    cut = permitted.smallest_cut(
        form, median, weight=np.array([1.0 if i.unit == "warheads" else 2.0 for i in items])
    )
    counts = form.low @ best.items if math.isfinite(best.total) else np.full(len(limits), math.nan)
    return Permitted(
        *(name, party, year),
        warheads=best.total,
        counted={x.id: float(c) for x, c in zip(limits, counts, strict=True)},
        binding=best.binding,
        cuts={i.id: round(float(c), 1) for i, c in zip(items, cut.items, strict=True) if c > 0.5},
    )


def _ties_of(party: str, made: Future, median: Array, known: date) -> tuple[list[permitted.Tie], Array]:
    from detente.forces.bottomup import drivers

    index = {i.id: k for k, i in enumerate(made.inventory.items)}
    most = {d.type: d.points[0][2] for d in drivers(party, known) if d.quantity == "load_max"}
    upper = np.full(len(index), np.inf)
    ties = []
    for k in index.values():
        item = made.inventory.items[k]
        if item.unit == "warheads" and item.type in most and f"{party}/{item.type}" in index:
            ties.append(permitted.Tie(k, index[f"{party}/{item.type}"], most[item.type]))
        elif item.kind in ("icbm", "slbm", "ground_ballistic_missile"):
            launchers = index.get(f"{party}/{item.type}/launchers")
            upper[k] = median[k] if launchers is None else median[launchers]
            if launchers is not None:
                ties.append(permitted.Tie(k, launchers, 1.0))
        elif item.unit != "warheads":
            upper[k] = median[k]
            apart = index.get(f"{party}/{item.type}/not deployed")
            if item.kind == "heavy_bomber" and apart is not None and apart != k:
                upper[k] = median[k] + median[apart]
    return ties, upper

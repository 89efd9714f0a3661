"""The one schema for everything that is counted: a row a count, strict on load, each row with its source."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from detente.asof import Span
from detente.errors import DetenteError, nearest
from detente.parties import party
from detente.sources import Quality
from detente.tables import Row, read_table
from detente.vocabulary import kinds

if TYPE_CHECKING:
    import polars as pl

WORLD = "world"  # a printed total over all parties, where a source prints one
CATEGORIES = ("", "land", "sea", "air", "nonstrategic")
STATUSES = (
    "stockpile",  # military warheads: deployed and reserve
    "inventory",  # stockpile and retired
    "deployed",
    "reserve",
    "retired",
    "assigned",  # warheads analysts allot to a system: an estimate, not a treaty count
    "declared",  # what a party declared under a treaty
    "total",  # vehicles or launchers, deployed or not
    "loaded",
    "training",
    "geolocated",
    "announced",
    "shown",
)
REQUIRED = ("series", "party", "kind", "status", "unit", "best", "as_of", "published", "quality", "source")
OPTIONAL = (
    "category",
    "type",
    "variant",
    "site",
    "low",
    "high",
    "warheads_each",
    "warheads_max",
    "range_km",
    "basing",
    "url",
    "note",
)
COLUMNS = (*REQUIRED, *OPTIONAL)
NUMBERS = ("low", "best", "high", "warheads_each", "warheads_max", "range_km")
ROUNDING = 0.005  # printed parts may pass a printed total by this fraction: figures are rounded


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many of something a party had on a day, as one publication gave it.

    `low`, `best`, `high`: in `unit`, NaN where not given. `warheads_each`: mean load of one item;
    `warheads_max`: the most it can carry. `category` without `type` is a total of its types; neither is the
    total of the party. `as_of`: when it was so; `published`: when it could be read.
    """

    series: str
    party: str
    kind: str
    status: str
    unit: str
    as_of: str
    published: str
    quality: Quality
    source: str
    category: str = ""
    type: str = ""
    variant: str = ""
    site: str = ""
    low: float = math.nan
    best: float = math.nan
    high: float = math.nan
    warheads_each: float = math.nan
    warheads_max: float = math.nan
    range_km: float = math.nan
    basing: str = ""
    url: str = ""
    note: str = ""
    where: str = ""

    @property
    def id(self) -> str:
        """A name that stays the same while the row says what it says about the same thing."""
        path = (self.series, self.party, self.as_of, self.kind, self.status)
        what = (self.category, self.type, self.variant, self.site)
        return "/".join((*path, *(w for w in what if w))) + f"@{self.published}"

    @property
    def mid(self) -> float:
        """`best`, or the middle of a printed range; NaN where neither is given."""
        return self.best if not math.isnan(self.best) else (self.low + self.high) / 2

    @property
    def year(self) -> int:
        return Span.parse(self.as_of).earliest.year


def read_counts(path: Path | Traversable) -> tuple[Count, ...]:
    """Every row of a CSV or Parquet file under the schema, checked; nothing is returned where a row is wrong.

    Raises DetenteError with file and line: unknown column, type, party or status, a negative count, low above
    best, a missing source, a date that is none, two rows for the same thing, parts above their total.
    """
    rows = (
        _parquet_rows(path)
        if path.name.endswith(".parquet")
        else read_table(path, REQUIRED, optional=OPTIONAL)
    )
    counts = tuple(_count(row) for row in rows)
    _refuse_twins(counts)
    refuse_excess(counts)
    return counts


def _parquet_rows(path: Path | Traversable) -> Iterable[Row]:
    import polars as pl

    try:
        frame = pl.read_parquet(path.read_bytes())
    except (OSError, pl.exceptions.PolarsError) as bad:
        raise DetenteError(
            f"cannot be read: {str(bad).splitlines()[0]}", where=str(path), fix="check the path"
        ) from None
    for column in REQUIRED:
        if column not in frame.columns:
            raise DetenteError(f"no column '{column}'", where=path.name, fix=nearest(column, frame.columns))
    for column in frame.columns:
        if column not in COLUMNS:
            raise DetenteError(f"unknown column '{column}'", where=path.name, fix=nearest(column, COLUMNS))
    for n, cells in enumerate(frame.iter_rows(named=True), 1):
        yield Row({c: _cell(v) for c, v in cells.items()}, f"{path.name}: row {n}")


def _cell(value: object) -> str:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value).strip()


def _count(row: Row) -> Count:
    cells = {c: row.cells.get(c, "") for c in COLUMNS}
    for column in ("series", "party", "kind", "status", "unit", "as_of", "published"):
        if not cells[column]:
            raise DetenteError(f"no {column.replace('_', ' ')}", where=row.where, fix="give one")
    for column, known in (("kind", kinds()), ("status", STATUSES), ("category", CATEGORIES)):
        if cells[column] not in known:
            raise DetenteError(
                f"unknown {column} '{cells[column]}'", where=row.where, fix=nearest(cells[column], known)
            )
    quality = _quality(cells, row.where)
    numbers = {c: _number(row, c) for c in NUMBERS}
    _in_order(numbers, row.where)
    for column in ("as_of", "published"):
        Span.parse(cells[column], where=row.where)
    code = WORLD if cells["party"] == WORLD else party(cells["party"], where=row.where).code
    texts = {c: cells[c] for c in COLUMNS if c not in NUMBERS}
    return Count(**{**texts, **numbers, "party": code, "quality": quality, "where": row.where})  # type: ignore[arg-type]


def _quality(cells: dict[str, str], where: str) -> Quality:
    try:
        quality = Quality(cells["quality"])
    except ValueError:
        raise DetenteError(
            f"unknown quality '{cells['quality']}'", where=where, fix=nearest(cells["quality"], Quality)
        ) from None
    if not cells["source"].strip():
        raise DetenteError("a count without a source", where=where, fix="fill the column 'source'")
    return quality


def _number(row: Row, column: str) -> float:
    if column not in row.cells:
        return math.nan
    value = row.number(column)
    if value is not None and value < 0:
        raise DetenteError(
            f"a negative count {value:g} in column '{column}'", where=row.where, fix="counts are zero or more"
        )
    return math.nan if value is None else value


def _in_order(n: dict[str, float], where: str) -> None:
    given = [(c, n[c]) for c in ("low", "best", "high") if not math.isnan(n[c])]
    for (name, value), (after, more) in pairwise(given):
        if value > more:
            raise DetenteError(
                f"{name} {value:g} is above {after} {more:g}", where=where, fix="low <= best <= high"
            )


def _refuse_twins(counts: Sequence[Count]) -> None:
    seen: dict[str, Count] = {}
    for c in counts:
        if c.id in seen:
            raise DetenteError(
                f"counts the same thing as {seen[c.id].where}: {c.id}",
                where=c.where,
                fix="keep one of the two",
            )
        seen[c.id] = c


class Excess(msgspec.Struct, frozen=True):
    """A printed total and the printed parts that should add up to it (sums in the unit of the total)."""

    total: Count
    parts: tuple[Count, ...]
    rule: str

    @property
    def best(self) -> float:
        """Sum of the parts, warheads or items; the middle of a range where only a range is printed."""
        return sum(p.mid for p in self.parts)

    @property
    def least(self) -> float:
        return sum(p.low if not math.isnan(p.low) else p.mid for p in self.parts)

    @property
    def over(self) -> bool:
        """True where even the low ends of the parts pass the total by more than rounding."""
        high = self.total.high if not math.isnan(self.total.high) else self.total.mid
        return self.least > high * (1 + ROUNDING)


STATUS_PARTS = {"inventory": ("stockpile", "retired"), "stockpile": ("deployed", "reserve")}


def additions(counts: Iterable[Count]) -> list[Excess]:
    """Every printed total with its parts, within one series, party, day and print.

    By status: inventory = stockpile + retired, stockpile = deployed + reserve. By category: a category's
    total and its types, the assigned total of a party and its categories.
    """
    groups: dict[tuple[str, ...], list[Count]] = defaultdict(list)
    for c in counts:
        if not math.isnan(c.mid) and c.party != WORLD and not c.site:
            groups[(c.series, c.party, c.as_of, c.published)].append(c)
    return [e for group in groups.values() for e in (*_by_status(group), *_by_category(group))]


def _by_status(group: list[Count]) -> Iterable[Excess]:
    whole = {c.status: c for c in group if not c.category and not c.type and c.unit == "warheads"}
    for status, names in STATUS_PARTS.items():
        if status in whole and any(n in whole for n in names):
            parts = tuple(whole[n] for n in names if n in whole)
            if len(parts) < len(names) and sum(p.mid for p in parts) <= whole[status].mid:
                continue  # half of the sum is not printed: nothing to add up
            yield Excess(whole[status], parts, f"{status} = {' + '.join(p.status for p in parts)}")


def _by_category(group: list[Count]) -> Iterable[Excess]:
    legs: dict[tuple[str, str, str], list[Count]] = defaultdict(list)
    for c in group:
        if c.category:
            legs[(c.category, c.status, c.unit)].append(c)
    leg_totals: list[Count] = []
    for (leg, status, unit), rows in legs.items():
        types, totals = [c for c in rows if c.type], [c for c in rows if not c.type]
        if totals and types:
            yield Excess(totals[0], tuple(types), f"{leg} {status} {unit} = its types")
        if status == "assigned":
            leg_totals += totals[:1] or types
    whole = [c for c in group if c.status == "stockpile" and not c.category]
    if whole and leg_totals:
        yield Excess(whole[0], tuple(leg_totals), "stockpile = assigned warheads by category")


def refuse_excess(counts: Iterable[Count]) -> None:
    """Raise DetenteError where parts exceed the total they belong to."""
    for e in additions(counts):
        if e.over:
            raise DetenteError(
                f"the parts ({e.rule}) add to {e.least:g}, more than the total {e.total.mid:g} at {e.total.where}",
                where=max(e.parts, key=lambda p: p.mid).where,
                fix="correct the total or a part",
            )


def to_frame(counts: Sequence[Count]) -> pl.DataFrame:
    """The rows as a polars frame in the order of the schema, empty numbers as null (for Parquet and CSV)."""
    import polars as pl

    columns: dict[str, list[object]] = {c: [] for c in COLUMNS}
    for row in counts:
        for c in COLUMNS:
            value = getattr(row, c)
            columns[c].append(None if isinstance(value, float) and math.isnan(value) else value)
    schema = {c: pl.Float64 if c in NUMBERS else pl.String for c in COLUMNS}
    return pl.DataFrame(
        {c: [str(v) if schema[c] is pl.String else v for v in columns[c]] for c in COLUMNS}, schema
    )

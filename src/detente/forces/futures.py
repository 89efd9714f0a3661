"""From a projection to rows a treaty can count: systems, launchers and warheads of each year, as draws."""

from __future__ import annotations

import msgspec
import numpy as np

from detente.draws import Draws
from detente.errors import DetenteError
from detente.forces import statespace
from detente.forces.bottomup import Build, Driver
from detente.forces.project import Projection
from detente.inventory import Inventory, Item, Value, inventory
from detente.linear import Array
from detente.sources import Quality, Source

LAUNCHER = {
    "icbm": "icbm_launcher",
    "slbm": "slbm_launcher",
    "ground_ballistic_missile": "ground_missile_launcher",
}
ITEM_UNIT = {"heavy_bomber": "bombers"}
# which class the warheads of a system belong to; others are counted as below strategic range
WARHEAD = {
    "icbm": "deployed_missile_warhead",
    "slbm": "deployed_missile_warhead",
    "heavy_bomber": "bomber_weapon",
    "air_cruise_missile": "deployed_warhead",
}


class Future(msgspec.Struct, frozen=True, eq=False):
    """A party's rows in the January of the last print and in each after it.

    One inventory, and values (year, draw, item) float64 in each row's unit.

    `upload` (year, draw): warheads that could be put on the deployed systems from the stockpile; `could`: by
    type, (year, draw) warheads its deployed items could take, the stockpile aside.
    """

    party: str
    years: tuple[int, ...]
    inventory: Inventory
    values: Array
    upload: Array
    seed: int
    could: dict[str, Array] = {}

    def draws(self, year: int) -> Draws:
        """The draws of one January, each row with its median as best."""
        values = self.values[self.years.index(year)]
        return Draws(_with_medians(self.inventory, values, year), values, self.seed, "projection")


def _with_medians(rows: Inventory, values: Array, year: int) -> Inventory:
    medians = np.median(values, axis=0)
    items = (
        msgspec.structs.replace(i, best=float(m), as_of=f"{year}-01")
        for i, m in zip(rows.items, medians, strict=True)
    )
    return Inventory(tuple(items), rows.name, rows.complete)


def future(p: Projection) -> Future:
    """The rows behind a projection.

    Systems come from the bottom-up draws; where another view made the stockpile, its draws are paired by rank
    (a larger stockpile goes with larger forces). Warheads on systems never exceed the stockpile; the rest is
    the reserve. Raises DetenteError for a party without systems in print.
    """
    if p.build is None:
        raise DetenteError(
            f"no systems of {p.party} are held, only its total", fix="ask about CN, FR, RU, UK or US"
        )
    order = _pairing(p, p.build)
    # a driver without a range is one number seen many times: no order, no copy
    values = {key: v if v.strides == (0, 0) else v[:, order] for key, v in p.build.values.items()}
    stock = np.vstack([_today(p), p.values])
    items: list[Item] = []
    columns: list[Array] = []
    for d in p.build.types():
        for item, column in _rows(p.party, d, p.build, values):
            items.append(item)
            columns.append(column)
    warheads = [k for k, i in enumerate(items) if i.unit == "warheads"]
    columns = _within(columns, warheads, stock)
    reserve = stock - sum(columns[k] for k in warheads)
    items.append(
        _item(
            p.party,
            "reserve",
            "reserve_warhead",
            "warheads",
            {},
            p.quality,
            "stockpile less warheads on systems",
        )
    )
    columns.append(np.maximum(reserve, 0.0))
    could = _most(p.build, values)
    upload = np.minimum(np.sum(list(could.values()), axis=0), stock)
    years = (int(p.line.years[-1]), *p.years)
    # each row's draws lie together: cheap to write, and what a product with the draws of a row wants
    drawn = np.moveaxis(np.stack(columns), 0, 2)
    rows = _with_medians(inventory(items, name=f"{p.party} projected", complete=True), drawn[0], years[0])
    return Future(p.party, years, rows, drawn, upload, p.seed, could)


def _today(p: Projection) -> Array:
    """(draw,) the stockpile of the last print with the error of a print."""
    rng = np.random.default_rng([p.seed, 99])
    error = statespace.Shape().print_sd * rng.standard_t(3, p.values.shape[1])
    return np.asarray(p.line.last * np.exp(np.clip(error, -0.5, 0.5)))


def _pairing(p: Projection, made: Build) -> np.ndarray:
    """For each draw of the projection the draw of the systems that goes with it."""
    n = p.values.shape[1]
    order = np.arange(n)
    others = np.flatnonzero(p.view != 2) if p.from_systems else order
    by_stock = others[np.argsort(p.values[-1, others], kind="stable")]
    by_systems = others[np.argsort(made.assigned()[-1, others], kind="stable")]
    order[by_stock] = by_systems
    return order


def _item(
    party: str,
    name: str,
    kind: str,
    unit: str,
    attributes: dict[str, Value],
    quality: Quality,
    ref: str,
    type_: str = "",
) -> Item:
    return Item(
        id=f"{party}/{name}",
        party=party,
        kind=kind,
        unit=unit,
        type=type_,
        source=Source(ref, quality),
        attributes=attributes,
    )


def _rows(
    party: str, d: Driver, made: Build, values: dict[tuple[str, str], Array]
) -> list[tuple[Item, Array]]:
    """The rows of one system: the items deployed, their warheads, its launchers."""
    if (d.type, "warheads") in values:
        item = _item(party, d.type, d.kind, "warheads", {}, d.quality, d.source, d.type)
        return [(item, values[d.type, "warheads"])]
    attributes = _attributes(d, made)
    if (d.type, "deployed") not in values:
        item = _item(
            party, f"{d.type}", LAUNCHER[d.kind], "launchers", attributes, d.quality, d.source, d.type
        )
        return [(item, values[d.type, "launchers"])]
    deployed = values[d.type, "deployed"]
    unit = ITEM_UNIT.get(d.kind, "missiles")
    warheads = WARHEAD.get(d.kind, "nonstrategic_warhead")
    rows = [
        (
            _item(party, d.type, d.kind, unit, {**attributes, "deployed": True}, d.quality, d.source, d.type),
            deployed,
        ),
        (
            _item(party, f"{d.type}/warheads", warheads, "warheads", attributes, d.quality, d.source, d.type),
            deployed * values[d.type, "load"],
        ),
    ]
    if (d.type, "launchers") in values:
        total = values[d.type, "launchers"]
        if d.kind == "heavy_bomber":
            away = {**attributes, "deployed": False}
            rows.append(
                (
                    _item(party, f"{d.type}/not deployed", d.kind, unit, away, d.quality, d.source, d.type),
                    np.maximum(total - deployed, 0.0),
                )
            )
        else:
            kind = LAUNCHER[d.kind]
            rows.append(
                (
                    _item(
                        party,
                        f"{d.type}/launchers",
                        kind,
                        "launchers",
                        attributes,
                        d.quality,
                        d.source,
                        d.type,
                    ),
                    total,
                )
            )
    return rows


def _attributes(d: Driver, made: Build) -> dict[str, Value]:
    reach = next((x.points[0][2] for x in made.drivers if (x.type, x.quantity) == (d.type, "range")), None)
    attributes: dict[str, Value] = {"nuclear": True, "converted": False}
    if reach is not None:
        attributes["range_km"] = reach
    if d.category == "land":
        attributes["mobile"] = "mobile" in d.type or d.type.startswith("DF-26")
    return attributes


def _within(columns: list[Array], warheads: list[int], stock: Array) -> list[Array]:
    """Warhead rows scaled down together wherever they would exceed the stockpile."""
    total = sum(columns[k] for k in warheads)
    scale = np.minimum(1.0, stock / np.maximum(total, 1e-9))
    return [c * scale if k in set(warheads) else c for k, c in enumerate(columns)]


def _most(made: Build, values: dict[tuple[str, str], Array]) -> dict[str, Array]:
    """By type (year, draw): warheads if every deployed item took all it can carry of those assigned to it."""
    found = {}
    for d in made.types():
        if (d.type, "load_max") in values and WARHEAD.get(d.kind):
            each = np.minimum(values[d.type, "load_max"], values[d.type, "assigned"])
            each = np.maximum(each, values[d.type, "load"])
            found[d.type] = values[d.type, "deployed"] * each
    return found

"""Lists of items: the class files (YAML) and the item lists (CSV) that an escrow is made from."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec
import yaml

from detente.disclosure.escrow import Entry
from detente.disclosure.statement import ItemClass, Quantity, Record, check_classes
from detente.errors import DetenteError, nearest
from detente.tables import read_table


class _WrittenQuantity(Record, frozen=True):
    name: str
    max: int
    kind: str
    needs: str = ""
    attributes: dict[str, bool | int | str] = msgspec.field(default_factory=dict)


class _WrittenClass(Record, frozen=True):
    name: str
    quantities: list[_WrittenQuantity]
    texts: list[str] = msgspec.field(default_factory=list)


def item_classes(source: str) -> tuple[ItemClass, ...]:
    """The classes of a packaged set (strategic, deployed_missiles, warheads), or of a YAML file of one's own.

    Raises DetenteError for an unknown set and for malformed classes.
    """
    own = source.endswith((".yaml", ".yml"))
    place: Traversable = Path(source) if own else files("detente.disclosure").joinpath("classes.yaml")
    try:
        tree = yaml.safe_load(place.read_text("utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        raise DetenteError("no readable YAML", where=source, fix="give a set's name or a YAML file") from None
    if not own:
        if source not in tree:
            raise DetenteError(f"no set of item classes '{source}'", fix=nearest(source, tree))
        tree = tree[source]
    try:
        written = msgspec.convert(tree, list[_WrittenClass])
    except msgspec.ValidationError as bad:
        raise DetenteError(str(bad), where=source) from None
    classes = tuple(_class(c, source) for c in written)
    check_classes(classes)
    return classes


def _class(written: _WrittenClass, where: str) -> ItemClass:
    names = [q.name for q in written.quantities]
    for q in written.quantities:
        if q.needs and q.needs not in names:
            raise DetenteError(
                f"{q.name} needs '{q.needs}'", where=f"{where}, {written.name}", fix=nearest(q.needs, names)
            )
    quantities = tuple(
        Quantity(q.name, q.max, names.index(q.needs) if q.needs else -1, q.kind, q.attributes)
        for q in written.quantities
    )
    return ItemClass(written.name, tuple(written.texts), quantities)


def read_items(path: Path, classes: tuple[ItemClass, ...]) -> list[Entry]:
    """Items from a CSV list with a column ``class`` and a column for each field that is used.

    An empty cell is an empty text or a zero. Raises DetenteError naming the line, never a cell's content.
    """
    texts = {t for c in classes for t in c.texts}
    counts = {q.name for c in classes for q in c.quantities}
    items = []
    for row in read_table(path, ("class", "serial"), optional=sorted((texts | counts) - {"serial"})):
        own_texts = {n: row[n].strip() for n in texts if row.cells.get(n, "").strip()}
        own_counts = {n: _whole(row.cells[n], n, row.where) for n in counts if row.cells.get(n, "").strip()}
        items.append(Entry(row["class"].strip(), own_texts, own_counts))
    return items


def _whole(cell: str, name: str, where: str) -> int:
    if not (cell.strip().isascii() and cell.strip().isdecimal()):
        raise DetenteError(f"the {name} is no whole number", where=where)
    return int(cell)

"""The library as a whole: it loads, every provision says where it was read, nothing is left out in silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from detente.asof import AsOf
from detente.inventory import Inventory
from detente.treaty.judge import judge
from detente.treaty.load import LIBRARY, instrument_ids, load
from detente.treaty.patch import read
from detente.treaty.resolve import change_points, resolve
from detente.treaty.schema import SECTIONS

WANTED = {
    "new-start", "start-1", "salt-1-interim", "start-2", "sort", "inf", "ptbt", "ttbt", "pnet", "ctbt",
    "hotline-1963", "nrrc-1987", "launch-notification-1988", "strategic-exercises-1989", "hague-code",
    "china-russia-2009", "putin-offer-2025", "lavrov-statement-2026", "p5-statement-2022",
}  # fmt: skip
COUNTED = ("definitions", "counting", "exceptions", "limits", "readings", "prohibitions", "obligations")
ROMAN = "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI".split()  # noqa: SIM905
PARTS = "One Two Three Four Five Six Seven Eight Nine Ten".split()  # noqa: SIM905


def test_the_instruments_asked_for_are_there() -> None:
    assert set(instrument_ids()) >= WANTED


@pytest.mark.parametrize("name", sorted(WANTED))
def test_it_loads_and_its_folder_is_its_id(name: str) -> None:
    instrument = load(name).instrument
    assert instrument.id == name
    assert instrument.summary and instrument.life and instrument.coverage


@pytest.mark.parametrize("name", sorted(WANTED))
def test_every_provision_stands_in_the_coverage_table(name: str) -> None:
    instrument = load(name).instrument
    named = {p for row in instrument.coverage for p in row.provisions}
    everything = {f"{s}/{node.id}" for s in COUNTED for node in getattr(instrument, s)}
    assert everything <= named


@pytest.mark.parametrize("name", sorted(WANTED))
def test_what_nobody_read_is_marked_and_what_was_read_is_cited(name: str) -> None:
    instrument = load(name).instrument
    for section in SECTIONS:
        for node in getattr(instrument, section):
            assert node.article
            assert node.cite or node.quality == "recalled", f"{section}/{node.id}"
    for limit in instrument.limits:
        for phase in limit.phases:
            assert phase.cite or phase.quality == "recalled"


@pytest.mark.parametrize("name", sorted(WANTED))
def test_every_source_is_cited_and_has_an_address(name: str) -> None:
    instrument = load(name).instrument
    assert set(instrument.sources) == set(_cites(msgspec.to_builtins(instrument)))
    for source in instrument.sources.values():
        assert "." in source.ref and source.ref == source.ref.strip()


def _cites(tree: object) -> Iterator[str]:
    """Every key that any entry of the document cites."""
    if isinstance(tree, dict):
        yield from tree.get("cite", ())
        for value in tree.values():
            yield from _cites(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _cites(value)


def test_new_start_is_covered_article_by_article() -> None:
    rows = [row.article for row in load("new-start").instrument.coverage]
    assert rows[:16] == [f"Art. {n}" for n in ROMAN]
    assert rows[16:26] == [f"Protocol, Part {n}" for n in PARTS]
    assert len(rows[26:]) == 3 and all(r.startswith("Annex on") for r in rows[26:])
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("name", sorted(n for n in WANTED if n not in ("ctbt",)))
def test_a_recalled_bound_or_rule_never_decides_without_a_mark(name: str) -> None:
    loaded = load(name)
    rules = {r.id: r for r in loaded.instrument.counting}
    for day in change_points(loaded):
        law = resolve(loaded, AsOf.on(day, known="2030-01-01"))
        for verdict in judge(law, {}):
            limit = law.limit(verdict.provision.removeprefix("limits/"))
            names = (*limit.count, *(n for g in limit.groups for n in g))
            doubtful = law.bound(limit, verdict.party).quality == "recalled" or any(
                rules[n].quality.doubtful for n in names
            )
            assert doubtful == any("recalled" in m for m in verdict.marks)


@pytest.mark.parametrize("name", sorted(WANTED))
def test_nothing_declared_is_never_compliance(name: str) -> None:
    loaded = load(name)
    for day in change_points(loaded):
        for verdict in judge(resolve(loaded, AsOf.on(day, known="2030-01-01")), {}):
            assert verdict.outcome not in ("met", "exceeded") or verdict.bound is None


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_complete_inventory_of_nothing_keeps_every_ceiling(name: str) -> None:
    loaded = load(name)
    nothing = Inventory((), complete=True)
    for day in change_points(loaded):
        law = resolve(loaded, AsOf.on(day, known="2030-01-01"))
        given = {p: nothing for limit in loaded.instrument.limits for p in _counted(law, limit)}
        for verdict in judge(law, given):
            if verdict.sense == "<=":
                assert verdict.outcome != "exceeded"


def _counted(law, limit):
    from detente.treaty.judge import counted_as

    return counted_as(law, limit)


@pytest.mark.parametrize("path", sorted((LIBRARY / "proposals").glob("*.yaml")), ids=lambda p: Path(p).stem)
def test_proposals_fit_the_instruments_they_change(path: Path) -> None:
    from detente.treaty.document import read_yaml

    tree = read_yaml(path).tree
    if "patch" in tree:
        assert read(tree["base"], path).instrument.id == tree["patch"]
    else:
        assert load(path).instrument.id == tree["id"]

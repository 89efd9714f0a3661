"""Shared helpers: the law of a day, and inventories written in a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from detente.asof import AsOf
from detente.inventory import Inventory, Item
from detente.sources import Quality, Source
from detente.treaty.load import load
from detente.treaty.resolve import Law, resolve

TEST_SOURCE = Source("invented for the test", Quality.assumed)


@pytest.fixture
def law() -> Callable[..., Law]:
    """``law("new-start", "2018-02-05", known="2030-01-01")``."""

    def on(name: str, day: str, viewpoint: str = "", known: str = "2030-01-01") -> Law:
        return resolve(load(name), AsOf.on(day, known=known), viewpoint)

    return on


def item(name: str, kind: str, count: float, unit: str, party: str = "US", **attributes: Any) -> Item:
    """One row whose count is known exactly."""
    return Item(
        id=name, party=party, kind=kind, unit=unit, source=TEST_SOURCE, best=count,
        type=str(attributes.pop("type", "")), attributes=attributes,
    )  # fmt: skip


@pytest.fixture
def rows() -> Callable[..., Inventory]:
    """``rows(("id", "icbm", 400, "missiles", {"deployed": True}), ...)``, everything else being zero."""

    def build(*given: tuple[Any, ...], party: str = "US", complete: bool = True) -> Inventory:
        return Inventory(
            tuple(item(*g[:4], party=party, **(g[4] if len(g) > 4 else {})) for g in given), complete=complete
        )

    return build

"""Draws: Monte-Carlo samples of an inventory, seeded so that they repeat."""

from __future__ import annotations

import msgspec

from detente.errors import DetenteError
from detente.inventory import Inventory
from detente.linear import Array


class Draws(msgspec.Struct, frozen=True, eq=False):
    """`values` (draw, item) float64 in each row's own unit, columns in the order of `inventory.items`.

    A NaN column is a row nobody knows: it stays unknown in every result.
    """

    inventory: Inventory
    values: Array
    seed: int
    method: str = ""

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.inventory.items):
            raise DetenteError(
                f"draws of shape {self.values.shape} for {len(self.inventory.items)} rows",
                where=self.inventory.name,
                fix="the shape is (draw, item)",
            )

"""Draws: Monte-Carlo samples of an inventory, seeded so that they repeat."""

from __future__ import annotations

import msgspec
import numpy as np

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
        if not len(self.values):
            raise DetenteError("no draws", where=self.inventory.name, fix="draw at least once")
        known = np.isfinite(np.ones(len(self.values)) @ self.values)  # NaN or inf wherever a cell is
        if not np.isnan(self.values[:, ~known]).all():
            raise DetenteError(
                "a column of draws that is unknown or infinite in part",
                where=self.inventory.name,
                fix="a row is NaN in every draw or in none",
            )
        seen = self.values if known.all() else self.values[:, known]
        if seen.min(initial=0.0) < 0:
            raise DetenteError(
                "a negative count among the draws", where=self.inventory.name, fix="counts are zero or more"
            )

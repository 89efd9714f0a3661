"""Where a law holds, checked at the call: outside, an error, or a mark that travels with the result."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from detente.errors import DetenteError


class Domain(msgspec.Struct, frozen=True):
    """The ranges of a law's arguments, by name: `limits` = ((name, unit, low, high), ...)."""

    law: str
    limits: tuple[tuple[str, str, float, float], ...]

    def outside(self, **values: ArrayLike) -> tuple[str, ...]:
        """One sentence for each argument that leaves its range; NaN leaves it too."""
        found = []
        for name, unit, low, high in self.limits:
            if name in values:
                v = np.atleast_1d(np.asarray(values[name], float))
                bad = v[~((v >= low) & (v <= high))]
                if bad.size:
                    found.append(
                        f"{self.law}: {name} {bad[0]:g} {unit} is outside {low:g} to {high:g}".replace(
                            "  ", " "
                        )
                    )
        return tuple(found)

    def check(self, *, extrapolate: bool = False, **values: ArrayLike) -> tuple[str, ...]:
        """The marks of an extrapolation that was asked for; otherwise raises DetenteError."""
        found = self.outside(**values)
        if found and not extrapolate:
            raise DetenteError(found[0], fix="use another law, or ask for a marked extrapolation")
        return tuple(f"extrapolated: {sentence}" for sentence in found)

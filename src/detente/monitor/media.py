"""Rock media of the explosion source models: speeds, density and model constants, each with its source."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import msgspec

from detente.errors import DetenteError, nearest
from detente.sources import Quality, Source
from detente.tables import read_table

_COLUMNS = ("medium", "vp_m_s", "vs_m_s", "rho_kg_m3", "k_elastic", "n", "decay_k", "gas_porosity")
GRAVITY = 9.81  # m/s2
JOULES_PER_KT = 4.184e12


class Medium(msgspec.Struct, frozen=True):
    """`vp`, `vs` m/s; `rho` kg/m3; `k_elastic` m; `n`, `decay_k` numbers; `gas_porosity` percent."""

    name: str
    vp: float
    vs: float
    rho: float
    k_elastic: float
    n: float
    decay_k: float
    gas_porosity: float
    source: Source

    @property
    def mu(self) -> float:
        """Shear modulus, Pa."""
        return self.rho * self.vs**2

    @property
    def beta(self) -> float:
        """(lambda + 2 mu) / 4 mu."""
        return self.vp**2 / (4 * self.vs**2)

    def overburden(self, depth_m: float) -> float:
        """Lithostatic pressure at `depth_m` (m), Pa."""
        return self.rho * GRAVITY * depth_m


@lru_cache(maxsize=1)
def media() -> dict[str, Medium]:
    """Every medium of ``data/media.csv`` by name."""
    table = files("detente.monitor") / "data" / "media.csv"
    found = {}
    for row in read_table(table, (*_COLUMNS, "source", "quality", "note")):
        vp, vs, rho, k, n, decay, porosity = (float(row[c]) for c in _COLUMNS[1:])
        source = Source(row["source"], Quality(row["quality"]), note=row["note"])
        found[row["medium"]] = Medium(row["medium"], vp, vs, rho, k, n, decay, porosity, source)
    return found


def medium(name: str | Medium) -> Medium:
    """The medium called `name`. Raises DetenteError with the known names."""
    if isinstance(name, Medium):
        return name
    if name not in media():
        raise DetenteError(f"no medium '{name}'", fix=nearest(name, media()))
    return media()[name]


def checked(what: str, value: float, low: float, high: float, unit: str) -> float:
    """`value` if it lies in [low, high] `unit`. Raises DetenteError otherwise (also for NaN)."""
    if not low <= value <= high:
        raise DetenteError(f"{what} {value:g} {unit}", fix=f"give {low:g} to {high:g} {unit}")
    return value

"""Proposals by name: instruments that nobody has signed, and patches of those that somebody has."""

from __future__ import annotations

from pathlib import Path

from detente.errors import DetenteError, nearest
from detente.treaty.load import LIBRARY, Loaded, instrument_ids, load
from detente.treaty.patch import read

FOLDER = LIBRARY / "proposals"


def proposal_ids() -> list[str]:
    """The proposals of the library."""
    return sorted(p.stem for p in FOLDER.glob("*.yaml"))


def load_proposal(name: str) -> Loaded:
    """A proposal by library id, an instrument by id, or a YAML file of a patch or an instrument.

    Raises DetenteError with the nearest known name.
    """
    path = FOLDER / f"{name}.yaml" if name in proposal_ids() else Path(name)
    if path.suffix in (".yaml", ".yml") and path.exists():
        text = path.read_text("utf-8").splitlines()
        base = next((t.split(":", 1)[1].strip() for t in text if t.startswith("base:")), "")
        return read(base, path) if base else load(path)
    if name in instrument_ids():
        return load(name)
    raise DetenteError(f"no proposal '{name}'", fix=nearest(name, (*proposal_ids(), *instrument_ids())))

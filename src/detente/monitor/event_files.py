"""Event files: those of the package by name, a user's by path, and a user's own priors."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec

from detente.errors import DetenteError, nearest
from detente.monitor.event import Event, Hypothesis, Reading
from detente.monitor.typed_yaml import load

Weighted = TypeVar("Weighted", Hypothesis, Reading)


def event_names() -> list[str]:
    """The events that come with the package."""
    folder = files("detente.monitor") / "events"
    return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))


def read_event(name: str | Path) -> Event:
    """An event of the package by name, or any file by path.

    Raises DetenteError with file and line for a wrong file, or the known names.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return load(path, Event)
    if str(name) not in event_names():
        raise DetenteError(
            f"no event '{name}'", fix=f"{nearest(str(name), event_names())} or give a .yaml file"
        )
    return load(Path(str(files("detente.monitor") / "events" / f"{name}.yaml")), Event)


def with_priors(event: Event, changes: list[str]) -> Event:
    """The event with some prior weights replaced; each change is ``id=weight``.

    Raises DetenteError for an unknown id or a weight that is not a number of zero or more.
    """
    weights: dict[str, float] = {}
    ids = [h.id for h in event.hypotheses] + [r.id for r in event.readings]
    for change in changes:
        name, _, text = change.partition("=")
        try:
            weight = float(text)
        except ValueError:
            weight = -1.0
        if not 0 <= weight < float("inf"):
            raise DetenteError(f"prior '{change}'", fix="write ID=WEIGHT, the weight zero or more")
        if name not in ids:
            raise DetenteError(f"no hypothesis or reading '{name}'", fix=nearest(name, ids))
        weights[name] = weight
    return msgspec.structs.replace(
        event,
        hypotheses=[_reweighed(h, weights) for h in event.hypotheses],
        readings=[_reweighed(r, weights) for r in event.readings],
    )


def _reweighed(x: Weighted, weights: dict[str, float]) -> Weighted:
    if x.id not in weights:
        return x
    return msgspec.structs.replace(x, prior=weights[x.id], basis="set by the user")

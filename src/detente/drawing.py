"""Drawing: figures made and written in one way, so that the same figure gives the same bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente.errors import DetenteError
from detente.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("png", "svg", "pdf")
DPI = 150


def canvas(width: float, height: float, *, layout: str | None = "constrained") -> Figure:
    """An empty figure of `width` by `height` inches that shares no state with any other."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout)  # type: ignore[arg-type]
    FigureCanvasAgg(figure)
    return figure


def plain_axes(figure: Figure, *, size: float = 13.0) -> Any:
    """Axes without a frame on the upper and right side, their words in `size` points."""
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=size)
    axes.xaxis.label.set_fontsize(size)
    axes.yaxis.label.set_fontsize(size)
    return axes


def render(figure: Figure, kind: str) -> bytes:
    """A figure as png, svg or pdf bytes, without the moment it was made."""
    import matplotlib as mpl

    out = io.BytesIO()
    undated: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    with mpl.rc_context({"svg.hashsalt": "detente", "svg.fonttype": "path"}):
        figure.savefig(out, format=kind, dpi=DPI, metadata=undated)
    return out.getvalue()


def rendered(figure: Figure) -> dict[str, bytes]:
    """A figure as svg and as png bytes."""
    made = {"svg": render(figure, "svg")}
    figure.set_layout_engine("none")  # the layout is settled: to find it again would take as long as to draw
    return made | {"png": render(figure, "png")}


def save(figure: Figure, path: Path) -> None:
    """Write a figure whole; its format is the suffix. Raises DetenteError where it cannot go."""
    check_target(path)
    write_whole(path, render(figure, path.suffix.removeprefix(".")))


def check_target(path: Path, kinds: tuple[str, ...] = KINDS) -> None:
    """Raises DetenteError where a file cannot go: a suffix other than `kinds`, or no such folder."""
    if path.suffix.removeprefix(".") not in kinds:
        raise DetenteError(
            f"'{path.name}' is no {' or '.join(kinds)} file", fix=f"end it in .{' or .'.join(kinds)}"
        )
    if not path.parent.is_dir():
        raise DetenteError("no such folder", where=str(path.parent), fix="make it first")

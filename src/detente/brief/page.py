"""The briefing as files: a self-contained page, a JSON with everything in it, the figures as SVG and PNG."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec

from detente import __version__
from detente.asof import AsOf
from detente.brief import events, numbers
from detente.brief.counts import trees
from detente.brief.figures import counts_figure, lives_figure
from detente.brief.record import LIVE, Brief
from detente.drawing import rendered
from detente.files import write_all
from detente.treaty import instrument_ids, load, resolve
from detente.treaty.explain import as_html


def write(brief: Brief, folder: Path) -> tuple[Path, ...]:
    """Write ``index.html``, ``brief.json`` and the figures into `folder`; all of them or none.

    Raises DetenteError where the folder cannot be written.
    """
    return write_all(folder, files(brief))


def files(brief: Brief) -> dict[str, bytes]:
    """Every file of the briefing by name."""
    drawn = figures(brief)
    page = _page(brief, {name: kinds["svg"] for name, kinds in drawn.items()})
    data = msgspec.json.format(msgspec.json.encode(brief, order="deterministic"), indent=1)
    images = {f"{name}.{kind}": image for name, kinds in drawn.items() for kind, image in kinds.items()}
    return {"index.html": page.encode("utf-8"), "brief.json": data + b"\n", **images}


def figures(brief: Brief) -> dict[str, dict[str, bytes]]:
    """Every figure of the briefing by name, as svg and png bytes."""
    clocks = AsOf.on(brief.as_of, known=brief.as_of)
    laws = [resolve(load(name), clocks) for name in instrument_ids()]
    new_start = next(law for law in laws if law.instrument.id == "new-start")
    end = new_start.events.get("term_end")
    last = min(end.earliest, brief.as_of) if end else brief.as_of
    drawn = {"instruments": rendered(lives_figure(laws, brief.law, brief.as_of))}
    if brief.points:
        drawn["new-start-counts"] = rendered(counts_figure(brief.points, end=last))
    names = {e.figure for s in brief.sections for e in s.exhibits}
    return drawn | numbers.figures(brief.as_of, names) | events.figures(names)


def _page(brief: Brief, images: dict[str, bytes]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("detente.brief"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["host"] = lambda ref: ref.split("/")[2] if "://" in ref else ref
    return environment.get_template("page.html").render(
        brief=brief,
        live=[r for r in brief.law if r.state in LIVE],
        dead=[r for r in brief.law if r.state not in LIVE],
        figures={k: base64.b64encode(v).decode() for k, v in images.items()},
        trees={k: as_html(node) for k, node in trees(brief.as_of).items()},
        version=__version__,
    )

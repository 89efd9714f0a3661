"""The briefing as files: a self-contained page a language, a JSON with everything in it, figures as SVG and PNG."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from detente import __version__
from detente.asof import AsOf
from detente.brief import events, found, numbers
from detente.brief.catalogue import LANGUAGES, UNREVIEWED
from detente.brief.counts import trees
from detente.brief.figures import counts_figure, lives_figure
from detente.brief.held import Held
from detente.brief.lettering import CHINESE, font_css, lettered
from detente.brief.record import LIVE, Brief
from detente.brief.speech import spoken, spoken_tree
from detente.brief.tongue import FOREIGN, HOME, Tongue, plain, tongue
from detente.drawing import render, rendered
from detente.files import write_all
from detente.treaty import instrument_ids, load, resolve
from detente.treaty.explain import number

if TYPE_CHECKING:
    from jinja2 import Environment


def write(
    brief: Brief, folder: Path, languages: Sequence[str] = ("en",), bulletins: Sequence[Held] = ()
) -> tuple[Path, ...]:
    """Write the pages, ``brief.json`` and the figures into `folder`; all of them or none.

    Raises DetenteError where the folder cannot be written.
    """
    return write_all(folder, files(brief, languages, bulletins))


def files(
    brief: Brief, languages: Sequence[str] = ("en",), bulletins: Sequence[Held] = ()
) -> dict[str, bytes]:
    """Every file of the briefing by name.

    The first language's page is ``index.html`` and its figures are files; the others are ``index.CODE.html``.
    ``brief.json`` is the English record, whatever the languages.
    """
    names = page_names(languages)
    data = msgspec.json.format(msgspec.json.encode(brief, order="deterministic"), indent=1)
    made = {"brief.json": data + b"\n"}
    for code, name in names.items():
        said = tongue(code)
        first = name == "index.html"
        drawn = {
            k: rendered(lettered(figure, said)) if first else {"svg": render(lettered(figure, said), "svg")}
            for k, figure in figures(brief, bulletins).items()
        }
        made |= {f"{k}.{kind}": image for k, kinds in drawn.items() if first for kind, image in kinds.items()}
        made[name] = page(brief, said, {k: kinds["svg"] for k, kinds in drawn.items()}, names).encode()
    return made


def page_names(languages: Sequence[str]) -> dict[str, str]:
    """The file name of each language's page, in the order given."""
    return {code: f"index.{code}.html" if i else "index.html" for i, code in enumerate(languages)}


def figures(brief: Brief, bulletins: Sequence[Held] = ()) -> dict[str, Any]:
    """Every figure of the briefing by name, in English; `bulletins`: those it was gathered with."""
    clocks = AsOf.on(brief.as_of, known=brief.as_of)
    laws = [resolve(load(name), clocks) for name in instrument_ids()]
    new_start = next(law for law in laws if law.instrument.id == "new-start")
    end = new_start.events.get("term_end")
    last = min(end.earliest, brief.as_of) if end else brief.as_of
    drawn = {"instruments": lives_figure(laws, brief.law, brief.as_of)}
    if brief.points:
        drawn["new-start-counts"] = counts_figure(brief.points, end=last)
    names = {e.figure for s in brief.sections for e in s.exhibits}
    drawn |= numbers.figures(brief.as_of, names) | events.figures(names)
    return drawn | found.figures(bulletins, brief.as_of, names)


def page(brief: Brief, said: Tongue, images: Mapping[str, bytes], names: Mapping[str, str]) -> str:
    """The page in one language, with links to the others in `names`."""
    told = spoken(brief, said)
    links = [{"code": c, "name": LANGUAGES[c], "file": f} for c, f in names.items()] if len(names) > 1 else []
    return (
        _environment(said)
        .get_template("page.html")
        .render(
            brief=told,
            lang=said.code,
            others=links,
            unreviewed=said.code in UNREVIEWED,
            font=font_css(said.code) if links or said.code in CHINESE else "",
            live=[r for r in told.law if r.state in LIVE],
            dead=[r for r in told.law if r.state not in LIVE],
            figures={k: base64.b64encode(v).decode() for k, v in images.items()},
            trees=[spoken_tree(node, said) for node in trees(brief.as_of).values()],
            version=__version__,
        )
    )  # fmt: skip


def _environment(said: Tongue) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("detente.brief"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        t=said.say, colon=said.say("join.colon"), semicolon=said.say("join.semicolon"),
        comma=said.say("join.comma"), stop=said.say("join.stop"),
    )  # fmt: skip
    environment.filters.update(_filters(said))
    return environment


def _filters(said: Tongue) -> dict[str, Callable[..., Any]]:
    return {
        "host": lambda ref: ref.split("/")[2] if "://" in ref else ref,
        "words": words,
        "plain": plain,
        "full": lambda text: words(said.sentence(text)),
        "capital": lambda text: words(said.capital(text)),
        "heard": lambda text: words(said.hear(str(text))),
        "day": lambda day: said.day(str(day), "medium"),
        "number": lambda x: said.number(number(x)),
        "codes": lambda codes: said.parties(codes),
    }


def words(text: str) -> Any:
    """A text as HTML; what stays English in a page of another language is marked so."""
    from markupsafe import Markup, escape

    marked = str(escape(text)).replace(FOREIGN, '<span lang="en">').replace(HOME, "</span>")
    return Markup(marked)

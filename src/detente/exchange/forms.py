"""Forms: what a notification of each type must say, checked before it is signed and again on receipt."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec
import yaml

from detente.asof import parse_moment
from detente.errors import DetenteError, nearest
from detente.sources import Source

UNREVIEWED = "translation not yet reviewed by a native speaker"
Kind = Literal["text", "time", "number", "choice", "area", "changes"]


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field of a form."""

    kind: Kind
    required: bool = False
    of: tuple[str, ...] = ()


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form: its title by language, where its content was read, its fields, whether it is about an event.

    `terms`: those of the glossary that the title uses; `reviewed`: the languages whose title a native speaker has read.
    """

    title: dict[str, str]
    source: Source
    fields: dict[str, Field]
    event: Literal["required", "optional"] = "optional"
    terms: tuple[str, ...] = ()
    reviewed: tuple[str, ...] = ("en",)


FREE = Form({"en": "Notice"}, Source("free text", "assumed"), {"text": Field("text", required=True)})  # type: ignore[arg-type]


@cache
def forms() -> dict[str, Form]:
    """Every form with content of its own, by ``instrument/event type``."""
    text = files("detente.exchange").joinpath("forms.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), dict[str, Form])


def form_of(name: str) -> Form:
    """The form of that name; the free-text form where the type has none of its own.

    An instrument of one's own takes the content of a like-named type of the library's instruments.
    """
    known = forms()
    if name in known:
        return known[name]
    word = name.rpartition("/")[2]
    return next((f for n, f in known.items() if n.rpartition("/")[2] == word), FREE)


def title_of(name: str, language: str) -> tuple[str, str]:
    """(a form's title in a language, what must be said of its wording); its own name where it has none there."""
    form = form_of(name)
    if form is FREE or language not in form.title:
        return name, ""
    return form.title[language], "" if language in form.reviewed else UNREVIEWED


def check_form(name: str, body: Any, event: str = "", *, where: str = "notice") -> None:
    """Does `body` (and the event time) fill the form? Raises DetenteError naming the first wrong field."""
    form = form_of(name)
    if not isinstance(body, dict):
        raise DetenteError("a notice is an object of fields", where=where)
    if form.event == "required" and not event:
        raise DetenteError("the time of the event is missing", where=where, fix="give --event TIME")
    if event:
        parse_moment(event, where=where)
    for key in body:
        if key not in (*form.fields, "note"):
            raise DetenteError(f"unknown field '{key}'", where=where, fix=nearest(key, form.fields))
    for key, field in form.fields.items():
        if key not in body:
            if field.required:
                raise DetenteError(f"the field '{key}' is missing", where=where)
            continue
        _CHECKS[field.kind](body[key], field, f"{where} {key}")


def _text(value: Any, field: Field, where: str) -> None:
    if not isinstance(value, str) or not value.strip() or len(value) > 10_000:
        raise DetenteError("a text is wanted", where=where)


def _time(value: Any, field: Field, where: str) -> None:
    _text(value, field, where)
    parse_moment(value, where=where)


def _number(value: Any, field: Field, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DetenteError("a number is wanted", where=where)


def _choice(value: Any, field: Field, where: str) -> None:
    if value not in field.of:
        raise DetenteError(f"'{value}' is not a choice", where=where, fix=nearest(str(value), field.of))


def _area(value: Any, field: Field, where: str) -> None:
    """A polygon ``[[lat, lon], ...]`` of three points or more, or ``{"center": [lat, lon], "radius_km": r}``."""
    points = value
    if isinstance(value, dict):
        if set(value) != {"center", "radius_km"}:
            raise DetenteError("a circle has center and radius_km", where=where)
        _number(value["radius_km"], field, where)
        points = [value["center"]] * 3
    if not isinstance(points, list) or len(points) < 3:
        raise DetenteError("a polygon has three points or more", where=where)
    for point in points:
        if not isinstance(point, list) or len(point) != 2:
            raise DetenteError("a point is [latitude, longitude] in degrees", where=where)
        for number, limit in zip(point, (90, 180), strict=True):
            _number(number, field, where)
            if abs(number) > limit:
                raise DetenteError(f"{number} degrees is off the globe", where=where)


def _changes(value: Any, field: Field, where: str) -> None:
    from detente.exchange.declaration import parse_changes

    parse_changes(value, where=where)


_CHECKS: dict[str, Callable[[Any, Field, str], None]] = {
    "text": _text,
    "time": _time,
    "number": _number,
    "choice": _choice,
    "area": _area,
    "changes": _changes,
}

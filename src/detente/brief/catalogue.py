"""The catalogues of messages, one YAML file a language: templates with typed slots, and their plural forms."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec
import yaml

from detente.errors import DetenteError, nearest

FOLDER = Path(__file__).parent / "languages"
LANGUAGES = {
    "en": "English", "fr": "Français", "ru": "Русский", "zh-Hans": "简体中文", "zh-Hant": "繁體中文",
}  # fmt: skip
UNREVIEWED = frozenset(LANGUAGES) - {"en"}  # take a language out when a native speaker has read its catalogue
TYPES = ("number", "date", "year", "party", "text", "list", "ref", "raw")
SLOT = re.compile(r"\{(?P<name>\w+)(?:[:.](?P<how>\w+))?\}")


class Message(msgspec.Struct, frozen=True):
    """One message: its template for each CLDR plural category of the slot `by`, or one under ``other``."""

    forms: dict[str, str]
    by: str = ""

    @property
    def slots(self) -> frozenset[str]:
        """The names of the values it needs."""
        named = {m["name"] for text in self.forms.values() for m in SLOT.finditer(text)}
        return frozenset(named | ({self.by} if self.by else set()))


def language(code: str) -> str:
    """The code of a language of the catalogues. Raises DetenteError with the nearest one."""
    known = {k.casefold(): k for k in LANGUAGES}
    if code.casefold() not in known:
        raise DetenteError(f"no language '{code}'", fix=nearest(code, LANGUAGES))
    return known[code.casefold()]


def languages(codes: str) -> tuple[str, ...]:
    """The languages of a comma-separated list, or of ``all``. Raises DetenteError for one without a catalogue."""
    if codes.strip().casefold() == "all":
        return tuple(LANGUAGES)
    return tuple(dict.fromkeys(language(c.strip()) for c in codes.split(",")))


@cache
def messages(code: str) -> dict[str, Message]:
    """Every message of a language by its key, ``group.name``; English states the type of each slot."""
    path = FOLDER / f"{code}.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    tree = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    return {
        f"{group}.{name}": _message(body) for group, named in tree.items() for name, body in named.items()
    }


def _message(body: str | dict[str, str]) -> Message:
    if isinstance(body, str):
        return Message({"other": body})
    forms = dict(body)
    return Message(forms, forms.pop("by"))


@cache
def types() -> dict[str, dict[str, str]]:
    """The type of each slot of each message, as the English catalogue states it."""
    return {
        key: {m["name"]: m["how"] or "raw" for text in m_.forms.values() for m in SLOT.finditer(text)}
        for key, m_ in messages("en").items()
    }

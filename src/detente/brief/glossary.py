"""The glossary: the field's terms in each language, where they were read, and the forms that stand for them."""

from __future__ import annotations

import csv
import re
from functools import cache

import msgspec

from detente.brief.catalogue import FOLDER, LANGUAGES
from detente.sources import Quality


class Term(msgspec.Struct, frozen=True):
    """One term: its forms by language (the word itself first, ``*`` ends a stem), and where it was read.

    `recalled`: the languages whose word nobody has read in a source.
    """

    term: str
    forms: dict[str, tuple[str, ...]]
    sources: tuple[str, ...]
    quality: Quality
    recalled: tuple[str, ...]

    def stands_in(self, text: str, code: str) -> bool:
        """Does the text of language `code` hold the term in one of its forms?"""
        return any(_pattern(form, code).search(text) for form in self.forms[code])


@cache
def glossary() -> tuple[Term, ...]:
    """Every term of ``languages/glossary.csv``."""
    lines = (FOLDER / "glossary.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return tuple(
        Term(
            r["term"],
            {code: tuple(r[code].split("|")) for code in LANGUAGES},
            tuple(s for s in r["source"].split(" ; ") if s),
            Quality(r["quality"]),
            tuple(r["recalled"].split()),
        )
        for r in rows
    )


@cache
def _pattern(form: str, code: str) -> re.Pattern[str]:
    """The pattern of a form: whole words, a star for any ending; Chinese has no word boundary."""
    body = re.escape(form).replace(r"\*", r"\w*")
    edges = ("", "") if code.startswith("zh") else (r"(?<!\w)", r"(?!\w)")
    return re.compile(edges[0] + body + edges[1], re.IGNORECASE)

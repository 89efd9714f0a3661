"""An answer's English sentences in another language, as far as the briefing's catalogues know them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from detente.brief.catalogue import language
from detente.brief.tongue import FOREIGN, Tongue
from detente.web.answer import Answer, plain

LONGEST = 600  # of a sentence: a whole file, or a list of everything, is none


@lru_cache(maxsize=8)
def _tongue(code: str) -> Tongue:
    return Tongue(code)


def said(answer: Answer, lang: str) -> dict[str, str]:
    """Each sentence of an answer with its translation; those without one are left out. Raises DetenteError."""
    code = language(lang)
    if code == "en":
        return {}
    tongue = _tongue(code)
    held = (answer.data, answer.tables, answer.explain, answer.marks)
    found = {}
    for text in set(_sentences(msgspec.to_builtins(held, enc_hook=plain, str_keys=True))):
        heard = tongue.hear(text)
        if FOREIGN not in heard and heard != text:
            found[text] = heard
    return found


def _sentences(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if " " in value and len(value) <= LONGEST and "\n" not in value and not value.startswith("http"):
            yield value
    elif isinstance(value, dict):
        if {"value", "label"} <= value.keys():  # a number and its label agree: they are said together
            yield f"{value['value']} | {value['label']}"
        for v in value.values():
            yield from _sentences(v)
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from _sentences(v)

"""Selection in three values: does a rule cover an inventory row? Yes, no, or the row does not say."""

from __future__ import annotations

from typing import Any

from detente.inventory import Item
from detente.treaty.schema import Range, Select
from detente.treaty.words import Words
from detente.vocabulary import defaults


def covers(select: Select, item: Item, words: Words) -> bool | None:
    """True or False where the row decides, None where an attribute it would take is not given."""
    answer: bool | None = True
    for key, wanted in select.items():
        holds = _holds(key, wanted, item, words)
        if holds is False:
            return False
        if holds is None:
            answer = None
    return answer


def unknown_keys(select: Select, item: Item, words: Words) -> list[str]:
    """The attributes a row would have to give for `select` to be decided."""
    found: list[str] = []
    for key, wanted in select.items():
        if _holds(key, wanted, item, words) is not None:
            continue
        if key == "is":
            names: Any = wanted if isinstance(wanted, list) else [wanted]
            found += (k for name in names for k in unknown_keys(words.definitions[name], item, words))
        else:
            found.append(key)
    return list(dict.fromkeys(found))


def _holds(key: str, wanted: Any, item: Item, words: Words) -> bool | None:
    if key == "kind":
        line = words.ancestry(item.kind)
        return wanted in line if isinstance(wanted, str) else any(w in line for w in wanted)
    if key == "is":
        answers = [
            covers(words.definitions[name], item, words)
            for name in (wanted if isinstance(wanted, list) else [wanted])
        ]
        return True if True in answers else None if None in answers else False
    value = (
        getattr(item, key)
        if key in ("type", "site", "party")
        else item.attributes.get(key, defaults().get(key))
    )
    if value is None or value == "":
        return None
    if isinstance(wanted, Range):
        return _in_range(wanted, value)
    return value in wanted if isinstance(wanted, list) else bool(value == wanted)


def _in_range(wanted: Range, value: Any) -> bool:
    return (
        (wanted.min is None or value >= wanted.min)
        and (wanted.above is None or value > wanted.above)
        and (wanted.max is None or value <= wanted.max)
        and (wanted.below is None or value < wanted.below)
    )

"""Names that fit a format: short codes and whole numbers for ids of any length, the same for the same bulletin."""

from __future__ import annotations

from collections.abc import Iterable

from detente.errors import DetenteError


def short(ids: Iterable[str], width: int = 8) -> dict[str, str]:
    """Each id as a code of at most `width` characters without blanks: itself where it fits, else a number."""
    listed = list(dict.fromkeys(ids))
    codes = {i: i for i in listed if 0 < len(i) <= width and i.isascii() and not set(i) & set(" ()")}
    taken, number = set(codes.values()), 0
    for long in listed:
        if long not in codes:
            number += 1
            while str(number) in taken:
                number += 1
            codes[long] = str(number)
            taken.add(str(number))
    return {i: codes[i] for i in listed}


def station(code: str, width: int) -> str:
    """A station's code for `width` columns, without its network where both do not fit.

    Raises DetenteError where it does not fit: two cut ones could be taken for one.
    """
    alone = code if len(code) <= width else code.rpartition(".")[2]
    if len(alone) > width:
        raise DetenteError(
            f"the station '{code[:40]}' does not fit {width} columns", fix="write quakeml, json or csv"
        )
    return alone


def one_line(text: str) -> str:
    """Text that fits a line of a flat file: whatever does not print is a blank."""
    return "".join(c if c.isprintable() else " " for c in text)


def whole(ids: Iterable[str], most: int = 99_999_999) -> dict[str, int]:
    """Each id as a whole number from 1 to `most`: its own where it is one, else the next that is free."""
    listed = list(dict.fromkeys(ids))
    numbers = {i: int(i) for i in listed if i.isascii() and i.isdigit() and i[0] != "0" and int(i) <= most}
    taken, number = set(numbers.values()), 0
    for name in listed:
        if name not in numbers:
            number += 1
            while number in taken:
                number += 1
            numbers[name] = number
            taken.add(number)
    return {i: numbers[i] for i in listed}

"""The one error family: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class DetenteError(Exception):
    """Bad input or an impossible request, told in one line.

    Parameters: `what` is wrong; `where` (``file:line`` or an id); `fix`, what the reader can do.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.fix}" if self.fix else text


def nearest(name: str, known: Iterable[str]) -> str:
    """The advice "did you mean ...?" for a misspelt name, or the list of known names.

    >>> nearest("new-stat", ["new-start", "inf"])
    "did you mean 'new-start'?"
    """
    choices = sorted(set(known))
    close = get_close_matches(name, choices, n=1, cutoff=0.6) or get_close_matches(
        name.casefold(), [c.casefold() for c in choices], n=1, cutoff=0.6
    )
    if close:
        match = next(c for c in choices if c.casefold() == close[0].casefold())
        return f"did you mean '{match}'?"
    shown = ", ".join(choices[:12])
    return f"known: {shown}{', ...' if len(choices) > 12 else ''}"

"""Sources: where a value was read, when it was published, and how far it can be trusted."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from detente.errors import DetenteError


class Quality(StrEnum):
    """How a value came to be known, best first. The order is the order of trust."""

    text = "text"  # read in the instrument itself
    official = "official"  # read in a party's own publication
    two_sources = "two_sources"  # two publications agree
    one_source = "one_source"  # one publication
    secondary = "secondary"  # a text that quotes the primary one
    derived = "derived"  # computed from sourced figures, the computation stated
    estimate = "estimate"  # an analyst's estimate, as published
    assumed = "assumed"  # a choice made here or by the user, stated as such
    recalled = "recalled"  # nobody has read it in a source: marked in every output

    @property
    def doubtful(self) -> bool:
        """True where every output that rests on the value must say so."""
        return self is Quality.recalled


RECALLED_MARK = "recalled: not read in a source"


class Source(msgspec.Struct, frozen=True):
    """One publication or provision: an address or a citation, a date if known, a quality word."""

    ref: str
    quality: Quality
    published: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if not self.ref.strip() and not self.quality.doubtful:
            raise DetenteError(
                f"a '{self.quality}' value without a source", fix="give the address or citation"
            )


def worst(qualities: list[Quality]) -> Quality:
    """The least trusted of `qualities`: what a result that rests on all of them deserves."""
    order = list(Quality)
    return max(qualities, key=order.index, default=Quality.assumed)

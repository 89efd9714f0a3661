"""From a seed to a choice: SHAKE256, rejection, partial Fisher-Yates. Never a remainder.

Anybody can repeat it in any language: the bytes are SHAKE256("detente-pick/1 choice" || 0x00 || seed), read
from the front. A number below m takes the fewest whole bytes that hold m - 1, big-endian, with the surplus
high bits cleared; a value of m or more is thrown away and the next bytes are read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from detente.errors import DetenteError

DOMAIN = b"detente-pick/1 choice\x00"


class Stream:
    """The public byte stream of one seed."""

    def __init__(self, seed: bytes) -> None:
        self._state = hashlib.shake_256(DOMAIN + seed)
        self._bytes, self._at = b"", 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self._at + count
        if end > len(self._bytes):
            self._bytes = self._state.digest(max(256, 2 * end))
        piece, self._at = self._bytes[self._at : end], end
        return piece

    def below(self, bound: int) -> int:
        """A number from 0 to bound - 1, each equally likely."""
        if bound < 1:
            raise DetenteError(f"a choice among {bound}", fix="there must be something to choose from")
        bits = (bound - 1).bit_length()
        size, mask = (bits + 7) // 8, (1 << bits) - 1
        while True:
            value = int.from_bytes(self.take(size), "big") & mask
            if value < bound:
                return value


def sample(stream: Stream, population: int, count: int) -> list[int]:
    """`count` different numbers below `population`, in the order drawn (partial Fisher-Yates)."""
    if not 0 <= count <= population:
        raise DetenteError(f"{count} picks among {population}", fix="pick at most what there is")
    moved: dict[int, int] = {}
    chosen = []
    for i in range(count):
        j = i + stream.below(population - i)
        chosen.append(moved.get(j, j))
        moved[j] = moved.get(i, i)
    return chosen


def sample_mixed(stream: Stream, chances: Sequence[Fraction]) -> list[int]:
    """Which targets are visited when each has its announced chance: systematic sampling, exact marginals.

    One uniform start and steps of one along the summed chances, in whole units of their common denominator.
    The number of visits is the sum of the chances, rounded down or up. Source: W. G. Madow, Annals of
    Mathematical Statistics 20 (1949).
    """
    if not chances or any(not 0 <= p <= 1 for p in chances):
        raise DetenteError("announced chances lie between 0 and 1")
    unit = lcm(*(p.denominator for p in chances))
    start, low, chosen = stream.below(unit), 0, []
    for i, p in enumerate(chances):
        high = low + p.numerator * (unit // p.denominator)
        # the ticks start, start + unit, ... below a bound number (bound - start + unit - 1) // unit
        if (high - start + unit - 1) // unit > (low - start + unit - 1) // unit:
            chosen.append(i)
        low = high
    return chosen

"""Joint choice and inspection mathematics: beside SciPy, Python's own sampler and the bare group operations."""

from __future__ import annotations

import hashlib
import random
from fractions import Fraction

from bench._report import best, line
from detente.disclosure import edwards, pick, vrf
from detente.disclosure.choice import Stream, sample
from detente.disclosure.pick_terms import VERSION, Contributor, Dice, Population, Record, Terms
from detente.disclosure.planning import SiteTask, by_years, cheapest
from detente.disclosure.sampling import sample_size

PARTIES = ("CN", "FR", "RU", "UK", "US")


def main() -> None:
    """Run and print; `python -m bench inspection`."""
    _mathematics()
    _choices()
    _protocol()


def _mathematics() -> None:
    from scipy.stats import hypergeom

    def floating() -> int:
        low, high = 0, 10_000
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if hypergeom(10_000, 500, middle).pmf(0) <= 0.1 else (middle + 1, high)
        return low

    exact = best(lambda: sample_size(10_000, 500, Fraction(9, 10)))
    scipy = best(floating)
    line("exact sample size, 10 000 items, 500 false", 1e3 * exact, "ms")
    line("  the same search with SciPy's floating point", 1e3 * scipy, "ms")
    line("  exact over floating", exact / scipy, "times")
    line("25 years of 10 inspections among 700", 1e3 * best(lambda: by_years(700, 10, 10, 25)), "ms")
    task = SiteTask(20, 35, 10, Fraction(9, 10), 5, 18, Fraction(100), Fraction(5))
    line("cheapest plan over all placements of 10 at 20 sites", best(lambda: cheapest(task), repeat=2), "s")


def _choices() -> None:
    def ours() -> None:
        for i in range(1250):
            sample(Stream(i.to_bytes(8, "big")), 800, 80)

    def pythons() -> None:
        for i in range(1250):
            random.Random(i).sample(range(800), 80)

    seconds = best(ours, repeat=3)
    line("100 000 choices, 80 of 800 a seed", 1e6 * seconds / 100_000, "us each")
    line("  over Python's own sampler", seconds / best(pythons, repeat=3), "times")


def _protocol() -> None:
    key = vrf.Key(bytes(32))
    proof = key.prove(b"context")
    native = edwards.Secret()
    scalar, point = native.reduce(hashlib.sha512(b"s").digest()), key.public
    native_floor = best(lambda: [native.mul(scalar, point) for _ in range(100)]) / 100
    public = edwards.decode(point)
    assert public is not None
    number = int.from_bytes(scalar, "little")
    plain_floor = best(lambda: edwards.multiply(number, public))
    prove, verify = (
        best(lambda: key.prove(b"context")),
        best(lambda: vrf.verify(key.public, b"context", proof)),
    )
    line("VRF proof (libsodium; hashing to the curve in Python)", 1e3 * prove, "ms")
    line("  over its three multiplications", prove / (3 * native_floor), "times")
    line("VRF check in plain Python", 1e3 * verify, "ms")
    line("  over its two long and two half multiplications", verify / (3 * plain_floor), "times")

    keys = {p: vrf.Key(hashlib.sha256(p.encode()).digest()) for p in PARTIES}
    terms = Terms(
        VERSION, "t", "d", "1", "US", "CN",
        tuple(Contributor(p, k.public.hex(), "2026-01-01") for p, k in keys.items()),
        Population("00", "log", 1, 10_000), 100, "2027-01-01T10:00Z", "2027-01-01T11:00Z", ("dice",),
    )  # fmt: skip
    heard: list[Record] = [Dice(p, "2027-01-01T12:00Z", "7" * 20) for p in ("US", "CN")]
    for p, k in keys.items():
        heard += [r for r in pick.contribute(terms, p, k, "2027-01-01T09:00Z") if r]
    seconds = best(lambda: pick.settle(terms, heard))
    line("settling a pick of five parties, 100 of 10 000 slots", 1e3 * seconds, "ms")
    line("  over five VRF checks", seconds / (5 * verify), "times")

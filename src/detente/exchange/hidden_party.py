"""A party that shows only a root and a proof: its arsenal, true and declared, and the inspectors who visit it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import msgspec

from detente.disclosure import pick, vrf
from detente.disclosure.container import Escrow
from detente.disclosure.escrow import Entry, Secrets, commit
from detente.disclosure.items import item_classes
from detente.disclosure.opening import Document, Opener
from detente.disclosure.opening import check as check_opening
from detente.disclosure.pick_terms import VERSION, Contributor, Dice, Population, Record, Terms
from detente.disclosure.planning import over_years
from detente.disclosure.sampling import Site, two_stage
from detente.disclosure.statement import Treaty
from detente.exchange.ceilings import ceilings

INSPECTIONS = 6
SLOTS_EACH = 5  # slots opened at each inspection
SEEN = 2  # objects beside the opened one whose serial numbers the inspectors read


OPEN = {"CN": (400, 250, 560), "US": (454, 400, 800), "RU": (480, 330, 1180)}
"""Launchers, deployed missiles and warheads on them that a party with nothing to hide declares (invented)."""


def against_limits(treaty: str, party: str, day: str) -> list[str]:
    """The open numbers of a party against each limit of a treaty or proposal."""
    lines = []
    for limit in ceilings(treaty, party, day, item_classes("strategic")).limits:
        total = sum(c * OPEN[party][column] for column, c in limit.terms if column < 3)
        lines.append(f"{party} {total}: {limit.sentence}, {'met' if total <= limit.bound else 'EXCEEDED'}")
    return lines


@dataclass(frozen=True)
class Missile:
    """A missile in its launcher as it is: what an inspector would find. `declared`: warheads committed to."""

    serial: str
    site: str
    warheads: int
    declared: int | None  # None: never declared


def arsenal(launchers: int, cheat: str, rng: random.Random, party: str = "CN") -> list[Missile]:
    """20 sites of silos, two in three with two or three warheads; `cheat`: none, uploaded or undeclared."""
    found = []
    for n in range(launchers):
        load = rng.choice((2, 3)) if n % 3 else 0
        # an uploaded missile carries three more than was committed to
        extra = 3 if cheat == "uploaded" and load and n % 4 == 1 else 0
        found.append(Missile(f"{party}-{n:05d}", f"site {n % 20 + 1}", load + extra, load))
    if cheat == "undeclared":
        found += [
            Missile(f"{party}-{90_000 + n}", f"site {n % 3 + 1}", 3, None)
            for n in range(max(6, launchers // 8))
        ]
    return found


def escrow_of(
    missiles: Sequence[Missile], rng: random.Random, party: str, exchange: int = 1
) -> tuple[Escrow, Secrets]:
    """An escrow of every (declared) missile in its launcher, with some empty slots beside."""
    items = [
        Entry(
            "icbm_launcher",
            {"serial": m.serial, "site": m.site, "type": "silo"},
            {"launcher": 1, "deployed": int(m.declared > 0), "warheads": m.declared},
        )
        for m in missiles
        if m.declared is not None
    ]
    key = rng.randrange(1, 2**250).to_bytes(32, "little")
    padding = {"icbm_launcher": max(1, len(items) // 40)}
    return commit(
        party, exchange, item_classes("strategic"), items, vrf_secret=key, padding=padding,
        entropy=rng.randbytes(64),
    )  # fmt: skip


def terms_of(
    treaty: Treaty,
    population: Population,
    label: str,
    day: str,
    sides: tuple[str, str],
    keys: Mapping[str, vrf.Key],
) -> Terms:
    """What every log holds before an inspection: the population, the keys, the rule. `sides`: inspecting, inspected."""
    return Terms(
        VERSION, treaty.id, treaty.digest, label, *sides,
        tuple(Contributor(p, key.public.hex(), treaty.day) for p, key in sorted(keys.items())),
        population, SLOTS_EACH, f"{day}T10:00:00Z", f"{day}T11:00:00Z", ("dice",),
    )  # fmt: skip


def joint_pick(
    terms: Terms, keys: Mapping[str, vrf.Key], rng: random.Random, *, silent: str = ""
) -> tuple[list[Record], pick.Settlement]:
    """All three contribute (`silent` does not reveal), then both delegations throw dice."""
    day = terms.commit_by[:10]
    heard: list[Record] = []
    for p in keys:
        bound, shown, _ = pick.contribute(terms, p, keys[p], f"{day}T09:00:00Z")
        heard += [bound, *([] if p == silent else [msgspec.structs.replace(shown, at=f"{day}T10:30:00Z")])]
    digits = "".join(rng.choices("0123456789", k=20))
    heard += [
        Dice(p, f"{day}T12:0{i}:00Z", digits) for i, p in enumerate((terms.inspecting, terms.inspected))
    ]
    settled = {pick.settle(terms, rng.sample(heard, len(heard))).seed for _ in keys}
    assert len(settled) == 1  # every node, whatever order the records reached it in
    return heard, pick.settle(terms, heard)


class Shower(Protocol):
    """Whoever opens slots and answers look-ups of serial numbers."""

    @property
    def root(self) -> str: ...
    def item(self, slot: int) -> Document: ...
    def lookup(self, serial: str) -> Document: ...


@dataclass
class Inspectors:
    """What the inspecting sides know: the root, the openings they were given, what they saw with their eyes."""

    opener: Shower
    there: Sequence[Missile]
    rng: random.Random
    fields: int = 0

    def visit(self, slot: int) -> str:
        """Open a slot, go there, count, and look up what stands beside; "" where all agrees."""
        root = self.opener.root
        shown = {f.field: f.value for f in check_opening(self.opener.item(slot), root=root)}
        self.fields += len(shown)
        if not shown["serial"]:
            return ""  # an empty slot opens to nothing
        real = {m.serial: m for m in self.there}[str(shown["serial"])]
        if real.warheads != shown["warheads"]:
            return f"{real.serial} at {real.site} carries {real.warheads} warheads, committed {shown['warheads']}"
        beside = [m for m in self.there if m.site == real.site and m is not real]
        for m in self.rng.sample(beside, min(SEEN, len(beside))):
            if check_opening(self.opener.lookup(m.serial), root=root)[0].slot < 0:
                return f"{m.serial} stands at {m.site}; the escrow proves that it was never declared"
        return ""


def chance(opener: Opener, missiles: Sequence[Missile]) -> Fraction:
    """The exact chance that six inspections show something, computed before the first.

    A slot is a place to visit: uploaded missiles are always recognised; of those beside it `SEEN` are read.
    """
    at = Counter(m.site for m in missiles)
    undeclared = Counter(m.site for m in missiles if m.declared is None)
    slot_of = {m.serial: m for m in missiles if m.declared is not None}
    places = []
    for kept in opener.secrets.slots:
        m = slot_of.get(kept.texts[0])
        if m is None:
            places.append(Site(1, 0, 0))
        elif m.warheads != m.declared:
            places.append(Site(1, 1, 1))
        else:
            places.append(Site(at[m.site] - 1, undeclared[m.site], SEEN))
    return over_years(two_stage(places, SLOTS_EACH), INSPECTIONS)

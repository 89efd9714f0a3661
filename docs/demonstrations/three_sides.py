"""Three parties, one of which shows nothing but a root and a proof, is inspected six times, and hides items.

    python docs/demonstrations/three_sides.py [--launchers 780] [--seed 1]

Everything is invented but the mathematics. Three stories over the same treaty: China honest; China with more
warheads on missiles than it committed to; China with missiles that it never declared.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import msgspec

from detente.cli._ceilings import ceilings
from detente.disclosure import check, pick, vrf
from detente.disclosure.container import Escrow
from detente.disclosure.escrow import Entry, Secrets, commit
from detente.disclosure.explain import explain
from detente.disclosure.inspection_posterior import Visit, flat, honest, update
from detente.disclosure.items import item_classes
from detente.disclosure.opening import Opener
from detente.disclosure.opening import check as check_opening
from detente.disclosure.pick_terms import Contributor, Dice, Population, Record, Terms
from detente.disclosure.planning import over_years
from detente.disclosure.prove import make_head, prove
from detente.disclosure.sampling import Site, detection, two_stage
from detente.disclosure.statement import LogPoint

TREATY = str(Path(__file__).parent / "three-sided.yaml")
DAY = "2027-03-01"
PARTIES = ("CN", "RU", "US")
INSPECTIONS = 6
SLOTS_EACH = 5  # slots opened at each inspection
SEEN = 2  # objects beside the opened one whose serial numbers the inspectors read


@dataclass(frozen=True)
class Missile:
    """A missile in its launcher as it is: what an inspector would find. `declared`: warheads committed to."""

    serial: str
    site: str
    warheads: int
    declared: int | None  # None: never declared


def arsenal(launchers: int, cheat: str, rng: random.Random) -> list[Missile]:
    """20 sites of silos, two in three with two or three warheads; `cheat`: none, uploaded or undeclared."""
    found = []
    for n in range(launchers):
        load = rng.choice((2, 3)) if n % 3 else 0
        # an uploaded missile carries three more than was committed to
        extra = 3 if cheat == "uploaded" and load and n % 4 == 1 else 0
        found.append(Missile(f"CN-{n:05d}", f"site {n % 20 + 1}", load + extra, load))
    if cheat == "undeclared":
        found += [
            Missile(f"CN-{90_000 + n}", f"site {n % 3 + 1}", 3, None) for n in range(max(6, launchers // 8))
        ]
    return found


# launchers, deployed missiles and warheads on them, declared in the open (invented)
OPEN = {"US": (454, 400, 800), "RU": (480, 330, 1180)}


def open_declarations() -> Iterator[str]:
    """What the two parties that publish their numbers declare, under the same limits."""
    for party, counts in OPEN.items():
        for limit in ceilings(TREATY, party, DAY, item_classes("strategic")).limits:
            total = sum(c * counts[column] for column, c in limit.terms if column < 3)
            yield f"  {party} {total}: {limit.sentence}, {'met' if total <= limit.bound else 'EXCEEDED'}"


def declare(missiles: Sequence[Missile], rng: random.Random) -> tuple[Escrow, Secrets, bytes]:
    """China's side, once: commit to every (declared) item, prove the ceilings, publish root and proof.

    Raises DetenteError where what is committed to exceeds a ceiling: then there is no proof.
    """
    classes = item_classes("strategic")
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
    escrow, secrets = commit(
        "CN", 1, classes, items, vrf_secret=key, padding=padding, entropy=rng.randbytes(64)
    )
    law = ceilings(TREATY, "CN", DAY, classes)
    head = make_head(escrow, law.treaty, LogPoint("log.example/cn", 412), law.limits, law.left_out)
    return escrow, secrets, prove(head, escrow.slots, secrets.openings)


def terms_of(escrow: Escrow, number: int, inspecting: str, keys: dict[str, vrf.Key]) -> Terms:
    """What all three logs hold before inspection `number`: the population, the keys, the rule."""
    day = f"2027-{3 + number:02d}-01"
    return Terms(
        "detente-pick/1", "three-sided-example", "see the proof", f"2027/{number}", inspecting, "CN",
        tuple(Contributor(p, keys[p].public.hex(), "2026-12-01") for p in PARTIES),
        Population(escrow.root.hex(), "log.example/cn", 412, len(escrow.slots)), SLOTS_EACH,
        f"{day}T10:00:00Z", f"{day}T11:00:00Z", ("dice",),
    )  # fmt: skip


def joint_pick(
    terms: Terms, keys: dict[str, vrf.Key], rng: random.Random, *, silent: str = ""
) -> pick.Settlement:
    """All three contribute (`silent` does not reveal), then both delegations throw dice."""
    day = terms.commit_by[:10]
    heard: list[Record] = []
    for p in PARTIES:
        bound, shown, _ = pick.contribute(terms, p, keys[p], f"{day}T09:00:00Z")
        heard += [bound, *([] if p == silent else [msgspec.structs.replace(shown, at=f"{day}T10:30:00Z")])]
    digits = "".join(rng.choices("0123456789", k=20))
    heard += [Dice(p, f"{day}T12:0{i}:00Z", digits) for i, p in enumerate((terms.inspecting, "CN"))]
    settled = {pick.settle(terms, rng.sample(heard, len(heard))).seed for _ in PARTIES}
    assert len(settled) == 1  # every node, whatever order the records reached it in
    return pick.settle(terms, heard)


@dataclass
class Inspectors:
    """What the inspecting sides know: the root, the openings they were given, what they saw with their eyes."""

    opener: Opener
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


@dataclass(frozen=True)
class Story:
    """How one story ended. `truth`: the warheads that there really are, declared or not."""

    cheat: str
    truth: int
    proof_bytes: int
    chance: Fraction
    caught: str
    inspection: int
    fields_shown: int
    lines: tuple[str, ...]


def story(launchers: int, cheat: str, seed: int) -> Story:
    """Declare, verify, inspect six times or until something is found."""
    rng = random.Random(f"{seed} {cheat}")
    missiles = arsenal(launchers, cheat, rng)
    truth = sum(m.warheads for m in missiles)
    escrow, secrets, proof = declare(missiles, rng)
    opener = Opener(escrow, secrets)
    said = list(explain(check.verify(proof, "native")))  # the United States and Russia, offline
    keys = {p: vrf.Key(rng.randbytes(32)) for p in PARTIES}
    inspectors, expected = Inspectors(opener, missiles, rng), chance(opener, missiles)
    for number in range(1, INSPECTIONS + 1):
        by = ("US", "RU")[number % 2]
        # at the second inspection China tries what withholding brings
        settled = joint_pick(
            terms_of(escrow, number, by, keys), keys, rng, silent="CN" if number == 2 else ""
        )
        slots = settled.choice[0].slots
        said.append(f"  inspection {number} by {by}: slots {' '.join(map(str, slots))}")
        said += [f"    recorded: {b.party} {b.what}" for b in settled.breaches]
        for slot in slots:
            wrong = inspectors.visit(slot)
            if wrong:
                said.append(f"    FOUND: {wrong}")
                return Story(
                    cheat, truth, len(proof), expected, wrong, number, inspectors.fields, tuple(said)
                )
    said += list(_belief(len(escrow.slots)))
    return Story(cheat, truth, len(proof), expected, "", 0, inspectors.fields, tuple(said))


def _belief(slots: int) -> Iterator[str]:
    clean = [Visit(SLOTS_EACH)] * INSPECTIONS
    for prior in (flat(slots // 10), honest(Fraction(1, 2), slots // 10)):
        found = update(slots, prior, clean)
        yield f"  nothing found; no false leaf with {float(found.honest):.0%} ({prior.name})"
    bound = slots // 10
    yield f"  {bound} false leaves would have been found with {float(_six(slots, bound)):.0%}"


def _six(slots: int, false: int) -> Fraction:
    return over_years(detection(slots, false, SLOTS_EACH), INSPECTIONS)


def main() -> None:
    """Tell the three stories."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--launchers", type=int, default=780)
    asked.add_argument("--seed", type=int, default=1)
    chosen = asked.parse_args()
    print(f"Seed {chosen.seed}. The treaty binds three parties alike. Two declare in the open:")
    print("\n".join(open_declarations()))
    for cheat in ("none", "uploaded", "undeclared"):
        told = story(chosen.launchers, cheat, chosen.seed)
        print(f"\nChina, cheat: {cheat} (in truth {told.truth} warheads). It publishes a root and a proof of")
        print(
            f"{told.proof_bytes / 1e6:.2f} MB and shows {told.fields_shown} fields at inspections. The proof says:"
        )
        print("\n".join(told.lines))
        print(f"  the chance that six inspections find something was {float(told.chance):.1%}")


if __name__ == "__main__":
    main()

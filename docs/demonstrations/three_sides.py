"""Three parties, one of which shows nothing but a root and a proof, is inspected six times, and hides items.

    python docs/demonstrations/three_sides.py [--launchers 780] [--seed 1]

Everything is invented but the mathematics. Three stories over the same treaty: China honest; China with more
warheads on missiles than it committed to; China with missiles that it never declared.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from detente.disclosure import check, vrf
from detente.disclosure.container import Escrow
from detente.disclosure.escrow import Secrets
from detente.disclosure.explain import explain
from detente.disclosure.inspection_posterior import Visit, flat, honest, update
from detente.disclosure.opening import Opener
from detente.disclosure.pick_terms import Population
from detente.disclosure.planning import over_years
from detente.disclosure.prove import make_head, prove
from detente.disclosure.sampling import detection
from detente.disclosure.statement import LogPoint, Treaty
from detente.exchange.ceilings import ceilings
from detente.exchange.hidden_party import (
    INSPECTIONS,
    SLOTS_EACH,
    Inspectors,
    Missile,
    against_limits,
    arsenal,
    chance,
    escrow_of,
    joint_pick,
    terms_of,
)

TREATY = str(Path(__file__).parent / "three-sided.yaml")
DAY = "2027-03-01"
PARTIES = ("CN", "RU", "US")
LOG = LogPoint("log.example/cn", 412)
WHICH = Treaty("three-sided-example", "see the proof", "2026-12-01")


def open_declarations() -> Iterator[str]:
    """What the two parties that publish their numbers declare, under the same limits."""
    for party in ("US", "RU"):
        yield from (f"  {line}" for line in against_limits(TREATY, party, DAY))


def declare(missiles: Sequence[Missile], rng: random.Random) -> tuple[Escrow, Secrets, bytes]:
    """China's side, once: commit to every (declared) item, prove the ceilings, publish root and proof.

    Raises DetenteError where what is committed to exceeds a ceiling: then there is no proof.
    """
    escrow, secrets = escrow_of(missiles, rng, "CN")
    law = ceilings(TREATY, "CN", DAY, escrow.head.classes)
    head = make_head(escrow, law.treaty, LOG, law.limits, law.left_out)
    return escrow, secrets, prove(head, escrow.slots, secrets.openings)


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
        population = Population(escrow.root.hex(), LOG.origin, LOG.size, len(escrow.slots))
        terms = terms_of(WHICH, population, f"2027/{number}", f"2027-{3 + number:02d}-01", (by, "CN"), keys)
        _, settled = joint_pick(terms, keys, rng, silent="CN" if number == 2 else "")
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

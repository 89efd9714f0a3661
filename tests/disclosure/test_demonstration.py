"""The demonstration of docs/demonstrations runs, and its chances are those of a simulation of the visits."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

from detente.disclosure import check
from detente.disclosure.choice import Stream, sample
from detente.disclosure.group import available
from detente.disclosure.opening import Opener
from detente.errors import DetenteError
from detente.exchange.hidden_party import SEEN

HERE = Path(__file__).parents[2] / "docs" / "demonstrations" / "three_sides.py"
pytestmark = pytest.mark.skipif(not available(), reason="no libsodium on this machine")


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("three_sides", HERE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["three_sides"] = module
    spec.loader.exec_module(module)
    return module


def test_an_honest_party_is_found_honest(demo: ModuleType) -> None:
    told = demo.story(120, "none", 3)
    assert told.caught == ""
    assert told.chance == 0
    assert told.fields_shown == demo.INSPECTIONS * demo.SLOTS_EACH * 6  # three texts and three counts a slot
    assert any("recorded: CN did not reveal in time" in line for line in told.lines)


def test_uploading_beyond_the_ceiling_proves_well_and_is_caught(demo: ModuleType) -> None:
    told = demo.story(780, "uploaded", 1)
    assert told.truth > 1550
    assert told.proof_bytes < 1_000_000
    assert "carries" in told.caught
    assert told.chance > 0.99


def test_committing_to_the_truth_would_have_left_no_proof(demo: ModuleType) -> None:
    rng = random.Random(1)
    truth = [
        demo.Missile(m.serial, m.site, m.warheads, m.warheads) for m in demo.arsenal(780, "uploaded", rng)
    ]
    with pytest.raises(DetenteError):
        demo.declare(truth, rng)


def test_missiles_never_declared_are_met_beside_those_that_were(demo: ModuleType) -> None:
    ends = [demo.story(120, "undeclared", seed) for seed in range(3)]
    assert any("never declared" in told.caught for told in ends)


def test_the_two_open_parties_keep_the_limits(demo: ModuleType) -> None:
    assert [line.rsplit(" ", 1)[1] for line in demo.open_declarations()] == ["met"] * 6


@pytest.mark.parametrize("cheat", ["uploaded", "undeclared"])
def test_the_chance_is_that_of_two_thousand_simulated_years(demo: ModuleType, cheat: str) -> None:
    """Visits played out on the ground, without openings: another path to the same number."""
    rng = random.Random(11)
    missiles = demo.arsenal(120, cheat, rng)
    escrow, secrets, proof = demo.declare(missiles, rng)
    check.verify(proof, "native")
    expected = float(demo.chance(Opener(escrow, secrets), missiles))
    serials = [kept.texts[0] for kept in secrets.slots]
    where = {m.serial: m for m in missiles}
    hits, trials = 0, 2000
    for trial in range(trials):
        visited = [
            where[serials[s]]
            for i in range(demo.INSPECTIONS)
            for s in sample(Stream(f"{trial} {i}".encode()), len(serials), demo.SLOTS_EACH)
            if serials[s]
        ]
        hits += any(_finds(m, missiles, SEEN, rng) for m in visited)
    assert abs(hits / trials - expected) < 4 * (expected * (1 - expected) / trials) ** 0.5


def _finds(m: object, missiles: list[object], seen: int, rng: random.Random) -> bool:
    if m.warheads != m.declared:  # type: ignore[attr-defined]
        return True
    beside = [o for o in missiles if o.site == m.site and o is not m]  # type: ignore[attr-defined]
    return any(o.declared is None for o in rng.sample(beside, seen))  # type: ignore[attr-defined]

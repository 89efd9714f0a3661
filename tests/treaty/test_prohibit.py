"""Prohibitions: single tests against a threshold, certain, in an interval, or as draws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detente.asof import AsOf
from detente.draws import Draws
from detente.inventory import Inventory, Item
from detente.sources import Quality, Source
from detente.treaty import judge, load, resolve
from detente.treaty.prohibit import judge_acts
from detente.verdict import Basis, Outcome, Verdict

SOURCE = Source("a seismic bulletin", Quality.one_source)
PLACE = {"environment": "underground", "purpose": "weapon_test"}


def act(low: float, best: float, high: float, **attributes: str) -> Inventory:
    item = Item(
        id="t", party="SU", kind="explosive_yield", unit="kilotonnes", source=SOURCE,
        low=low, best=best, high=high, attributes=dict(attributes) or PLACE,
    )  # fmt: skip
    return Inventory((item,))


def ttbt(rows: Inventory | Draws, day: str = "1991-06-01") -> tuple[Verdict, ...]:
    return judge_acts(resolve(load("ttbt"), AsOf.on(day)), "RU", rows)


@pytest.mark.parametrize(
    ("low", "best", "high", "outcome"),
    [
        (150, 150, 150, Outcome.met),
        (150.1, 160, 170, Outcome.exceeded),
        (120, 150, 190, Outcome.indeterminate),
        (math.nan, math.nan, math.nan, Outcome.indeterminate),
    ],
)
def test_a_yield_against_150_kilotons(low: float, best: float, high: float, outcome: Outcome) -> None:
    assert [v.outcome for v in ttbt(act(low, best, high))] == [outcome]


def test_a_yield_posterior_gives_the_probability_of_a_breach() -> None:
    rng = np.random.default_rng(1)
    draws = Draws(act(1, 100, 1000), np.exp(rng.normal(math.log(120), 0.3, (20_000, 1))), 1)
    found = ttbt(draws)[0]
    expected = 0.5 * (1 + math.erf(math.log(150 / 120) / 0.3 / math.sqrt(2)))
    assert found.p_met == pytest.approx(expected, abs=4 * (found.p_met_se or 0))
    assert (found.outcome, found.basis) == (Outcome.indeterminate, Basis.draws)


def test_before_entry_into_force_it_is_no_breach() -> None:
    assert ttbt(act(200, 200, 200), "1975-01-01")[0].outcome is not Outcome.exceeded


def test_an_act_whose_environment_nobody_gave_is_not_judged_exceeded() -> None:
    found = ttbt(act(200, 200, 200, purpose="weapon_test"))[0]
    assert found.outcome is Outcome.indeterminate and "environment" in found.missing[0]


def test_an_act_the_treaty_does_not_cover_has_no_verdict() -> None:
    assert ttbt(act(200, 200, 200, environment="atmosphere", purpose="weapon_test")) == ()


def test_the_partial_ban_forbids_any_explosion_in_the_atmosphere() -> None:
    item = Item(
        id="e", party="US", kind="explosion", unit="explosions", source=SOURCE, best=1,
        attributes={"environment": "atmosphere"},
    )  # fmt: skip
    found = judge(resolve(load("ptbt"), AsOf.on("1970-01-01")), {"US": Inventory((item,))})
    assert [v.outcome for v in found if v.provision == "prohibitions/I.1.a"] == [Outcome.exceeded]

"""Quotas over years against simulation, brute force and the plain laws of sampling."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from detente.disclosure.planning import (
    Escrow,
    SiteTask,
    by_years,
    cheapest,
    over_years,
    sizes,
    undeclared,
    ways_of_cheating,
    with_escrow,
)
from detente.disclosure.sampling import detection, worst_placement
from detente.errors import DetenteError

F = Fraction


def percent(p: Fraction) -> float:
    return round(float(100 * p), 1)


def test_ten_single_items_a_year_of_700() -> None:
    few, many = by_years(700, 10, 10, 10), by_years(700, 50, 10, 10)
    assert [percent(few[y - 1].fresh) for y in (1, 5, 10)] == [13.5, 52.6, 78.8]
    assert [percent(many[y - 1].fresh) for y in (1, 5, 10)] == [52.6, 97.9, 100.0]


def test_drawing_anew_each_year_agrees_with_a_simulation() -> None:
    rng, trials, hits = random.Random(7), 4000, 0
    for _ in range(trials):
        hits += any(min(rng.sample(range(60), 6)) < 3 for _ in range(3))
    expected = float(by_years(60, 3, 6, 3)[-1].repeated)
    assert abs(hits / trials - expected) < 4 * (expected * (1 - expected) / trials) ** 0.5


def test_when_all_has_been_seen_the_second_round_begins() -> None:
    rows = by_years(30, 2, 10, 6, recognised=F(1, 2))
    assert rows[2].fresh == 1 - F(1, 4)  # each of two false items looked at once
    assert rows[5].fresh == 1 - F(1, 16)  # twice
    assert rows[3].fresh == 1 - F(1, 4) * (1 - detection(30, 2, 10, F(1, 2)))


def test_a_violation_put_right_is_found_no_more() -> None:
    rows = by_years(700, 10, 10, 6, present=2)
    assert [r.fresh for r in rows[2:]] == [rows[1].fresh] * 4


def test_the_published_formula_is_shown_only_for_perfect_looks() -> None:
    assert sizes(800, 1, [F(1, 5)])[0].exact == 160
    assert sizes(800, 20, [F(1, 5)], F(9, 10))[0].iaea is None


def test_empty_slots_thin_the_sample() -> None:
    full = with_escrow(Escrow(700, 700), 10, 50)
    half = with_escrow(Escrow(1400, 700), 10, 50)
    assert full.detection == detection(700, 10, 50)
    assert half.detection == detection(1400, 10, 50) < full.detection
    assert half.items_seen == 25
    assert (
        detection(1400, 10, half.picks_for_same)
        >= full.detection
        > detection(1400, 10, half.picks_for_same - 1)
    )


def test_honest_defects_alarm_and_forgiving_them_costs_detection() -> None:
    strict = with_escrow(Escrow(1000, 800, mislinked=4), 10, 50)
    lenient = with_escrow(Escrow(1000, 800, mislinked=4, accept=1), 10, 50)
    assert strict.false_alarm == detection(1000, 4, 50)
    assert lenient.false_alarm < strict.false_alarm
    assert lenient.detection < strict.detection


def test_the_cheapest_plan_by_trying_every_plan() -> None:
    task = SiteTask(5, 6, 4, F(8, 10), 3, 4, F(10), F(1))
    tried = {}
    for visits in range(1, 5):
        for picked in range(1, 7):
            found = over_years(worst_placement(4, 5, 6, visits, picked)[0], 3)
            if found >= F(8, 10):
                tried[visits, picked] = visits * (10 + picked)
    best = cheapest(task)[0]
    assert best.cost == min(tried.values())
    assert (best.visits, best.picked) in tried


def test_a_quota_that_cannot_suffice_says_what_it_gives() -> None:
    with pytest.raises(DetenteError, match="cannot be reached"):
        cheapest(SiteTask(20, 35, 1, F(99, 100), 1, 2, F(1), F(1)))


def test_ways_of_cheating_are_ordered_as_they_must_be() -> None:
    ways = ways_of_cheating(700, 10, 20, 10, 25)
    stay, moved, crowded, dim, short, never = (w.by_year for w in ways)
    for year in range(25):
        assert stay[year] >= moved[year]
        assert stay[year] >= dim[year]
        assert stay[year] >= short[year]
        assert never[year] == 0
    assert list(crowded) == sorted(crowded)


def test_only_meeting_an_undeclared_item_finds_it() -> None:
    assert undeclared(0, F(1, 2)) == 0
    assert undeclared(3, F(1, 2)) == F(7, 8)

"""The weight of the bottom-up view: earned from vintages only, never from what came later, drawn to one half."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from detente.forces import byrule, weights
from detente.forces.backtest import run, summary
from detente.forces.byrule import rule_drivers
from detente.forces.line import truth
from detente.forces.project import WRITTEN, project
from detente.forces.topdown import knowledge
from detente.forces.weights import PRIOR_ORIGINS, Scored, earned, scored

TODAY = date(2026, 11, 23)


def test_the_rule_carries_on_what_the_last_editions_printed() -> None:
    """Russia's sea leg, as of 2020 to 2023: 720 to 896 assigned in the notebooks; +80 to +176 over the window."""
    found = {d.type: d for d in rule_drivers("RU", knowledge(2023))}
    sea = found["sea leg"]
    year, today = sea.points[0][0], sea.points[0][2]
    assert (year, today) == (2023, 896)
    low, best, high = sea.points[1][1:]
    assert best - today == pytest.approx(2 * (896 - 720))  # five years' gain, over ten years
    assert low == pytest.approx(today * 0.85) and high == pytest.approx(today * 1.15 + 4 * (896 - 720))


def test_a_gain_that_is_lost_again_goes_the_other_way() -> None:
    assert byrule._carried(2020, 100.0, -20.0) == (
        (2020, 100.0, 100.0, 100.0),
        (2030, pytest.approx(5.0), pytest.approx(60.0), pytest.approx(115.0)),
    )
    assert byrule._carried(2020, 100.0, -80.0)[1][1] == 0.0  # never below nothing


def test_the_limit_of_new_start_is_kept_from_2018_on() -> None:
    made = {d.quantity: d for d in rule_drivers("US", knowledge(2012))}["deployed"]
    assert made.points[0][1:] == (812, 812, 812)  # declared 1 March 2012
    assert made.points[1][0] == 2018 and made.points[1][3] == 700
    assert all(high <= 700 for _, _, _, high in made.points[1:])


def test_an_origin_without_two_editions_has_no_score() -> None:
    assert rule_drivers("CN", knowledge(2021)) == ()  # one edition by type was in print
    assert rule_drivers("CN", knowledge(2022)) and not rule_drivers("IN", TODAY)
    assert {s.origin for s in scored("CN", TODAY)} == {2022, 2023, 2024, 2025}
    assert {s.origin for s in scored("US", TODAY)} == set(range(2012, 2026))


@pytest.mark.parametrize(("party", "origin"), [("CN", 2023), ("RU", 2021), ("US", 2016), ("UK", 2024)])
def test_the_rule_uses_nothing_printed_later(
    party: str, origin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every row published after the day of the forecast deleted, the drivers are the same."""
    from detente.asof import Span
    from detente.forces import catalogue

    day = knowledge(origin)
    before = rule_drivers(party, day)
    whole = catalogue.counts

    def cut(name: str):  # type: ignore[no-untyped-def]
        return tuple(c for c in whole(name) if Span.parse(c.published).reached(day))

    monkeypatch.setattr(catalogue, "counts", cut)
    monkeypatch.setattr(byrule, "counts", cut)
    assert before and rule_drivers(party, day) == before


def test_weights_leave_the_future_out() -> None:
    """The weight of 2020 rests on outcomes printed by then; what the years since brought changes nothing."""
    day = knowledge(2020)
    assert all(s.target <= 2020 and s.origin < 2020 for s in scored("US", day))
    assert earned("US", day).forecasts < earned("US", TODAY).forecasts
    outcomes = truth("US", day)
    assert all(s.target in outcomes for s in scored("US", day))


def test_the_weight_is_inverse_to_the_scores_and_drawn_to_one_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bottom up three times as good: 3/4 by scores; two origins against ten: (2 * 3/4 + 10 / 2) / 12."""
    given = (Scored(2020, 2021, 30.0, 10.0), Scored(2020, 2022, 30.0, 10.0), Scored(2021, 2022, 30.0, 10.0))
    monkeypatch.setattr(weights, "scored", lambda party, known: given)
    e = earned.__wrapped__("CN", TODAY)
    assert e.by_scores == pytest.approx(0.75) and (e.origins, e.forecasts) == ((2020, 2021), 3)
    assert e.weight == pytest.approx((2 * 0.75 + PRIOR_ORIGINS * 0.5) / (2 + PRIOR_ORIGINS))
    monkeypatch.setattr(weights, "scored", lambda party, known: ())
    assert earned.__wrapped__("CN", TODAY).weight == 0.5
    assert "one half" in earned.__wrapped__("CN", TODAY).words


def test_the_projection_uses_the_weight_and_says_what_is_behind_it() -> None:
    p = project("CN", 2030, known=TODAY, n=2000)
    assert p.earned == earned("CN", TODAY) and p.weights[2] == p.earned.weight
    assert (p.view == 2).mean() == pytest.approx(p.weights[2], abs=0.001)
    assert 0.4 < p.weights[2] < 0.6 and "4 origins (2022-2025)" in p.earned.words
    assert p.by_rule is not None and p.by_rule.shape == p.values.shape
    assert project("IN", 2030, known=TODAY, n=500).weights[2] == 0


def test_an_older_day_does_not_see_paths_written_later() -> None:
    """In July 2023 the bottom-up draws are those of the rule: nothing of drivers.csv, written in 2026."""
    old = project("RU", 2030, known=knowledge(2023), n=2000)
    assert knowledge(2023) < WRITTEN and old.weights[2] == earned("RU", knowledge(2023)).weight
    mine = old.view == 2
    assert old.by_rule is not None
    for q in (0.1, 0.5, 0.9):  # the same law, drawn twice
        ours = np.quantile(old.values[-1, mine], q)
        assert ours == pytest.approx(np.quantile(old.by_rule[-1], q), rel=0.06)


def test_the_pool_beats_its_parts_where_systems_were_in_print() -> None:
    found = [s for s in run() if s.bottom_up is not None]
    pooled = summary("systems in print", found)
    assert pooled.forecasts > 200
    assert pooled.model < pooled.top_down < min(pooled.trend, pooled.last_value)
    assert all(0 < s.weight < 1 for s in found)
    assert all(s.weight == 0 and s.model == s.top_down for s in run() if s.bottom_up is None)

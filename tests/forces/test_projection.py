"""Projections: vintages only, honest coverage, regime changes in the spread, the bound from plutonium."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.forces import outside, statespace
from detente.forces.backtest import ORIGINS, run, summary, table
from detente.forces.bottomup import build, drivers, stockpile
from detente.forces.calibrate import LAST_TARGET, score, search, training
from detente.forces.line import stockpile_line
from detente.forces.material import plutonium_bound
from detente.forces.project import exceedance, first_years, project
from detente.forces.questions import answers, published, published_chances, record
from detente.forces.statespace import Shape
from detente.forces.topdown import PARTIES, knowledge

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def china():  # type: ignore[no-untyped-def]
    return project("CN", 2036, known=TODAY, n=8000)


def test_the_backtest_covers_and_beats_the_baselines() -> None:
    """Issue: nominal 90 % intervals cover 85-95 % of pooled outcomes; CRPS below last value and linear trend."""
    pooled = summary("all", run())
    assert pooled.forecasts > 800
    assert 0.85 <= pooled.cover_90 <= 0.95
    assert pooled.model < pooled.trend < pooled.last_value
    assert pooled.model < pooled.last_value_spread


def test_the_backtest_keeps_its_promise_where_every_print_is_held() -> None:
    exact = summary("exact", [s for s in run() if not s.approximate])
    assert exact.forecasts > 300
    assert 0.85 <= exact.cover_90 <= 0.95
    assert exact.model < min(exact.trend, exact.last_value)


def test_the_table_shows_where_it_fails() -> None:
    """China's surge was outside half of the intervals: the table must say so, not only the pooled figure."""
    rows = {s.group: s for s in table(run())}
    assert rows["CN"].cover_90 < 0.85
    assert set(PARTIES) <= rows.keys()


def test_the_backtest_does_not_hang_on_its_seed() -> None:
    other = summary("all", run(seed=2))
    assert 0.85 <= other.cover_90 <= 0.95
    assert other.model == pytest.approx(summary("all", run()).model, rel=0.02)


def test_a_forecast_uses_nothing_printed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting the prints off at the day of the forecast changes no draw, where every print of the day is held."""
    from detente.asof import Span
    from detente.forces import line
    from detente.forces import topdown as room

    day = knowledge(2022)
    whole = line._stockpiles

    def cut(series: str, party: str):  # type: ignore[no-untyped-def]
        return [c for c in whole(series, party) if Span.parse(c.published).reached(day)]

    def forecast():  # type: ignore[no-untyped-def]
        line.prints.cache_clear()
        line.stockpile_line.cache_clear()
        held = stockpile_line("CN", day)
        return held, room.top_down("CN", day, 4, 500, np.random.default_rng(1), room.pasts(day))

    held, before = forecast()
    assert not any(held.approximate)
    monkeypatch.setattr(line, "_stockpiles", cut)
    try:
        _, after = forecast()
    finally:
        monkeypatch.undo()
        line.prints.cache_clear()
        line.stockpile_line.cache_clear()
    assert np.array_equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])


def test_the_parameters_saw_nothing_that_is_judged() -> None:
    assert all(past.years[-1] <= LAST_TARGET for past in training().values())
    assert min(ORIGINS) > LAST_TARGET
    fit = score(Shape(), n=300)
    assert 0.87 <= fit.cover <= 0.93


@pytest.mark.soak
def test_the_search_finds_nothing_much_better() -> None:
    _, fit = search(80)
    assert fit.cost > 0.93 * score(Shape()).cost


def test_the_spread_holds_what_the_windows_of_trend_say(china) -> None:  # type: ignore[no-untyped-def]
    """arsenals.md: least squares on 2020-26, 2023-26 and 2023-25 give 838, 934 and 1,073 for 2030."""
    line = china.line
    years, values = line.years[-7:].astype(float), line.warheads[-7:]
    windows = {(2020, 2026): 838, (2023, 2026): 934, (2023, 2025): 1073}
    low, _, _, _, high = china.quantiles()[china.years.index(2030)]
    for (first, last), said in windows.items():
        chosen = (years >= first) & (years <= last)
        _, level = np.polyfit(years[chosen] - 2030, values[chosen], 1)
        assert level == pytest.approx(said, abs=12)
        assert low < level < high
    assert low < 620 < high  # that growth stops is not excluded either


def test_the_step_of_twenty_breaks_the_trend_in_part() -> None:
    """+90, +100 and then +20: the growth expected to 2030 is well under what another +100 would have meant."""
    years, before = np.arange(2016, 2027), [260, 270, 280, 290, 320, 350, 350, 410, 500, 600]
    growth = {}
    for last in (620.0, 700.0):
        rng = np.random.default_rng(1)
        belief = statespace.filtered(years, np.array([*before, last]), Shape(), n=8000, rng=rng)
        ratio = statespace.ahead(belief, 4, Shape(), rng)[3] / last
        growth[last] = np.quantile(ratio, (0.05, 0.5, 0.95)) - 1
    assert growth[620.0][1] < 0.75 * growth[700.0][1]
    assert growth[620.0][0] < 0 < growth[620.0][2]


def test_a_flat_line_stays_flat_and_a_growing_one_grows() -> None:
    years = np.arange(1990, 2021)
    medians = {}
    for rate in (0.0, 0.05):
        rng = np.random.default_rng(1)
        seen = 300 * np.exp(rate * (years - 1990.0))
        ahead = statespace.ahead(statespace.filtered(years, seen, Shape(), n=4000, rng=rng), 3, Shape(), rng)
        medians[rate] = float(np.median(ahead[2])) / seen[-1]
    assert medians[0.0] == pytest.approx(1.0, abs=0.02)
    assert 1.08 < medians[0.05] < 1.17  # damped: less than exp(0.15) = 1.162


def test_the_outside_view_repeats_paths_that_happened() -> None:
    past = outside.Past(np.arange(1990, 2021), np.full(31, 100.0))
    doubling = outside.Past(np.arange(1960, 1991), 100 * 2.0 ** (np.arange(31) / 10))
    rng = np.random.default_rng(1)
    ahead = outside.ahead(past, [past, doubling], 10, 4000, rng)
    assert ahead is not None
    assert set(np.round(ahead[9]).astype(int)) <= {100, *range(200, 211)}
    assert outside.ahead(outside.Past(np.arange(1990, 1996), np.ones(6)), [past], 10, 10, rng) is None


def test_the_plutonium_bound_is_the_published_arithmetic() -> None:
    """production_capacity of the facts: 2.3-3.5 t at 3, 4 and 5 kg give 460 to 1,167, centre 725."""
    rng = np.random.default_rng(1)
    bound = plutonium_bound("CN", TODAY, 2026, 10, 200_000, rng)
    assert bound is not None
    assert np.median(bound.warheads[0]) == pytest.approx(725, rel=0.04)
    assert bound.warheads[0].min() >= 460
    assert bound.warheads[0].max() <= 1167 + 1
    assert (np.diff(bound.warheads, axis=0) >= 0).all()
    assert bound.quality.doubtful  # the stock was not read again: marked


def test_an_older_day_sees_the_older_bound() -> None:
    """1.8 t at 4 kg is 450, the bound of 2011, which today's 620 has passed."""
    bound = plutonium_bound("CN", date(2012, 1, 1), 2012, 1, 100_000, np.random.default_rng(1))
    assert bound is not None
    assert np.median(bound.warheads[0]) == pytest.approx(450, rel=0.04)


def test_answers_by_definition_differ_and_are_marked(china) -> None:  # type: ignore[no-untyped-def]
    found = {(a.definition, a.by): a for a in answers(china, 1000, (date(2030, 1, 1), date(2030, 12, 31)))}
    assert {d for d, _ in found} == {"stockpile", "operational", "fissile material for"}
    for definition in ("stockpile", "operational", "fissile material for"):
        assert found[definition, "2030-01-01"].p <= found[definition, "2030-12-31"].p
    assert found["operational", "2030-12-31"].p < found["stockpile", "2030-12-31"].p
    assert all(a.marks for a in found.values())


def test_chances_and_first_years_agree(china) -> None:  # type: ignore[no-untyped-def]
    over = exceedance(china, 1000)
    first = first_years(china, 1000)
    assert first["p_ever"] >= over.max()
    assert first_years(china, 1e9) == {"limit": 1e9, "p_ever": 0.0, "years": [None, None, None]}


def test_published_projections_stand_beside_their_outcome() -> None:
    found = {r.id: r for r in published("CN")}
    assert (found["cn-dia-1984-94"].value, found["cn-dia-1984-94"].outcome) == (818, 234)
    assert found["cn-cmpr-2020"].outcome is None and found["cn-cmpr-2020"].model_median is not None
    assert published("PK")[0].error == 200 - 170


def test_the_record_of_published_forecasts_holds_those_that_were_not_of_warheads() -> None:
    """DIA 1974: 60 silos, fewer than 10 came; DIA 1984: 818 for 234 (facts, section 3); nothing still open."""
    found = {r.id: r for r in record()}
    assert found["cn-dia-1974-silo"].said == "60" and "fewer than 10" in found["cn-dia-1974-silo"].came
    assert found["cn-dia-1984-94"].error == pytest.approx(818 / 234 - 1)
    assert found["pk-fas-2021"].error == pytest.approx(200 / 170 - 1)
    assert "cn-dia-2025-icbm" not in found and "cn-metaculus-2025" not in found


def test_a_published_chance_stands_beside_this_one(china) -> None:  # type: ignore[no-untyped-def]
    (words,) = published_chances("CN", china)
    assert words.startswith(
        "Metaculus community 2025-09: P(>=1000 warheads by 2030-01-01) = 70%; this model: "
    )
    material = {r.id: r for r in published("CN", china)}["cn-npec-2021"]
    assert material.p_today is not None and material.model_median is None  # material is not a stockpile


def test_bottom_up_builds_from_systems_within_their_launchers() -> None:
    rng = np.random.default_rng(1)
    made = build("CN", TODAY, tuple(range(2026, 2036)), 4000, rng)
    assert made is not None
    assert (made.values["solid-fuel silos", "deployed"] <= 320).all()
    assert (made.values["DF-5A/B/C silo", "deployed"] <= 48).all()
    start = np.full(4000, 620.0)
    assert np.array_equal(stockpile(made, start, rng)[0], start)
    assert np.median(made.assigned()[0]) == pytest.approx(
        530, abs=60
    )  # 620 less those made for more launchers


def test_bottom_up_knows_only_drivers_in_print() -> None:
    assert build("CN", date(2021, 7, 1), (2021,), 10, np.random.default_rng(1)) is None
    assert drivers("US", date(2025, 7, 1)) == ()


def test_a_projection_repeats_with_its_seed(china) -> None:  # type: ignore[no-untyped-def]
    again = project("CN", 2036, known=TODAY, n=8000)
    assert np.array_equal(again.values, china.values)
    assert not np.array_equal(project("CN", 2036, known=TODAY, n=8000, seed=2).values, china.values)


def test_a_year_that_is_not_ahead_is_refused() -> None:
    with pytest.raises(DetenteError, match="2020 is not 1 to 30 years ahead"):
        project("CN", 2020, known=TODAY)
    with pytest.raises(DetenteError, match="no stockpile of DE"):
        project("DE", 2030, known=TODAY)

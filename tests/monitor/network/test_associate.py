"""Association: its score against a plain scalar one, what misses do, and small days of known events."""

from __future__ import annotations

import math

import msgspec
import numba
import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival
from detente.monitor.chain.day import PEER, simulate
from detente.monitor.chain.day_judge import judge
from detente.monitor.chain.day_scene import Source
from detente.monitor.chain.day_world import DaySettings
from detente.monitor.network import _score_kernel as kernel
from detente.monitor.network import _weigh_kernel as stack
from detente.monitor.network.arrival_table import Table
from detente.monitor.network.associate import Settings, associate, first_p
from detente.monitor.network.contest import Found, Law, Search
from detente.monitor.network.phases import geocentric, geographic, travel_time
from detente.monitor.waves.trace import Site

FEW = DaySettings(
    events=1, noise=300, earth="ak135", path_error=0.0, pick_sd_s=0.5, outages=0.0, length_s=7200.0
)


def _day(*sources: Source, seed: int = 1):
    return simulate(FEW, seed=seed, sources=sources)


def test_the_score_is_that_of_a_plain_loop() -> None:
    """P only, tolerance 0: station by station as the docstrings say, in Python, with the kernel's picks."""
    day = _day(Source(3000.0, 41.3, 129.1, 10.0, 4.6))
    chosen = Settings()
    table = Table.of(day.arrivals, day.sites, chosen)
    search = Search.of(table, chosen)
    n = len(table.network.codes)
    pick, gain, seen = np.empty((n, 11), np.int64), np.empty((n, 11)), np.empty((n, 4))
    x = np.array(
        [math.radians(float(geocentric(41.3))), math.radians(129.1), 10.0, day.start + 3000 - table.zero]
    )
    owner = np.full(len(table.a), -1, np.int64)
    score, mb, count = kernel.score(
        x, 0.0, False, 0, table.a, table.hint, owner, table.first, table.st, search.earth, search.net, search.law,
        pick, gain, seen,
    )  # fmt: skip
    law = Law.of(chosen)
    total = -math.log(10) * max(0.0, mb - 3)
    for s, code in enumerate(table.network.codes):
        if seen[s, 2] > 50:
            continue
        view = travel_time("P" if seen[s, 0] <= 115 else "PKP", 41.3, 129.1, 10.0, day.sites[code])
        miss = law.missed[int((mb - seen[s, 2]) / law.sd * 100 + 600.5)] if abs(mb - seen[s, 2]) < 6 * law.sd else (
            law.missed[-1] if mb > seen[s, 2] else law.missed[0])  # fmt: skip
        k = pick[s, 0]
        if k < 0:
            total += miss
            continue
        row = table.a[k]
        sigma = math.hypot(row[1], _error(search, view["distance_deg"]))
        u = (row[0] - (x[3] + view["time_s"])) / sigma
        hit = math.log(0.3796066898 / sigma * (1 + u * u / 5) ** -3) - row[7]
        direction = 0.0
        if np.isfinite(row[2]):
            v = ((row[2] - view["backazimuth_deg"] + 180) % 360 - 180) / row[3]
            direction += -v * v / 2 - math.log(row[3] * math.sqrt(2 * math.pi)) - row[8]
        if np.isfinite(row[4]):
            v = (row[4] - view["slowness_s_km"]) / row[5]
            direction += -v * v / 2 - math.log(row[5] * math.sqrt(2 * math.pi)) - row[9]
        hit += math.log(row[11] * math.exp(direction) + 1 - row[11])
        q = seen[s, 2] - table.st[s, 0]
        v = (row[6] + q - mb) / 0.35
        hit += math.log(0.95 * math.exp(-v * v / 2) / (0.35 * math.sqrt(2 * math.pi)) + 0.01) - row[10]
        total += hit
    assert count > 20
    assert score == pytest.approx(total, abs=0.05)


def _error(search: Search, distance: float) -> float:
    from detente.monitor.network._phase_kernel import model_error

    return model_error(search.earth[2][0 if distance <= 115 else 1], distance, 10.0)


def test_two_events_at_once_and_nothing_else() -> None:
    day = _day(Source(3000.0, 41.3, 129.1, 10.0, 4.4), Source(3040.0, -21.0, -68.5, 110.0, 4.5))
    verdict = judge(day, associate(day.arrivals, day.sites))
    assert (verdict.found_of_four_p, verdict.events) == (2, 2)
    assert verdict.median_error_km < 15.0


def test_a_train_of_surface_reflections_is_no_second_event() -> None:
    """An event whose depth was taken wrong, and another one made of its sP, become one at the right depth."""
    day = _day(Source(3000.0, 36.0, 141.0, 45.0, 5.6))
    chosen = Settings()
    table = Table.of(day.arrivals, day.sites, chosen)
    search = Search.of(table, chosen)
    owner = np.full(len(table.a), -1, np.int64)
    name = dict(day.truth[0].arrivals)
    for k, a in enumerate(table.arrivals):
        owner[k] = {"P": 0, "PKP": 0, "sP": 1}.get(name.get(a.id, ""), -1)
    x = np.array(
        [math.radians(float(geocentric(36.0))), math.radians(141.0), 0.0, day.start + 3000 - table.zero]
    )
    one = Found(0, x, 300.0)
    other = Found(1, x + np.array([0.0, 0.0, 0.0, 18.0]), 30.0)
    first, ghost = search._contest(one, other, owner)
    assert ghost.score < -1e8 and first.score > 330.0
    assert abs(first.x[2] - 45.0) < 15.0
    assert set(owner[owner >= 0]) == {0}


def test_an_event_at_a_wrong_place_moves_to_the_right_one() -> None:
    day = _day(Source(3000.0, 41.3, 129.1, 10.0, 4.0))
    chosen = Settings()
    table = Table.of(day.arrivals, day.sites, chosen)
    search = Search.of(table, chosen)
    owner = np.full(len(table.a), -1, np.int64)
    candidates = search.candidates(owner)
    place = math.radians(float(geocentric(41.3))), math.radians(129.1)
    x = np.array([place[0] + 0.15, place[1] - 0.2, 200.0, day.start + 3030 - table.zero])
    moved = search._elsewhere(Found(0, x, 3.0), owner, candidates)
    assert moved.score > 30.0
    assert math.hypot(moved.x[0] - place[0], (moved.x[1] - place[1]) * math.cos(place[0])) < 0.01
    assert (owner == 0).sum() >= 8


def test_misses_are_evidence() -> None:
    """The same picks at far stations, the near ones silent but up: no event; loud ones everywhere: one."""
    day = _day(Source(3000.0, 50.0, 78.0, 0.0, 4.6))
    mine = [a for a in day.arrivals if a.id in day.truth[0].arrivals and day.truth[0].arrivals[a.id] == "P"]
    far = sorted(mine, key=lambda a: a.snr or 0)[:4]  # the four that saw it worst
    rest = [a for a in day.arrivals if a.id.startswith("n-")]
    assert len(associate([*mine, *rest], day.sites)) == 1
    assert associate([*far, *rest], day.sites) == ()


def test_missed_stations_are_told() -> None:
    day = _day(Source(3000.0, 41.3, 129.1, 10.0, 5.0))
    noise = [a.station for a in day.arrivals if a.id.startswith("n-")]
    first = [a for a in day.arrivals if day.truth[0].arrivals.get(a.id) == "P" and noise.count(a.station) > 2]
    best = max(first, key=lambda a: a.snr or 0).station
    deaf = [a for a in day.arrivals if a.station != best or a.id.startswith("n-")]  # up, but it saw nothing
    (event,) = associate(deaf, day.sites)
    assert best in {m.station for m in event.origin.missed if m.p_detect > 0.8}


def test_noise_alone_makes_no_event() -> None:
    day = _day()
    assert associate(day.arrivals, day.sites) == ()


def test_minutes_of_noise_make_no_event_where_it_is_known_how_long_was_listened() -> None:
    """Two minutes of stations that trigger once a minute: by the hour's rate they would be quiet ones."""
    rng, many = np.random.default_rng(31), 26
    sites = {
        f"R{i}": Site(f"R{i}", 45 + rng.uniform(-12, 12), 125 + rng.uniform(-16, 16)) for i in range(many)
    }
    loud = msgspec.structs.replace(FEW, events=0, noise=60 * 2 * many, length_s=7200.0)
    day = simulate(loud, seed=31, sites=sites, sources=())
    false = {True: 0, False: 0}
    for start in (600.0, 1800.0, 3000.0, 4200.0):
        few = [a for a in day.arrivals if start <= a.time - day.start < start + 120.0]
        for told in (True, False):
            false[told] += len(associate(few, sites, listened=dict.fromkeys(sites, 120.0) if told else None))
    assert false[False] > 10 * false[True]
    assert false[True] <= 1


def test_the_hour_of_quiet_stations_is_the_same_told_or_not() -> None:
    day = _day(Source(3000.0, 41.3, 129.1, 10.0, 4.4))
    untold, told = (
        associate(day.arrivals, day.sites, listened=x) for x in (None, dict.fromkeys(day.sites, 7200.0))
    )
    assert [e.origin for e in told] != [] and told[0].origin.lat == pytest.approx(
        untold[0].origin.lat, abs=0.01
    )
    assert told[0].score == pytest.approx(untold[0].score, abs=0.1 * untold[0].score)


def test_nothing_in_nothing_out_and_unknown_stations() -> None:
    assert associate((), {"A": Site("A", 0, 0)}) == ()
    with pytest.raises(DetenteError, match="NONE"):
        associate([Arrival(id="1", station="NONE", time=0.0, time_sd=1.0)], {"A": Site("A", 0, 0)})


def test_names_of_first_arrivals() -> None:
    assert [first_p(x, 10.0) for x in (0.5, 6.0, 50.0, 150.0)] == ["Pg", "Pn", "P", "PKP"]


def test_the_same_day_twice_is_the_same_bulletin() -> None:
    day = _day(Source(3000.0, 41.3, 129.1, 10.0, 4.2))
    shuffled = tuple(np.random.default_rng(1).permutation(np.array(day.arrivals, object)))
    encode = msgspec.json.encode
    assert encode(associate(day.arrivals, day.sites)) == encode(associate(shuffled, day.sites))


def test_one_thread_and_two_find_the_same() -> None:
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("one core")
    day = _day(Source(3000.0, 41.3, 129.1, 10.0, 4.4), Source(3040.0, -21.0, -68.5, 110.0, 4.5))
    found = []
    for threads in (1, 2):
        before = numba.get_num_threads()
        numba.set_num_threads(threads)
        found.append(msgspec.json.encode(associate(day.arrivals, day.sites)))
        numba.set_num_threads(before)
    assert found[0] == found[1]


def test_the_stack_weighs_as_a_plain_loop_does() -> None:
    """Every candidate's weight again: one arrival a station, each magnitude by itself, in Python."""
    day = _day(Source(3000.0, 41.3, 129.1, 10.0, 4.6))
    chosen = Settings()
    table = Table.of(day.arrivals, day.sites, chosen)
    search = Search.of(table, chosen)
    free = np.full(len(table.a), -1, np.int64)
    found = search.candidates(free)
    best = found[int(np.argmax(found[:, 4]))]
    assert best[4] == pytest.approx(
        max(_plain(best, mb, table, day.sites, chosen) for mb in stack.MB), abs=0.5
    )  # ellipticity and height are beside the stack
    assert abs(best[3] - (day.start + 3000 - table.zero)) < 20.0


def _plain(c: np.ndarray, mb: float, table: Table, sites: dict, chosen: Settings) -> float:
    """A candidate's weight at one magnitude, station by station."""
    law, total, root = Law.of(chosen), -math.log(10) * max(0.0, mb - 3), math.sqrt(2 * math.pi)
    lat, lon = float(geographic(math.degrees(c[0]))), math.degrees(c[1])
    for s, code in enumerate(table.network.codes):
        rows = table.a[table.first[s] : table.first[s + 1]]
        x = travel_time("P", lat, lon, c[2], sites[code])["distance_deg"]
        view = travel_time("P" if x <= 115 else "PKP", lat, lon, c[2], sites[code])
        if not len(rows) or x > 175.0:
            continue
        q = kernel.q_at(law.q, x, c[2])
        k = int(min(1200, max(0, ((mb - table.st[s, 0] - q) / law.sd + 6) * 100 + 0.5)))
        reach = 3.0 + 0.5 * chosen.step_deg * 111.195 * view["slowness_s_km"]
        blur = min(90.0, 0.4 * chosen.step_deg * 57.3 / max(chosen.step_deg, 57.3 * math.sin(x / 57.3)))
        most = 0.0
        for row in rows:
            away = (row[2] - view["backazimuth_deg"] + 180) % 360 - 180
            parts = [
                (away, math.hypot(row[3], blur), row[8]),
                (row[4] - view["slowness_s_km"], row[5], row[9]),
            ]
            parts = [p for p in parts if np.isfinite(p[0])]
            late = abs(row[0] - c[3] - view["time_s"]) >= reach + stack.BIN_S
            if late or any(abs(v) > 3 * e for v, e, _ in parts):
                continue
            w = -math.log(2 * reach) - row[7]
            w += sum(-0.5 * (v / e) ** 2 - math.log(e * root) - noise for v, e, noise in parts)
            if w <= -5:
                continue
            v = (row[6] + q - mb) / stack.MB_SD
            if np.isnan(v):
                w += law.found[k]
            elif abs(v) > 2.6:
                continue
            else:
                w += -0.5 * v * v - math.log(stack.MB_SD * root) - row[10]
            most = max(most, w - law.missed[k])
        total += law.missed[k] + most
    return total


@pytest.mark.soak
@pytest.mark.parametrize("settings", [PEER, DaySettings()])
def test_a_whole_day(settings: DaySettings) -> None:
    day = simulate(settings, seed=21)
    verdict = judge(day, associate(day.arrivals, day.sites))
    assert verdict.recall >= 0.9 and verdict.precision >= 0.9
    assert 0.8 <= verdict.in_ellipse <= 1.0

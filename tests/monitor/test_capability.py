"""The network's capability: published expectations, laws of the domain, and the commands."""

from __future__ import annotations

import json
from functools import lru_cache

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.cli import command_names, summary
from detente.cli._app import run
from detente.errors import DetenteError
from detente.monitor.capability import Model, Settings, capability_map
from detente.monitor.capability_check import areas, check
from detente.monitor.detection import at_least
from detente.monitor.magnitude_yield import magnitude_of_yield
from detente.monitor.stations import ims, network, silence

LOP_NOR = (41.6, 88.6)


@lru_cache(maxsize=1)
def primary() -> Model:
    return Model.build(network())


@lru_cache(maxsize=1)
def misses() -> dict[str, float]:
    return {c.id: c.miss for c in check(primary())}


def test_a_275_at_lop_nor_is_below_three_stations_and_above_makanchi_alone() -> None:
    makanchi = Model.build([s for s in ims() if s.code == "MKAR"])
    assert makanchi.magnitude(*LOP_NOR, 1) < 2.75 < primary().magnitude(*LOP_NOR, 3)


def test_500_tonnes_coupled_are_far_above_the_threshold() -> None:
    for place in (LOP_NOR, (73.4, 54.6), (41.3, 129.08), (49.9, 78.9)):
        assert magnitude_of_yield(0.5, small_slope=1.0) > primary().magnitude(*place, 3) + 0.8


def test_the_south_is_as_published_and_the_north_misses_by_as_much_as_the_page_says() -> None:
    """Kvaerna 2019: 3.1-3.4 north, 3.4-3.7 south, "for the hemisphere". Nothing here was tuned to it.

    The north is too optimistic: by 0.02 over the hemisphere, as printed, by 0.09 over its land alone.
    """
    assert misses()["south"] == misses()["south-all"] == 0
    assert misses()["north-all"] == pytest.approx(-0.02, abs=0.01)
    assert misses()["north"] == pytest.approx(-0.09, abs=0.01)


def test_the_misses_stay_as_reported() -> None:
    """docs/capability.md states them; a change of the model must change the page."""
    stated = {"north-all": -0.02, "south-all": 0.0, "north": -0.09, "south": 0.0}
    stated |= {"globe": -0.57, "dprk": -0.30, "dprk-monitor": -0.18}
    assert misses() == pytest.approx(stated, abs=0.02)


def test_stations_that_fail_at_random_raise_the_threshold_and_account_for_part_of_the_miss() -> None:
    often = Model.build(network(), Settings(available=0.95))
    found = {c.id: c.miss for c in check(often)}
    assert found["north-all"] == pytest.approx(0, abs=0.006) and found["north"] == pytest.approx(
        -0.07, abs=0.01
    )
    m = often.magnitude(*LOP_NOR, 3)
    assert m is not None and m > primary().magnitude(*LOP_NOR, 3)
    assert at_least(3, often.probabilities(*LOP_NOR, m)) == pytest.approx(0.9, abs=0.002)


def test_a_network_that_rarely_sends_never_reaches_the_wanted_chance() -> None:
    seldom = Model.build(network()[:3], Settings(available=0.5))
    assert seldom.magnitude(*LOP_NOR, 3) is None and seldom.magnitude(*LOP_NOR, 1) is None


def test_threshold_monitoring_lies_about_a_unit_below_detection() -> None:
    """norsar.no: the three-station detection threshold is about one magnitude above the monitoring limit."""
    from detente.monitor.capability_check import monitoring_limit

    gap = primary().magnitude(41.30, 129.08, 3) - monitoring_limit(primary(), "punggye-ri")
    assert 0.7 < gap < 1.3


@given(st.floats(-89, 89), st.floats(-180, 180), st.integers(0, 42))
@settings(max_examples=40, deadline=None)
def test_a_lost_station_never_helps(lat: float, lon: float, lost: int) -> None:
    fewer = Model.build([s for i, s in enumerate(network()) if i != lost])
    for k in (1, 2, 3):
        assert fewer.magnitude(lat, lon, k) >= primary().magnitude(lat, lon, k) - 0.001


@given(st.floats(-89, 89), st.floats(-180, 180))
@settings(max_examples=40, deadline=None)
def test_the_magnitude_found_has_the_wanted_probability(lat: float, lon: float) -> None:
    for k in (1, 2, 3):
        m = primary().magnitude(lat, lon, k)
        assert at_least(k, primary().probabilities(lat, lon, m)) == pytest.approx(0.9, abs=0.002)


def test_the_map_agrees_with_the_place_and_with_a_cluster() -> None:
    box = (30.0, 50.0, 70.0, 100.0)
    found = capability_map(primary(), region=box, step_deg=5.0)
    for i, lat in enumerate(found.lat):
        for j, lon in enumerate(found.lon):
            alone = [primary().magnitude(lat, lon, k) for k in (1, 2, 3)]
            np.testing.assert_array_equal(found.magnitude[:, i, j], alone)
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as own,
        distributed.Client(own) as client,
    ):
        shared = capability_map(primary(), region=box, step_deg=5.0, client=client)
    np.testing.assert_array_equal(shared.magnitude, found.magnitude)


def test_beyond_every_station_nothing_is_detected() -> None:
    alone = Model.build([s for s in ims() if s.code == "VNDA"])
    found = capability_map(alone, region=(60.0, 80.0, 0.0, 20.0), step_deg=10.0)
    assert np.isnan(found.magnitude).all() and areas(found)[0].seen == 0
    assert primary().magnitude(0, 0, 1) is not None and alone.magnitude(70, 10, 1) is None


def test_louder_criteria_raise_the_threshold_by_their_logarithm() -> None:
    strict = Model.build(network(), Settings(snr=7.0))
    assert strict.magnitude(*LOP_NOR, 3) - primary().magnitude(*LOP_NOR, 3) == pytest.approx(
        np.log10(2), abs=0.002
    )


def test_silent_china_changes_nothing_before_it_sends_and_something_after() -> None:
    planned = network(planned=True)
    with_china, without = Model.build(planned), Model.build(silence(planned, ["China"]))
    assert without.magnitude(*LOP_NOR, 3) > with_china.magnitude(*LOP_NOR, 3) + 0.02


def test_settings_and_regions_that_make_no_sense_are_refused() -> None:
    for bad in (
        {"snr": 0.0},
        {"probability": 1.0},
        {"signal_sd": -1.0},
        {"snr": float("nan")},
        {"available": 0.0},
    ):
        with pytest.raises(DetenteError):
            Settings(**bad)
    for region, step in (((10, 0, 0, 10), 1), ((0, 10, 0, 10), 0), ((0, 10, 0, 10), -1), ((-91, 0, 0, 1), 1)):
        with pytest.raises(DetenteError):
            capability_map(primary(), region=region, step_deg=step)
    with pytest.raises(DetenteError, match="no station listens"):
        Model.build([])


def _run(*arguments: str) -> int:
    return run(list(arguments), {n: summary(n) for n in command_names()})


def test_the_site_command_reports_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("site", "lop-nor", "--magnitude", "2.75", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["levels"][2]["magnitude"] == pytest.approx(2.90, abs=0.02)
    assert report["listeners"][0]["code"] == "MKAR"
    assert {t["coupling"] for t in report["levels"][0]["tonnes"]} >= {"coupled", "factor 70 by yield"}
    assert any("measured for minutes" in m for m in report["marks"]) and any(
        "recalled" in m for m in report["marks"]
    )


def test_the_capability_command_writes_a_figure_and_a_table(
    tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    png, csv = tmp_path / "map.png", tmp_path / "map.csv"
    flags = ("--region", "30,50,70,100", "--step", "2", "--figure", str(png), "--table", str(csv))
    assert _run("capability", *flags, "--without", "China") == 0
    assert png.read_bytes().startswith(b"\x89PNG") and png.stat().st_size > 20_000
    lines = csv.read_text().splitlines()
    assert len(lines) == 1 + 10 * 15 and lines[0].startswith("lat,lon,mb_k1")
    assert "north-land" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ("site", "atlantis"),
        ("site", "91,0"),
        ("site", "lop-nor", "--without", "Narnia"),
        ("site", "lop-nor", "--magnitude", "nan"),
        ("site", "lop-nor", "--rock", "cheese"),
        ("site", "lop-nor", "--stations", "nowhere.xml"),
        ("site", "lop-nor", "--network", "none"),
        ("capability", "--region", "1,2"),
        ("capability", "--step", "0"),
        ("capability", "--figure", "map.bmp", "--step", "30"),
        ("capability", "--law", "none", "--step", "30"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(*arguments) == 2
    told = capsys.readouterr()
    assert told.err.startswith("detente: ") and told.err.count("\n") == 1 and not told.out


def test_a_model_can_travel_to_a_worker() -> None:
    import pickle

    again = pickle.loads(pickle.dumps(primary()))
    assert msgspec.structs.asdict(again)["settings"] == primary().settings
    assert again.magnitude(*LOP_NOR, 3) == primary().magnitude(*LOP_NOR, 3)


def test_an_own_station_near_the_site_is_heard_first(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    from obspy.core.inventory import Inventory, Network, Station

    path, noise = tmp_path / "own.xml", tmp_path / "noise.csv"
    sites = [Station(f"OW{i}", 42.9 + 0.02 * i, 90.0, 900.0) for i in range(4)]
    Inventory([Network("XX", sites)], source="test").write(str(path), format="STATIONXML")
    noise.write_text("station,freq_hz,acc_db\nOWN,0.5,-160\nOWN,10,-160\n")
    flags = ("site", "lop-nor", "--stations", str(path), "--array", "OWN", "--noise", str(noise), "--json")
    assert _run(*flags) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["listeners"][0]["code"] == "OWN" and report["stations"] == 44
    assert report["levels"][0]["magnitude"] < primary().magnitude(*LOP_NOR, 1) - 0.3
    noise.write_text("station,freq_hz,acc_db\nNONE,0.5,-160\nNONE,10,-160\n")
    assert _run(*flags) == 2
    assert "noise for 'NONE'" in capsys.readouterr().err


def test_rounded_places_are_marked() -> None:
    assert any("HILR" in m and "rounded" in m for m in Model.build(network(planned=True)).marks)
    assert not any("rounded" in m for m in primary().marks)


def test_every_place_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("stations", "--network", "radionuclide", "--json") == 0
    places = json.loads(capsys.readouterr().out)
    assert len(places) == 80 and {p["quality"] for p in places} == {"text"}
    assert [p["treaty_code"] for p in places if p["lat"] is None] == ["RN35"]
    assert _run("stations", "--country", "Utopia") == 2

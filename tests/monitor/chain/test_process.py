"""The chain: relocation, later events, lone events, corrections and the file, on made arrivals and made records."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from detente.cli import _monitor_event as command
from detente.cli import _monitor_station_terms as terms_command
from detente.errors import DetenteError
from detente.monitor.bulletin.formats import write_as
from detente.monitor.bulletin.records import Arrival, Bulletin, Event, Origin, Used
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.after import later_events
from detente.monitor.chain.edit import Edit, apply, keep
from detente.monitor.chain.files import read_bulletin, write_bulletin
from detente.monitor.chain.listen import apart, heard
from detente.monitor.chain.lone import lone_events
from detente.monitor.chain.process import (
    Settings,
    changed,
    characterise,
    data_digest,
    digest,
    process,
    settings_of,
)
from detente.monitor.chain.refine import pick_sd, refine
from detente.monitor.character.near import stations
from detente.monitor.character.paths import path
from detente.monitor.character.station_terms import read_terms
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.network.locate import Settings as Locate
from detente.monitor.waves.response import Responses, flat
from detente.monitor.waves.trace import Array, Recording, Site, Trace
from tests.monitor.character import _scene as scene

RING = [(azimuth, 3.0 + 0.9 * i) for i, azimuth in enumerate((10, 60, 115, 170, 215, 265, 310, 340))]


def _picks(
    arrays: dict[str, Array], late: dict[str, float] | None = None, *, zero: float = scene.TIME
) -> list[Arrival]:
    """First P of an event at the scene's origin at every station, some of them late."""
    origin = Origin(id="o", time=zero, lat=scene.LAT, lon=scene.LON, time_sd=0.1)
    return [
        Arrival(
            id=f"{code}-{zero:.0f}", station=code, time=zero + path(origin, a).p_s + (late or {}).get(code, 0.0),
            time_sd=0.1, snr=60.0,
        )
        for code, a in arrays.items()
    ]  # fmt: skip


def _associated(picks: list[Arrival], lat: float, lon: float) -> Event:
    used = tuple(
        Used(arrival=a.id, station=a.station, phase="Pn", distance_deg=1.0, azimuth_deg=0.0) for a in picks
    )
    origin = Origin(id="a", time=scene.TIME + 5, lat=lat, lon=lon, time_sd=5.0, semi_major_km=100, used=used)
    return Event(id="e", origins=(origin,))


def _off(event: Event) -> float:
    o = event.origin
    return float(distance_azimuth(o.lat, o.lon, scene.LAT, scene.LON)[0]) * KM_PER_DEG


def test_two_wild_picks_of_eight_do_not_move_the_event():
    arrays = scene.stations(RING)
    picks = _picks(arrays, {"S2": 12.0, "S6": -9.0})
    found = refine(_associated(picks, 50.8, 79.2), {a.id: a for a in picks}, arrays, Locate())
    assert _off(found) < 5 and abs(found.origin.time - scene.TIME) < 1
    assert len(found.origins) == 2 and found.origin.why["that_agree"] == 6
    assert not {"S2", "S6"} & {u.station for u in found.origin.used if u.defining}


def test_a_strong_arrival_just_before_is_the_first_and_a_lost_one_is_recruited():
    arrays = scene.stations(RING)
    picks = _picks(arrays)
    second = msgspec.structs.replace(picks[1], id="S1-second", time=picks[1].time + 6)
    wrong = [second if a.station == "S1" else a for a in picks if a.station != "S3"]
    found = refine(_associated(wrong, 50.3, 78.5), {a.id: a for a in [*picks, second]}, arrays, Locate())
    assert _off(found) < 5
    defining = {u.arrival for u in found.origin.used if u.defining}
    assert picks[1].id in defining and picks[3].id in defining


def test_a_weak_pick_is_trusted_less():
    a = Arrival(id="a", station="S", time=0.0, time_sd=0.1, snr=10.0)
    assert pick_sd(a) == pytest.approx(np.hypot(0.1, 2.0))
    assert pick_sd(msgspec.structs.replace(a, snr=None)) > 4


def test_a_later_event_at_the_place_is_found_and_chance_is_not():
    arrays = scene.stations(RING)
    first = _associated(_picks(arrays), scene.LAT, scene.LON)
    first = msgspec.structs.replace(
        first,
        origins=(msgspec.structs.replace(first.origin, time=scene.TIME, semi_major_km=15, semi_minor_km=10),),
    )
    later = [a for a in _picks(arrays, zero=scene.TIME + 510) if a.station in ("S0", "S1", "S2", "S3")]
    both = later_events([first], [*_picks(arrays), *later], arrays)
    assert len(both) == 2
    assert both[1].origin.time == pytest.approx(scene.TIME + 510, abs=1)
    assert "borrowed" in both[1].origin.method and both[1].origin.semi_major_km == 35
    rng = np.random.default_rng(1)
    false = 0
    for _ in range(20):
        noise = [
            Arrival(
                id=f"n{i}",
                station=f"S{rng.integers(8)}",
                time=scene.TIME + 250 + 600 * rng.random(),
                time_sd=0.5,
                snr=9,
            )
            for i in range(16)
        ]
        false += len(later_events([first], noise, arrays)) - 1
    assert false <= 1


def test_an_event_that_one_station_saw_says_so():
    arrays = scene.stations(RING)
    alone = Arrival(id="x", station="S4", time=scene.TIME, time_sd=0.1, snr=50.0)
    [found] = lone_events([alone], [], arrays, least_snr=20)
    assert found.origin.semi_major_km == 2000 and "anywhere" in found.origin.method
    s = Arrival(id="y", station="S4", time=scene.TIME + 40, time_sd=0.5, snr=20.0, phase="S")
    turned = msgspec.structs.replace(alone, backazimuth_deg=90.0, backazimuth_sd_deg=10.0)
    [placed] = lone_events([turned, s], [], arrays, least_snr=20)
    degrees, azimuth, _ = distance_azimuth(
        arrays["S4"].lat, arrays["S4"].lon, placed.origin.lat, placed.origin.lon
    )
    assert float(azimuth) == pytest.approx(90, abs=3) and 2.5 < float(degrees) < 4.5
    assert lone_events([msgspec.structs.replace(alone, snr=5.0)], [], arrays, least_snr=20) == []
    nowhere = characterise([found], scene.Recording(()), arrays, scene.instruments({}), [alone])[0]
    assert nowhere.screening.verdict == "cannot be screened" and nowhere.magnitudes == ()


def test_an_array_alone_places_a_far_event_by_slowness():
    sites = tuple(scene.Site(f"E{i}", 62.5 + 0.02 * i, -114.6 + 0.05 * (i % 3)) for i in range(6))
    array = Array("YKA", sites)
    # Okhotsk, 14 August 2012: 305.6 degrees and 0.0646 s/km by ak135, 53 degrees away
    seen = Arrival(
        id="x", station="YKA", time=scene.TIME, time_sd=0.1, snr=300.0, backazimuth_deg=305.6,
        backazimuth_sd_deg=2.0, slowness_s_km=0.0646, slowness_sd_s_km=0.002,
    )  # fmt: skip
    [found] = lone_events([seen], [], {"YKA": array}, least_snr=20)
    off = float(distance_azimuth(found.origin.lat, found.origin.lon, 49.8, 145.06)[0])
    assert off < 10 and "slowness" in found.origin.method
    assert found.origin.semi_major_km > 300


def _bulletin(arrays: dict[str, Array], picks: list[Arrival]) -> tuple[Bulletin, scene.Recording]:
    found = refine(_associated(picks, 50.1, 78.1), {a.id: a for a in picks}, arrays, Locate())
    recording = scene.recording(scene.event(arrays), arrays, p=300, s=60, components="ZNE")
    events = characterise([found], recording, arrays, scene.instruments(arrays, "ZNE"), picks)
    return Bulletin(
        start=0.0, end=1.0, arrivals=tuple(picks), events=events, stations=tuple(arrays)
    ), recording


def test_an_analysts_change_moves_everything_and_is_kept(tmp_path: Path):
    arrays = scene.stations(RING)
    picks = _picks(arrays, {"S5": 2.5})
    made, recording = _bulletin(arrays, picks)
    event = made.events[0]
    told = {"event": "e", "who": "A. Nalyst", "when": 5.0, "reason": "late pick"}
    wanted = Edit(arrival=picks[5].id, time=picks[5].time - 2.5, **told)
    after, change = apply(made, wanted, recording, arrays, scene.instruments(arrays, "ZNE"))
    new = after.events[0]
    assert _off(new) < _off(event) and new.origin.by == "A. Nalyst"
    assert new.origins[1:] == event.origins and new.changes == (change,)
    assert change.before != change.after and change.reason == "late pick"
    moved = next(a for a in after.arrivals if a.id == picks[5].id)
    assert moved.by == "A. Nalyst" and moved.time == picks[5].time - 2.5
    assert {m.kind for m in new.magnitudes} == {
        m.kind for m in event.magnitudes
    } and new.screening is not None
    removed, _ = apply(
        made,
        Edit(arrival=picks[0].id, remove=True, **told),
        recording,
        arrays,
        scene.instruments(arrays, "ZNE"),
    )
    assert picks[0].id not in {u.arrival for u in removed.events[0].origin.used}
    deep, _ = apply(made, Edit(depth_km=30.0, **told), recording, arrays, scene.instruments(arrays, "ZNE"))
    assert deep.events[0].origin.depth_km == 30
    with Store(tmp_path / "b.sqlite") as store:
        store.put(made)
        keep(store, made, after, wanted)
        assert store.event("e").origin == new.origin
        assert {c.who for c in store.changes()} == {"A. Nalyst"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"event": "f", "arrival": "x"}, "no event"),
        ({"arrival": "x", "phase": "P"}, "no arrival"),
        ({"arrival": "S0-1500000000"}, "nothing to change"),
        ({"arrival": "S0-1500000000", "remove": True, "reason": " "}, "reason"),
    ],
)
def test_a_change_that_cannot_be_is_refused(wrong, says):
    arrays = scene.stations(RING)
    made, recording = _bulletin(arrays, _picks(arrays))
    told = {"event": "e", "who": "A", "when": 0.0, "reason": "r"} | wrong
    with pytest.raises(DetenteError, match=says):
        apply(made, Edit(**told), recording, arrays, scene.instruments(arrays, "ZNE"))


def test_the_same_input_gives_the_same_bulletin_and_its_file_comes_back(tmp_path: Path):
    arrays = scene.stations(RING)
    one, recording = _bulletin(arrays, _picks(arrays))
    two, _ = _bulletin(arrays, _picks(arrays))
    write_bulletin(tmp_path / "one.json", one)
    write_bulletin(tmp_path / "two.json", two)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert read_bulletin(tmp_path / "one.json") == one
    assert digest(Settings()) == digest(Settings()) != digest(Settings(prior=0.1))
    assert len(data_digest(recording)) == 64
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(DetenteError, match="not a bulletin"):
        read_bulletin(tmp_path / "bad.json")


def test_a_station_that_cannot_be_listened_to_is_a_fault():
    slow = Trace("XX", "SLOW", "", "LHZ", 1_700_000_000 * 10**9, 0.01, np.ones(500, np.float32))
    arrays = {"SLOW": Array("SLOW", (Site("SLOW", 40.0, 90.0),))}
    found = process(Recording((slow,)), arrays, Responses({}))
    assert not found.arrivals and not found.events
    assert any("SLOW" in fault and "no band" in fault for fault in found.faults)


@pytest.mark.parametrize(("elements", "stands"), [(1, 8), (2, 7)])
def test_an_array_of_which_few_elements_have_data_is_one_of_them(elements: int, stands: int):
    # ARCES in an archive that kept ARA0 alone: its arrivals bore a code without a place, and nothing went on
    scenes = scene.stations(RING[:2])
    first, last = scene.recording(scene.event(scenes), scenes).traces
    place = scenes.pop("S1").sites[0]
    sites = [Site(f"AR{k}", place.lat + 0.01 * k, place.lon, 0.0) for k in range(9)]
    of_array = [msgspec.structs.replace(last, station=f"AR{8 - k}") for k in range(elements)]
    arrays = {**scenes, "ARRAY": Array("ARRAY", tuple(sites))}
    found = process(Recording((first, *of_array)), arrays, Responses({}))
    assert {a.station for a in found.arrivals} == {"S0", "ARRAY"} and found.events
    assert heard(of_array, arrays["ARRAY"]).sites == (sites[stands],)


def test_the_elements_of_a_wide_array_are_stations():
    alone = scene.stations(RING[:3])
    traces = scene.recording(scene.event(alone), alone).traces
    wide = {"NET": Array("NET", tuple(a.sites[0] for a in alone.values()))}
    found = process(Recording(traces), wide, Responses({}))
    assert found.stations == tuple(alone) and {a.station for a in found.arrivals} == set(alone)
    assert apart(wide) == alone


def test_two_networks_of_one_code_are_two_stations():
    arrays = scene.stations(RING[:1])
    event = scene.event(arrays)
    own = scene.recording(event, arrays).traces[0]
    rival = msgspec.structs.replace(own, network="YY", samples=own.samples[::-1].copy())
    site = arrays["S0"].sites[0]
    both = {
        "S0": Array("S0", (msgspec.structs.replace(site, network="XX"),)),
        "YY.S0": Array("YY.S0", (msgspec.structs.replace(site, network="YY", lat=site.lat + 1),)),
    }
    seen = stations(event, Recording((own, rival)), both)
    assert {s.path.station: {t.network for t in s.traces} for s in seen} == {"S0": {"XX"}, "YY.S0": {"YY"}}


def test_a_wrong_unit_is_told_and_the_rest_goes_on():
    arrays = scene.stations(RING)
    recording, held = scene.recording(scene.event(arrays), arrays, p=300, s=60), scene.instruments(arrays)
    (name, (own,)), *_ = held.by_channel.items()
    mistold = flat(name, 1e-6, to="displacement")
    assert own.gain(1.0) == pytest.approx(1e-6 * mistold.gain(1.0))
    wrong = Responses(held.by_channel | {name: (mistold,)})
    before, after = (process(recording, arrays, r) for r in (held, wrong))
    (told,) = set(after.faults) - set(before.faults)
    assert name in told and "wrong unit or gain" in told
    assert {a.station for a in after.arrivals} == {a.station for a in before.arrivals}


def test_show_prints_every_reason(tmp_path: Path):
    arrays = scene.stations(RING)
    made, _ = _bulletin(arrays, _picks(arrays))
    write_bulletin(tmp_path / "bulletin.json", made)
    run = CliRunner()
    listed = run.invoke(command.app, ["show", str(tmp_path / "bulletin.json")])
    assert listed.exit_code == 0 and "explosion-like" in listed.output
    one = run.invoke(command.app, ["show", str(tmp_path / "bulletin.json"), "e"])
    for word in ("Pn", "mb(Pn)", "P/S", "coupled", "log10", "S3"):
        assert word in one.output
    as_json = run.invoke(command.app, ["show", str(tmp_path / "bulletin.json"), "e", "--json"])
    assert json.loads(as_json.output)["id"] == "e"
    for kind, magnitude in (("quakeml", "mb(Pn)"), ("ims1", "mbPn")):  # others' bulletins open too
        (path,) = write_as(made, kind, tmp_path)
        shown = run.invoke(command.app, ["show", str(path)])
        assert shown.exit_code == 0 and magnitude in shown.output and f"{len(RING)} stations" in shown.output


def test_station_terms_from_bulletins_go_back_into_magnitudes(tmp_path: Path):
    """S5 reads 0.5 high in every event: its term is found, taken off, told, and kept when an event is edited."""
    arrays = scene.stations(RING)
    wanted = scene.recording(scene.event(arrays), arrays, p=300, s=60)
    loud = tuple(
        msgspec.structs.replace(t, samples=t.samples * (10**0.5 if t.station == "S5" else 1.0))
        for t in wanted.traces
    )
    recording, instruments = Recording(loud), scene.instruments(arrays)
    picks = _picks(arrays)
    found = refine(_associated(picks, 50.1, 78.1), {a.id: a for a in picks}, arrays, Locate())
    files = []
    events = characterise([found], recording, arrays, instruments, picks)
    for k in range(6):
        files.append(tmp_path / f"{k}.json")
        write_bulletin(files[-1], Bulletin(start=0.0, end=1.0, arrivals=tuple(picks), events=events))
    run = CliRunner()
    told = run.invoke(terms_command.app, [*map(str, files), "--out", str(tmp_path / "terms.csv")])
    assert told.exit_code == 0, told.output
    terms = read_terms(tmp_path / "terms.csv")
    odd = next(t for t in terms if t.station == "S5" and t.kind == "mb(Pn)")
    values = {s.station: s.value for m in events[0].magnitudes if m.kind == "mb(Pn)" for s in m.stations}
    assert odd.term == pytest.approx(values["S5"] - np.mean(list(values.values())), rel=0.15)
    assert odd.readings == 6
    settings = Settings(terms=terms, prior=0.3)
    [before] = events
    [after] = characterise([found], recording, arrays, instruments, picks, settings=settings)
    by_kind = {m.kind: m for m in after.magnitudes}
    assert by_kind["mb(Pn)"].sd <= next(m.sd for m in before.magnitudes if m.kind == "mb(Pn)")
    assert "station terms taken off" in by_kind["mb(Pn)"].method
    made = Bulletin(start=0.0, end=1.0, arrivals=tuple(picks), events=(after,),
                    made_with={"settings_changed": changed(settings)})  # fmt: skip
    assert settings_of(made) == settings
    with pytest.raises(DetenteError, match="settings cannot be read"):
        settings_of(msgspec.structs.replace(made, made_with={"settings_changed": "{"}))
    (tmp_path / "empty.json").write_text('{"start": 0.0, "end": 1.0}')
    nothing = run.invoke(terms_command.app, [str(tmp_path / "empty.json")])
    assert isinstance(nothing.exception, DetenteError)


def test_sheets_draw(tmp_path: Path):
    from detente.monitor.sheets.day import write_day, write_health
    from detente.monitor.sheets.event import write_event_sheet

    arrays = scene.stations(RING)
    made, recording = _bulletin(arrays, _picks(arrays))
    paths = write_event_sheet(made, made.events[0], recording, arrays, tmp_path)
    assert {p.suffix for p in paths} == {".svg", ".png"} and all(p.stat().st_size > 20_000 for p in paths)
    assert write_day(made, tmp_path).is_file() and write_health(made, recording, arrays, tmp_path).is_file()


def test_a_station_beyond_a_scale_or_one_that_cannot_be_measured_costs_no_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrays = scene.stations([(10.0, 3.0), (120.0, 5.0), (200.0, 100.4)])  # mb's table ends at 100 degrees
    event = scene.event(arrays)
    recording = scene.recording(event, arrays)
    far = [s for s in stations(event, recording, arrays) if s.path.distance_deg > 100]
    assert len(far) == 1  # it has a P, and a record of it
    [one] = characterise([event], recording, arrays, scene.instruments(arrays), [])
    assert one.magnitudes and not any(m.kind == "mb" for m in (*one.magnitudes, *one.limits))

    def fails(*_: object, **__: object) -> Event:
        raise DetenteError("no such thing")

    monkeypatch.setattr("detente.monitor.chain.process.measure", fails)
    [two] = characterise([event], recording, arrays, scene.instruments(arrays), [])
    assert two.screening is not None and "could not be measured (no such thing)" in two.screening.why
    with pytest.raises(DetenteError, match="a prior of 1"):
        characterise([event], recording, arrays, {}, [], settings=Settings(prior=1.0))  # type: ignore[arg-type]

"""Event beams: what the predicted wave adds up to, what a wrong place loses, and the filter list."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from detente.cli.monitor import app
from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Bulletin, Event, Origin, Used
from detente.monitor.network.event_beams import event_beams
from detente.monitor.network.event_fk import fk_at
from detente.monitor.network.predict import predict
from detente.monitor.signals.phase_filters import filter_of, filters
from detente.monitor.signals.synthetic import rings
from detente.monitor.waves.trace import NS, Array, Recording, Site, Trace

RUN = CliRunner()
ORIGIN = Origin(id="o", time=1_600_000_000.0, lat=10.0, lon=60.0, time_sd=0.0, depth_km=10.0)
OFFSETS = rings()
ARRAY = Array("SYN", tuple(
    Site(f"E{i}", float(y) / 110.574, float(x) / 111.320) for i, (x, y) in enumerate(OFFSETS)))  # fmt: skip
RATE = 40.0


def made(noise: float, backazimuth: float | None = None) -> Recording:
    """Nine sensors with a 2 Hz P that crosses them as predicted, or from another side, delayed sample by sample."""
    (p,) = predict(ORIGIN, {"SYN": ARRAY}, ("P",))
    side = np.radians(p.backazimuth_deg if backazimuth is None else backazimuth)
    offsets = ARRAY.offsets_km()
    early = (offsets @ np.array([np.sin(side), np.cos(side)])) * p.slowness_s_km
    rng = np.random.default_rng(6)
    start = ORIGIN.time + np.floor(p.time - ORIGIN.time) - 90
    t = start + np.arange(round(180 * RATE)) / RATE
    traces = []
    for site, lead in zip(ARRAY.sites, early, strict=True):
        g = np.maximum(t - (p.time - lead), 0)
        x = 10 * np.sin(2 * np.pi * 2 * g) * np.exp(-g) + noise * rng.normal(size=t.size)
        traces.append(Trace("XX", site.code, "", "SHZ", round(start * NS), RATE, x.astype(np.float32)))
    return Recording(tuple(traces))


def test_a_predicted_wave_adds_up_and_noise_does_not() -> None:
    (quiet,) = event_beams(made(0.0), {"SYN": ARRAY}, ORIGIN, filters(), ("P",))
    alone = event_beams(Recording(made(0.0).traces[:1]), {"SYN": ARRAY}, ORIGIN, filters(), ("P",))
    assert quiet.sensors == 9 and alone[0].sensors == 1
    peak = np.abs(quiet.trace.samples).max()
    assert peak == pytest.approx(np.abs(alone[0].trace.samples).max(), rel=0.03)
    (noisy,) = event_beams(made(2.0), {"SYN": ARRAY}, ORIGIN, filters(), ("P",))
    assert noisy.snr is not None and noisy.single_snr is not None
    assert 2.2 < noisy.snr / noisy.single_snr < 3.8  # the root of nine, and scatter
    (wrong,) = event_beams(made(0.0, backazimuth=270.0), {"SYN": ARRAY}, ORIGIN, filters(), ("P",))
    assert np.abs(wrong.trace.samples).max() < 0.8 * peak


@pytest.mark.parametrize("side", [None, 200.0])
def test_fk_at_an_arrival_beside_what_is_predicted(side: float | None) -> None:
    """The wave from where the origin says, and from another side: the f-k finds where it comes from."""
    (p,) = predict(ORIGIN, {"SYN": ARRAY}, ("P",))
    used = Used(arrival="a", station="SYN", phase="P", distance_deg=60.0, azimuth_deg=0.0)
    event = Event(id="e", origins=(msgspec.structs.replace(ORIGIN, used=(used,)),))
    held = Bulletin(start=0, end=2e9, events=(event,),
                    arrivals=(Arrival(id="a", station="SYN", time=p.time, time_sd=0.1),))  # fmt: skip
    found = fk_at(held, event, "a", made(0.5, side), {"SYN": ARRAY})
    truth = p.backazimuth_deg if side is None else side
    assert abs((found.fk[0] - truth + 180) % 360 - 180) < 2.5 * found.fk[1] < 60
    assert found.fk[2] == pytest.approx(p.slowness_s_km, abs=2.5 * found.fk[3])
    assert found.predicted == p and found.seen.channels == 9 and not found.bias_known
    with pytest.raises(DetenteError, match="is not of e"):
        fk_at(held, event, "b", made(0.5), {"SYN": ARRAY})
    with pytest.raises(DetenteError, match="no array of three"):
        fk_at(held, event, "a", made(0.5), {"SYN": Array("SYN", ARRAY.sites[:1])})


def test_phases_that_do_not_come_and_stations_without_records_give_no_beam() -> None:
    assert event_beams(made(1.0), {"SYN": ARRAY}, ORIGIN, filters(), ("PKP",)) == ()
    late = msgspec.structs.replace(ORIGIN, time=ORIGIN.time + 9e5)
    assert event_beams(made(1.0), {"SYN": ARRAY}, late, filters(), ("P",)) == ()


def test_the_filter_list_is_a_table_that_an_analyst_may_replace(tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    head = "phase,low_hz,high_hz,poles,source,quality\n"
    mine.write_text(head + "P,1,3,3,GMS at MKAR,one_source\n")
    assert (filters(mine)["P"].low_hz, filters(mine)["P"].high_hz) == (1.0, 3.0)
    assert filters(mine)["Lg"] == filters()["Lg"]
    assert filters()["Lg"].within(6.0).high_hz == pytest.approx(2.7)
    with pytest.raises(DetenteError, match="samples a second"):
        filters()["Pn"].within(4.0)
    with pytest.raises(DetenteError, match="no filter for phase 'T'"):
        filter_of("T", filters())
    for line in ("P,3,1,3,x,assumed", "P,1,3,0,x,assumed", "P,,3,3,x,assumed", "P,1,3,3,x,nonsense"):
        mine.write_text(head + line + "\n")
        with pytest.raises(DetenteError, match=r"mine\.csv:2"):
            filters(mine)


def test_the_commands_predict_and_beam(tmp_path: Path) -> None:
    from detente.monitor.waves.miniseed import write_miniseed
    from detente.monitor.waves.read import read

    (tmp_path / "day.mseed").write_bytes(write_miniseed(made(2.0).traces))
    rows = ["station,lat,lon,elevation_m,array"] + [f"{s.code},{s.lat},{s.lon},0,SYN" for s in ARRAY.sites]
    (tmp_path / "places.csv").write_text("\n".join(rows) + "\n")
    at, places = "2020-09-13T12:26:40,10,60,10", ["--stations", str(tmp_path / "places.csv")]
    told = RUN.invoke(app, ["predict", "--at", at, *places, "--phases", "P,PcP", "--json"])
    assert told.exit_code == 0, told.output
    p = next(r for r in json.loads(told.stdout) if r["phase"] == "P")
    out, plot = tmp_path / "beams.mseed", tmp_path / "beams.png"
    done = RUN.invoke(app, ["beam", str(tmp_path / "day.mseed"), *places, "--at", at, "--phases", "P",
                            "--out", str(out), "--plot", str(plot), "--json"])  # fmt: skip
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)
    assert row["time"] == pytest.approx(p["time"]) and row["snr"] > 2 * row["single_snr"]
    (back,) = read([out]).traces
    strongest = back.start + np.abs(back.samples).argmax() / back.rate_hz
    assert abs(strongest - p["time"]) < 1.5 and back.location == "00"
    assert plot.read_bytes().startswith(b"\x89PNG")
    for args, words in (
        (["predict", "--at", "nonsense"], "no origin"),
        (["predict", "--at", at, "--phases", "XX"], "no travel times"),
        (["predict", "--at", str(tmp_path / "none.json") + "#e"], "cannot be read"),
    ):
        answer = RUN.invoke(app, args)
        assert isinstance(answer.exception, DetenteError) and words in str(answer.exception)


def test_accept_takes_the_fk_into_the_arrival_and_look_takes_nothing(tmp_path: Path) -> None:
    """One array alone: what the f-k says is where the event then lies; the wave comes from another side than told."""
    from detente.monitor.chain.files import inputs, read_bulletin, write_bulletin
    from detente.monitor.waves.miniseed import write_miniseed

    (p,) = predict(ORIGIN, {"SYN": ARRAY}, ("P",))
    side = (p.backazimuth_deg + 40) % 360
    (tmp_path / "day.mseed").write_bytes(write_miniseed(made(0.5, side).traces))
    rows = ["station,lat,lon,elevation_m,array"] + [f"{s.code},{s.lat},{s.lon},0,SYN" for s in ARRAY.sites]
    (tmp_path / "places.csv").write_text("\n".join(rows) + "\n")
    used = Used(arrival="a", station="SYN", phase="P", distance_deg=60.0, azimuth_deg=0.0)
    event = Event(id="e", origins=(msgspec.structs.replace(ORIGIN, used=(used,)),))
    arrival = Arrival(id="a", station="SYN", time=p.time, time_sd=0.1, phase="P", backazimuth_deg=p.backazimuth_deg,
                      backazimuth_sd_deg=10.0, slowness_s_km=p.slowness_s_km, slowness_sd_s_km=0.01)  # fmt: skip
    held = Bulletin(start=p.time - 90, end=p.time + 90, arrivals=(arrival,), events=(event,), stations=("SYN",),
                    made_with=inputs([tmp_path / "day.mseed"], [tmp_path / "places.csv"]))  # fmt: skip
    file = tmp_path / "bulletin.json"
    write_bulletin(file, held)
    before = file.read_bytes()
    args = ["accept", str(file), "--event", "e", "--arrival", "a"]
    looked = RUN.invoke(app, [*args, "--look", "--plot", str(tmp_path / "fk.png")])
    assert looked.exit_code == 0, looked.output
    assert "predicted" in looked.output and file.read_bytes() == before
    assert (tmp_path / "fk.png").read_bytes().startswith(b"\x89PNG")
    nameless = RUN.invoke(app, args)
    assert isinstance(nameless.exception, DetenteError) and "name or a reason" in str(nameless.exception)
    done = RUN.invoke(app, [*args, "--who", "A. Nalyst", "--reason", "its own window"])
    assert done.exit_code == 0, done.output
    after = read_bulletin(file)
    (taken,) = after.arrivals
    assert taken.by == "A. Nalyst" and taken.backazimuth_deg == pytest.approx(side, abs=8)
    seen = predict(after.events[0].origin, {"SYN": ARRAY}, ("P",))[0]
    assert abs((seen.backazimuth_deg - side + 180) % 360 - 180) < 10
    assert "f-k of arrival a" in after.events[0].changes[0].what

"""The watch leaves out what is masked as files do, and stands where its live elements stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from msgspec import structs

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Event
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.watch import Watch
from detente.monitor.waves.masks import Mask
from detente.monitor.waves.seedlink import unasked, wanted
from detente.monitor.waves.trace import Array, Site
from tests.monitor.chain._watched import ARRAYS, DELAY, SETTINGS, SOURCES, T0, associate, detect, traces
from tests.monitor.chain.test_watch import Clock, packets

pytest.importorskip("pymseed")


def test_a_masked_stretch_makes_no_arrival_and_no_gap(tmp_path: Path) -> None:
    onset = T0 + SOURCES[1] + DELAY["BBB"]
    mask = Mask(channel="XX.BBB..*", start=onset - 5, end=onset + 5, reason="hammering", who="me")
    with Store(tmp_path / "w") as store:
        w = Watch(store, ARRAYS, detect, associate, settings=SETTINGS, masks=[mask], clock=Clock())
        news = []
        for packet in packets(traces()):
            w.add(packet)
            news += w.step()
        news += w.step(flush=True)
        times = [(a.station, round(a.time - T0, 2)) for a in store.arrivals()]
        every = {(c, round(s + DELAY[c], 2)) for c in ARRAYS for s in SOURCES}
        assert set(times) == every - {("BBB", round(onset - T0, 2))} and len(times) == 14
        assert [round(e.origin.time - T0) for e in store.events()] == [round(s) for s in SOURCES]
        told = [(n.about, n.detail) for n in news if n.kind == "health"]
        assert told and all(about == "XX.BBB..BHZ" and "hammering (me)" in detail for about, detail in told)


def test_an_array_of_one_live_element_stands_where_that_does(tmp_path: Path) -> None:
    sites = (Site("AAA", 40.0, 130.0), Site("AAB", 40.3, 130.0), Site("AAC", 40.0, 130.4))
    arrays = {"ARR": Array("ARR", sites), **{c: ARRAYS[c] for c in ("BBB", "CCC")}}
    seen: list[Array] = []

    def listening(
        arrivals: Sequence[Arrival],
        known: Mapping[str, Array],
        listened: Mapping[str, float],
        before: Sequence[Event],
    ) -> Sequence[Event]:
        seen.append(known["ARR"])
        return associate([structs.replace(a, station=a.station.replace("ARR", "AAA")) for a in arrivals], known,
                         listened, before)  # fmt: skip

    with Store(tmp_path / "w") as store:
        w = Watch(store, arrays, detect, listening, settings=SETTINGS, clock=Clock())
        for packet in packets(traces()):
            w.add(packet)
        w.step(flush=True)
    assert seen and all(a.code == "ARR" and a.sites == sites[:1] for a in seen)


def test_places_without_a_network_are_told() -> None:
    bare = {"AAA": Array("AAA", (Site("AAA", 40.0, 130.0),))}
    with pytest.raises(DetenteError, match="no place tells its network"):
        wanted("host:18000", [], bare)
    both = bare | {"BBB": Array("BBB", (Site("BBB", 41.0, 130.0, 0.0, "XX"),))}
    assert wanted("host", [], both) == ("host", 18000, {"XX_BBB": ()})
    assert unasked([], both) == ("AAA",) and unasked(["XX_AAA"], both) == ()
    assert wanted("host", ["XX_AAA:BHZ"], bare)[2] == {"XX_AAA": ("BHZ",)}
    with pytest.raises(DetenteError, match="no station's place is known"):
        wanted("host", ["XX_QQQ"], both)

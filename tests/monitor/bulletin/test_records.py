"""A bulletin survives its JSON without loss."""

import msgspec

from detente.monitor.bulletin.records import Arrival, Bulletin, Event, Magnitude, Origin, Used


def test_a_bulletin_survives_json() -> None:
    arrival = Arrival(
        id="a1", station="MKAR", time=1.5e9, time_sd=0.4, phase="Pn", band_hz=(1.0, 3.0), why={"beam": "N12"}
    )
    used = Used(
        arrival="a1", station="MKAR", phase="Pn", distance_deg=6.6, azimuth_deg=320.0, time_residual_s=-0.3
    )
    origin = Origin(id="o1", time=1.5e9 - 100, lat=41.6, lon=88.7, time_sd=1.0, used=(used,))
    event = Event(id="e1", origins=(origin,), magnitudes=(Magnitude(kind="mb", value=4.5, sd=0.1),))
    bulletin = Bulletin(start=0.0, end=2e9, arrivals=(arrival,), events=(event,), stations=("MKAR",))
    assert msgspec.json.decode(msgspec.json.encode(bulletin), type=Bulletin) == bulletin
    assert bulletin.events[0].origin is origin

"""What the whole search may give: no two events of the same arrivals."""

from __future__ import annotations

from detente.monitor.bulletin.records import Event, Origin, Used
from detente.monitor.chain.find import apart


def _event(name: str, time: float, defining: str, others: str = "") -> Event:
    used = tuple(
        Used(arrival=a, station=a, phase="P", distance_deg=5.0, azimuth_deg=0.0, defining=d)
        for arrivals, d in ((defining, "T"), (others, "")) for a in arrivals
    )  # fmt: skip
    return Event(id=name, origins=(Origin(id=name, time=time, lat=0.0, lon=0.0, time_sd=1.0, used=used),))


def test_of_two_events_on_the_same_arrivals_the_larger_stays() -> None:
    large, same = _event("large", 100.0, "ABCDEFG"), _event("same", 90.0, "ABCDEX", "Y")
    assert [e.id for e in apart([same, large])] == ["large"]


def test_events_that_share_less_than_half_both_stay_in_order_of_time() -> None:
    large, other, bare = (
        _event("large", 100.0, "ABCDEFG"),
        _event("other", 90.0, "AXYZ"),
        _event("bare", 80.0, "", "A"),
    )
    assert [e.id for e in apart([large, other, bare])] == ["bare", "other", "large"]

"""The events section: what the signals of 22 June 2020 allow, and what the network could have seen there."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from detente.assess import rooms
from detente.brief.record import Door, Exhibit, Section, Table

if TYPE_CHECKING:
    from detente.monitor.capability import CapabilityMap

EVENT = "lop-nor-2020"
REGION = (25.0, 55.0, 60.0, 110.0)  # south, north, west, east: Central Asia


def events(day: date) -> Section | None:
    """The section; None before the day all of its evidence was public."""
    if not rooms.monitor_is_here():
        return Section(
            "events", "Was it a test?", "Install detente[monitor] to weigh the event of 22 June 2020.", (), ()
        )
    found = rooms.event(EVENT)
    if str(day) < found.event.known_from:  # the picks and the magnitude were not public yet
        return None
    report = found.report
    said = [s for s in report.statements if s.date <= str(day)]
    if not said:
        return None
    command = f"detente event {EVENT} --draws {rooms.EVENT_DRAWS} --seed {rooms.SEED}"
    statements = Table(
        "What was said, tested",
        ("who", "day", "statement", "answer", "numbers"),
        tuple((s.by, s.date, s.text, str(s.answer), s.numbers) for s in said),
        Door(
            "each statement against the evidence of the event file",
            command,
            tuple(dict.fromkeys(s.source for s in said)),
        ),
    )
    sources = Table(
        "What it could have been",
        ("source", "prior", "posterior", "yield, tonnes (90 %)", "P(over 100 t)", "P(over 500 t)"),
        tuple(
            (
                s.id.replace("-", " "), f"{s.prior:.2f}", f"{s.posterior:.2f}",
                f"{s.yield_t.mid:.3g} ({s.yield_t.low:.2g} to {s.yield_t.high:.2g})" if s.yield_t else "",
                "" if s.above_100 is None else f"{s.above_100:.2f}",
                "" if s.above_500 is None else f"{s.above_500:.2f}",
            )
            for s in report.sources
        ),
        Door(f"{report.draws} draws, seed {report.seed}; the priors are stated and can be changed", command),
    )  # fmt: skip
    map_command = f"detente capability --region {','.join(f'{x:g}' for x in REGION)} --figure map.png"
    exhibits = (
        Exhibit(
            "event-map",
            "Where the signals of 22 June 2020 came from, with error ellipses and the test areas",
            command,
        ),
        Exhibit("event-yield", "Yield by hypothesis, with the public statements marked", command),
        Exhibit(
            "capability",
            "Magnitude that three stations of the primary network detect with 90 %, and the same in tonnes",
            map_command,
        ),
        Exhibit(
            "hiding",
            "What could hide near Lop Nor: the largest yield below detection against the radius of a cavity",
            "detente hide --place lop-nor --figure hide.png",
        ),
    )
    return Section(
        "events",
        "22 June 2020 near Lop Nor",
        report.sentence,
        (sources, statements),
        exhibits,
        tuple(report.marks),
    )


def figures(names: Collection[str]) -> dict[str, Any]:
    """Those of the section's figures that are named."""
    if "event-map" not in names:
        return {}
    from detente.monitor.event_figures import event_map, hiding_figure, yield_figure
    from detente.monitor.hiding import thresholds_at
    from detente.monitor.maps import capability_figure

    found = rooms.event(EVENT)
    drawn = {
        "event-map": event_map(found),
        "event-yield": yield_figure(found),
        "capability": capability_figure(_capability(), rooms.network()),
        "hiding": hiding_figure(thresholds_at("lop-nor")),
    }
    return {name: figure for name, figure in drawn.items() if name in names}


@cache
def _capability() -> CapabilityMap:
    from detente.monitor.capability import capability_map

    return capability_map(rooms.network(), region=REGION)

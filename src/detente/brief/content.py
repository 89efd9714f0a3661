"""The content of the briefing: one record that the page, the terminal text and the JSON are made from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from detente.asof import AsOf
from detente.assess.compliance import exchanges, history
from detente.brief.claims import claims
from detente.brief.counts import count_disputes, points_of, status_disputes, unknowns
from detente.brief.events import events
from detente.brief.found import found
from detente.brief.held import Held
from detente.brief.law import headlines, law_row, notices, summary
from detente.brief.numbers import numbers
from detente.brief.record import LIVE, Brief
from detente.treaty import instrument_ids, load, resolve


def gather(day: date, bulletins: Sequence[Held] = ()) -> Brief:
    """The briefing as it could have been written on `day`: only what was published by then.

    `bulletins`: what was found in waveforms, besides; events after the day are left out.
    """
    filled = (numbers(day), events(day), *found(day, bulletins), claims(day))
    return msgspec.structs.replace(law_and_counts(day), sections=tuple(s for s in filled if s))


def law_and_counts(day: date) -> Brief:
    """The briefing without the sections that the other rooms fill."""
    clocks = AsOf.on(day, known=day)
    laws = [resolve(load(name), clocks) for name in instrument_ids()]
    new_start = next(law for law in laws if law.instrument.id == "new-start")
    past = [c for c in history(new_start.loaded, known=day) if c.as_of.facts <= day]
    declared = exchanges(past)
    points = points_of(declared)
    rows = tuple(
        sorted((law_row(law) for law in laws), key=lambda r: (r.state not in LIVE, r.topic, r.since))
    )
    return Brief(
        as_of=day,
        title="The state of strategic arms control",
        summary=summary(new_start, rows, day),
        headlines=tuple(headlines(new_start, rows, points)),
        law=rows,
        points=points,
        disputes=(*status_disputes(new_start, past), *count_disputes(new_start, declared)),
        unknowns=tuple(unknowns(new_start, points)),
        notices=tuple(notices(laws)),
    )

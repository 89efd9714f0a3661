"""What was found in waveforms: the events of bulletins somebody holds, and results on records nobody may package."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from detente.brief.held import Held, sheet, waves
from detente.brief.record import Door, Exhibit, Section, Table

if TYPE_CHECKING:
    from detente.monitor.bulletin.records import Event

SHOWN: Final = 6
"""So many events have a section of their own; the others stand in the table."""
PUBLIC_FROM: Final = date(2019, 1, 1)
"""The places and yields that the stored results are held against were in print by then (Yao and others 2018)."""
COMMAND: Final = "python -m bench real_table"
_COLUMNS: Final = (
    *("event", "off, km", "90 % ellipse, km", "mb on the IDC's scale", "IDC's mb", "verdict", "P(explosion)"),
    *("yield if coupled, kt (90 %)", "published, kt", "data"),
)
_FOUND: Final = (
    *(
        "time, UTC",
        "place",
        "90 % ellipse, km",
        "magnitude",
        "verdict",
        "P(explosion)",
        "yield if coupled, kt (90 %)",
    ),
)


def found(day: date, bulletins: Sequence[Held] = ()) -> tuple[Section, ...]:
    """The sections of a day: the events of the bulletins given up to then, and the stored results."""
    given = _given(_ordered(day, bulletins), bulletins) if bulletins else ()
    return (*given, *_stored(day))


def _ordered(day: date, bulletins: Sequence[Held]) -> list[tuple[Held, Event]]:
    """The events up to a day, the most telling first."""
    own = [(h, e) for h in bulletins for e in h.bulletin.events if when(e).date() <= day]
    return sorted(own, key=lambda x: -_weight(x[1]))


def when(event: Event) -> datetime:
    """The origin time."""
    return datetime.fromtimestamp(event.origin.time, UTC)


def reading(event: Event, seed: int = 1) -> str:
    """The event in one sentence of clauses: where, how large, what it may have been, its yield, the threshold."""
    from detente.monitor.character.magnitudes import body_wave
    from detente.monitor.sheets.style import kilotonnes, place_words

    o, mb, site = event.origin, body_wave(event), _site(event)
    clauses = [f"{when(event):%Y-%m-%d}, {place_words(o.lat, o.lon)}, at {when(event):%H:%M:%S} UTC"]
    if o.semi_major_km is None or o.semi_minor_km is None:
        clauses.append("no error ellipse")
    else:
        clauses.append(
            f"{100 * o.confidence:.0f} % within an ellipse of {o.semi_major_km:.0f} by {o.semi_minor_km:.0f} km"
        )
    if site:
        clauses.append(f"{site} lies within that ellipse")
    clauses.append(
        "no body-wave magnitude" if mb is None else f"magnitude {mb.kind} {mb.value:.2f} ± {mb.sd:.2f}"
    )
    clauses.append(verdict_words(event))
    coupled = next((y for y in event.yields if y.assumption == "coupled"), None)
    if coupled is not None:
        low, mid, high = (kilotonnes(v) for v in (coupled.low_kt, coupled.median_kt, coupled.high_kt))
        clauses.append(
            f"if it was a coupled explosion, its yield was {mid} kt ({low} to {high} kt with 90 %)"
        )
        clauses += _threshold_words(event, seed)
    return "; ".join(clauses) + "."


def verdict_words(event: Event) -> str:
    """The verdict with its probability, or that it cannot be screened."""
    s = event.screening
    if s is None or s.p_explosion is None:
        return "cannot be screened"
    return f"{s.verdict}, probability of an explosion {chance(s.p_explosion)} from a prior of {s.prior:g}"


def chance(p: float) -> str:
    """A probability to three digits that never says certain."""
    return "> 0.999" if p > 0.9995 else "< 0.001" if p < 0.0005 else f"{p:.3f}"


def _site(event: Event) -> str:
    """A known test site within the event's own ellipse, and within 100 km."""
    from detente.monitor.character.yields import UNKNOWN_ROCK, nearest_site

    site, km = nearest_site(event)
    return site.name if site is not UNKNOWN_ROCK and km <= (event.origin.semi_minor_km or 0.0) else ""


def _threshold_words(event: Event, seed: int) -> list[str]:
    from detente.monitor.sheets.threshold import p_above, threshold_applies

    bound = threshold_applies(event)
    p = None if bound is None else p_above(event, bound.kt, seed=seed)
    if bound is None or p is None:
        return []
    return [
        f"over the {bound.kt:g} kt of the {bound.treaty}, then {bound.state}, with a probability of {chance(p)}"
    ]


def _given(rows: Sequence[tuple[Held, Event]], bulletins: Sequence[Held]) -> tuple[Section, ...]:
    shown = rows[:SHOWN]
    files_ = " ".join(shlex.quote(h.path) for h in bulletins)
    table = Table(
        "Every event, the most telling first",
        _FOUND,
        tuple(_row(e) for _, e in rows),
        Door(
            "the chain from waveforms to a bulletin; each bulletin tells its settings and data by their digests",
            f"detente brief --bulletin {files_}",
        ),
    )
    lead = f"Events found in the waveforms of the bulletins given: {len(rows)}; shown in full: {len(shown)}."
    first = Section("found", "Found in the waveforms", lead, (table,) if rows else (), ())
    return (first, *(_one(i, h, e) for i, (h, e) in enumerate(shown, 1)))


def _weight(event: Event) -> float:
    """The most telling first: probability of an explosion, then size."""
    from detente.monitor.character.magnitudes import body_wave

    mb, s = body_wave(event), event.screening
    p = s.p_explosion if s is not None and s.p_explosion is not None else 0.2
    return round(p, 1) * 100 + (mb.value if mb else 0.0)


def _row(event: Event) -> tuple[str, ...]:
    from detente.monitor.character.magnitudes import body_wave
    from detente.monitor.sheets.style import kilotonnes, place_words

    o, mb, s = event.origin, body_wave(event), event.screening
    coupled = next((y for y in event.yields if y.assumption == "coupled"), None)
    return (
        f"{when(event):%Y-%m-%d %H:%M:%S}",
        place_words(o.lat, o.lon),
        "" if o.semi_major_km is None else f"{o.semi_major_km:.0f} × {o.semi_minor_km or 0:.0f}",
        "" if mb is None else f"{mb.kind} {mb.value:.2f} ± {mb.sd:.2f}",
        s.verdict if s else "cannot be screened",
        "" if s is None or s.p_explosion is None else chance(s.p_explosion),
        "" if coupled is None else f"{kilotonnes(coupled.median_kt)} ({kilotonnes(coupled.low_kt)} to"
        f" {kilotonnes(coupled.high_kt)})",
    )  # fmt: skip


def _one(number: int, one: Held, event: Event) -> Section:
    """An event's own section: the reading, the sheet, the evidence, how it was made, what analysts changed."""
    made = one.bulletin.made_with
    command = f"detente monitor show {shlex.quote(one.path)} {shlex.quote(event.id)} --out ."
    data, why = waves(one)
    missing = () if data is not None else (f"Waveforms not at hand: {why}", "Drawn from the bulletin alone")
    title = f"Event of {when(event):%Y-%m-%d}, {when(event):%H:%M:%S} UTC"
    door = Door(
        "settings and data by their SHA-256, as the bulletin holds them",
        command,
        (),
        tuple(f"{k}: {made[k]}" for k in ("program", "settings", "data", "seed") if k in made),
    )
    how = Table("How it was made", ("what", "value"), tuple(_how(made)), door)
    tables = (*_evidence(event, command), how, *_changes(event, command))
    exhibit = Exhibit(f"found-{number}", _alt(event), command)
    return Section(
        f"found-{number}", title, reading(event, int(made.get("seed", "1"))), tables, (exhibit,), missing
    )


def _alt(event: Event) -> str:
    return f"The sheet of the event of {when(event):%Y-%m-%d}: map, signals, magnitudes, evidence and yield"


def _how(made: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the bulletin tells of its making, row by row."""
    rows = [
        ("program", made.get("program", "").replace("detente ", "version ")),
        ("seed", made.get("seed", "")),
    ]
    rows[1:1] = [(k, f"SHA-256 {made[k]}") for k in ("settings", "data") if made.get(k)]
    return [r for r in rows if r[1]]


def _evidence(event: Event, command: str) -> tuple[Table, ...]:
    s = event.screening
    if s is None or not s.criteria:
        return ()
    rows = tuple((c.name, f"{c.log10_ratio:+.2f}", " ".join(c.stations)) for c in s.criteria)
    door = Door(
        "each criterion's log10 of the likelihood of an explosion over that of an earthquake", command
    )
    return (Table("The evidence", ("criterion", "log10 ratio", "stations"), rows, door),)


def _changes(event: Event, command: str) -> tuple[Table, ...]:
    if not event.changes:
        return ()
    rows = tuple(
        (
            f"{datetime.fromtimestamp(c.when, UTC):%Y-%m-%d %H:%M:%S}",
            c.who,
            c.what,
            c.before,
            c.after,
            c.reason,
        )
        for c in event.changes
    )
    columns = ("time, UTC", "who", "what", "before", "after", "reason")
    return (Table("What analysts changed", columns, rows, Door("the bulletin keeps every change", command)),)


def figures(bulletins: Sequence[Held], day: date, names: Collection[str]) -> dict[str, Any]:
    """The sheets that the sections of a day name."""
    if not bulletins or "found-1" not in names:
        return {}
    rows = _ordered(day, bulletins)[:SHOWN]
    return {f"found-{i}": sheet(h, e) for i, (h, e) in enumerate(rows, 1) if f"found-{i}" in names}


@cache
def stored() -> tuple[dict[str, str], ...]:
    """The rows of real_records.csv."""
    text = files("detente.brief").joinpath("real_records.csv").read_text("utf-8")
    return tuple(csv.DictReader(x for x in text.splitlines() if not x.startswith("#")))


def _stored(day: date) -> tuple[Section, ...]:
    """Results on real records, computed where the records are; None before what they are held against was public."""
    if day < PUBLIC_FROM:
        return ()
    rows = stored()
    tests = [r for r in rows if r["kind"] == "test"]
    found_ = sum(r["found"] == "yes" for r in tests)
    digests = dict.fromkeys(f"settings SHA-256 {r['settings']}" for r in rows)
    data = dict.fromkeys(f"{r['day']}: data SHA-256 {r['data']}" for r in rows)
    door = Door(
        "computed elsewhere: the records are open but may not be packaged; whoever holds them recomputes the table "
        "and compares the digests",
        COMMAND,
        (
            "places: Yao and others 2018, Seismological Research Letters",
            "mb of the IDC: NORSAR Scientific Report 2-2012, Table 6.1.1; arXiv:2111.02952",
            "records: networks IC, II, IU, G, KG, KS and JP, as distributed by EarthScope",
        ),
        (*digests, *data),
    )
    lead = (
        f"Nuclear tests of North Korea found in open seismic records with no hint of time or place: {found_} of"
        f" {len(tests)}. Computed elsewhere, from records that may not be packaged."
    )
    table = Table("Found against published", _COLUMNS, tuple(_stored_row(r) for r in rows), door)
    marks = (f"settings {rows[0]['settings'][:12]}, {rows[0]['program']}: all digests stand in brief.json",)
    return (Section("found-before", "Nuclear tests found in real records", lead, (table,), (), marks),)


def _stored_row(r: Mapping[str, str]) -> tuple[str, ...]:
    name = r["day"] if r["kind"] == "test" else f"{r['day']}, collapse after the test"
    if r["found"] != "yes":
        return (name, "not found", *[""] * (len(_COLUMNS) - 3), f"SHA-256 {r['data'][:12]}")
    holds = "holds the place" if r["inside"] == "yes" else "misses the place"
    published = f"{r['published_low_kt']} to {r['published_high_kt']}" if r["published_low_kt"] else ""
    return (
        name, r["off_km"], f"{r['major_km']} × {r['minor_km']}: {holds}",
        f"{r['mb_idc_scale']} ± {r['mb_sd']}" if r["mb_idc_scale"] else "not measured", r["idc_mb"], r["verdict"],
        chance(float(r["p_explosion"])) if r["p_explosion"] else "",
        f"{r['median_kt']} ({r['low_kt']} to {r['high_kt']})" if r["median_kt"] else "", published,
        f"SHA-256 {r['data'][:12]}",
    )  # fmt: skip

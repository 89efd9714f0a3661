"""The chain: a recording to a bulletin, each step's reasons kept, the same result every time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from detente import __version__
from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Bulletin, Event, Screening
from detente.monitor.chain.find import find_events
from detente.monitor.chain.hear import Heard, Tell, copies, hear
from detente.monitor.chain.hear import digest as outlined
from detente.monitor.chain.listen import apart
from detente.monitor.chain.sources import Held, Source, Windows
from detente.monitor.character.magnitudes import measure
from detente.monitor.character.screen import PRIOR, Neighbour, measured, screen
from detente.monitor.character.station_terms import Term
from detente.monitor.character.yields import estimate
from detente.monitor.network.associate import Settings as Associate
from detente.monitor.signals.settings import DetectSettings
from detente.monitor.traveltime import TravelTimes
from detente.monitor.waves.read import fold
from detente.monitor.waves.response import Responses
from detente.monitor.waves.trace import NS, Array, Fault, Recording

PLACE_KM = 500.0
"""An event whose ellipse is longer gets no magnitude: every scale needs the distance."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that shapes the result besides the data; its digest stands in the bulletin.

    `prior`: probability of an explosion before any record; `draws` and `seed` of the yields; `lone_snr`: least
    signal-to-noise ratio of an event that only one station saw; `terms`: station terms, taken off magnitudes.
    """

    detect: DetectSettings = DetectSettings()
    associate: Associate = Associate()
    prior: float = PRIOR
    draws: int = 20_000
    seed: int = 1
    lone_snr: float = 20.0
    terms: tuple[Term, ...] = ()


DEFAULT = Settings()


def process(
    recording: Recording,
    arrays: Mapping[str, Array],
    responses: Responses,
    *,
    settings: Settings = DEFAULT,
    inputs: Mapping[str, str] | None = None,
    tell: Tell | None = None,
) -> Bulletin:
    """Detect at each station, associate, locate, measure, screen and size: the bulletin of a recording.

    Parameters: `arrays`: places by station code; `responses` finds instruments; `inputs`: what to say the data
    were (kept in `made_with`). A channel without a place or a response is a fault, never the end.
    """
    start = min((t.start for t in recording.traces), default=0.0)
    end = max((t.end for t in recording.traces), default=0.0)
    made = run(Held(recording), arrays, responses, settings=settings, inputs=inputs, tell=tell)
    faults = (*(told(f) for f in recording.faults), *made.faults)
    made_with = {**made.made_with, "data": data_digest(recording), **(inputs or {})}
    return msgspec.structs.replace(made, start=start, end=end, faults=faults, made_with=made_with)


def run(
    source: Source,
    arrays: Mapping[str, Array],
    responses: Responses,
    *,
    settings: Settings = DEFAULT,
    inputs: Mapping[str, str] | None = None,
    tell: Tell | None = None,
    parts: Path | None = None,
) -> Bulletin:
    """As `process`, of records that need not be in memory: a station at a time, then what lies about each event.

    `parts`: a folder that keeps what each station gave, for a run that is cut off.
    """
    arrays = apart(arrays)
    stations, faults = hear(source, arrays, responses, settings.detect, tell=tell, parts=parts)
    used = {code: one.array for code, one in stations.items()}
    arrivals = in_order(stations.values())
    if tell:
        tell("associate", 0, 1)
    events = find_events(arrivals, used, settings.associate, lone_snr=settings.lone_snr)
    found = characterise(events, source, used, responses, arrivals, settings=settings, tell=tell)
    outlines = [t for one in stations.values() for t in one.traces]
    faults += () if source.compared else fold(copies(outlines))
    return Bulletin(
        start=min((o.start_ns / NS for o in outlines), default=0.0),
        end=max((o.start_ns / NS + o.size / o.rate_hz for o in outlines), default=0.0),
        arrivals=named(arrivals, found),
        events=found,
        stations=tuple(stations),
        faults=tuple(told(f) for f in faults),
        made_with={
            "program": f"detente {__version__}",
            "settings": digest(settings),
            "data": outlined(outlines),
            "seed": str(settings.seed),
            "settings_changed": changed(settings),
            **(inputs or {}),
        },
    )


def told(fault: Fault) -> str:
    """A fault as a bulletin says it."""
    return f"{fault.channel}: {fault.kind}: {fault.detail}"


def in_order(stations: Iterable[Heard]) -> list[Arrival]:
    """The arrivals of all stations in order of time."""
    return sorted((a for one in stations for a in one.arrivals), key=lambda a: (a.time, a.station, a.id))


def characterise(
    events: Sequence[Event],
    records: Recording | Source,
    arrays: Mapping[str, Array],
    responses: Responses,
    arrivals: Sequence[Arrival],
    *,
    settings: Settings = DEFAULT,
    tell: Tell | None = None,
    earlier: Sequence[Event] = (),
) -> tuple[Event, ...]:
    """Magnitudes, screening and yield of located events, in order of time: each may be the next one's measure.

    Each is measured on the records about it (`sources.Windows`), so that a day gives what a file of that hour gives.
    `earlier`: events before them that are screened already. Raises DetenteError for a prior outside 0 to 1.
    """
    if not 0 < settings.prior < 1:
        raise DetenteError(f"a prior of {settings.prior:g}", fix="give a probability between 0 and 1")
    found: list[Event] = []
    windows = Windows(Held(records) if isinstance(records, Recording) else records, arrays)
    neighbours = [
        Neighbour(e, measured(e, windows.about(e), arrays)) for e in earlier if e.screening is not None
    ]
    for i, event in enumerate(sorted(events, key=lambda e: (e.origin.time, e.id))):
        if tell:
            tell("characterise", i, len(events))
        if (event.origin.semi_major_km or 0.0) > PLACE_KM:
            found.append(msgspec.structs.replace(event, screening=_nowhere(event, settings.prior)))
            continue
        about = windows.about(event)
        try:
            one = measure(event, about, responses, arrays, terms=settings.terms)
            if len({u.station for u in event.origin.used}) < 2:
                found.append(msgspec.structs.replace(one, screening=_alone(settings.prior)))
                continue
            one = screen(
                one, about, arrays, arrivals=arrivals, prior=settings.prior, neighbours=neighbours[-5:]
            )
            one = estimate(one, draws=settings.draws, seed=settings.seed)
            neighbours.append(Neighbour(one, measured(one, about, arrays)))
        except DetenteError as bad:  # an event without a size is better than a day without events
            one = msgspec.structs.replace(event, screening=_unmeasured(bad, settings.prior))
        del about  # hundreds of channels: not two events' at once
        found.append(one)
    return tuple(found)


def _nowhere(event: Event, prior: float) -> Screening:
    km = event.origin.semi_major_km or 0.0
    why = f"cannot be screened: the place is known to {km:.0f} km only; magnitudes and P/S need the distance"
    return Screening(verdict="cannot be screened", p_explosion=None, prior=prior, why=why)


def _unmeasured(bad: DetenteError, prior: float) -> Screening:
    why = f"cannot be screened: it could not be measured ({bad})"
    return Screening(verdict="cannot be screened", p_explosion=None, prior=prior, why=why)


def _alone(prior: float) -> Screening:
    why = "cannot be screened: one station alone saw it, and its distance rests on that station's own reading"
    return Screening(verdict="cannot be screened", p_explosion=None, prior=prior, why=why)


def named(arrivals: Sequence[Arrival], events: Sequence[Event]) -> tuple[Arrival, ...]:
    """The arrivals with the phases that their events gave them."""
    phase = {u.arrival: u.phase for e in events for u in e.origin.used}
    return tuple(msgspec.structs.replace(a, phase=phase.get(a.id, a.phase)) for a in arrivals)


def digest(settings: Settings) -> str:
    """SHA-256 of the settings as JSON with sorted keys."""
    return hashlib.sha256(msgspec.json.encode(settings, order="deterministic")).hexdigest()


def changed(settings: Settings) -> str:
    """The settings that are not the usual ones, as JSON: what an analyst's change has to compute with."""
    told = {k: getattr(settings, k) for k in Settings.__struct_fields__}
    other = {k: v for k, v in told.items() if v != getattr(DEFAULT, k)}
    return msgspec.json.encode(other, order="deterministic").decode()


def settings_of(bulletin: Bulletin) -> Settings:
    """The settings that a bulletin was made with. Raises DetenteError where they cannot be read."""
    try:
        return msgspec.json.decode(bulletin.made_with.get("settings_changed", "{}"), type=Settings)
    except msgspec.MsgspecError as bad:
        raise DetenteError(f"the bulletin's settings cannot be read: {bad}") from None


def data_digest(recording: Recording) -> str:
    """SHA-256 over every trace's id, start, rate and samples."""
    total = hashlib.sha256()
    for t in recording.traces:
        total.update(f"{t.id} {t.start_ns} {t.rate_hz!r} {t.samples.size}\n".encode())
        total.update(t.samples.tobytes())
    return total.hexdigest()


def times(event: Event) -> TravelTimes:
    """The Earth model an event was located with."""
    return TravelTimes("iasp91" if event.origin.model == "iasp91" else "ak135")

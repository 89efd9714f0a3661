"""Questions to the monitoring: statements on an event, rival hypotheses, what the network can detect."""

from __future__ import annotations

from datetime import date

from detente.asof import parse_day
from detente.assess import rooms
from detente.assess.claims import words
from detente.assess.questions import (
    Answer,
    Capability,
    Detection,
    EventPair,
    EventStatement,
    Finding,
)
from detente.errors import DetenteError, nearest

_ABSENT = Finding(
    answer="open",
    text="The monitoring room is not installed.",
    changes=("pip install 'detente[monitor]'",),
)
_ANSWERS: dict[str, Answer] = {"compatible": "allowed", "incompatible": "no", "not testable": "open"}


def statement(q: EventStatement, day: date, known: date) -> Finding:
    """What the event room found about one statement."""
    early = _not_yet(q.event, known)
    if early:
        return early
    report = rooms.event(q.event).report
    said = {s.id: s for s in report.statements}
    if q.statement not in said:
        raise DetenteError(f"no statement '{q.statement}'", where=q.event, fix=nearest(q.statement, said))
    s = said[q.statement]
    return Finding(
        answer=_ANSWERS[s.answer],
        text=f"{s.numbers} ('{s.text}' is {s.answer} with the readings).",
        sources=(s.source, *_readings(q.event)),
        facts=(f"{q.event}/{s.id}",),
        command=_command(q.event),
        marks=tuple(report.marks),
        changes=_worth(q.event),
    )


def pair(q: EventPair, day: date, known: date) -> Finding:
    """One hypothesis against another, over all the assumptions tried."""
    from detente.monitor.statements import DECIDES

    early = _not_yet(q.event, known)
    if early:
        return early
    report = rooms.event(q.event).report
    pairs = {(p.first, p.second): p for p in report.pairs}
    found = pairs.get((q.first, q.second))
    turned = pairs.get((q.second, q.first))
    if found:
        factor, low, high, text = found.factor, found.low, found.high, found.words
    elif turned:
        factor, low, high, text = 1 / turned.factor, 1 / turned.high, 1 / turned.low, turned.words
    else:
        names = sorted({n for p in pairs for n in p})
        raise DetenteError(f"no pair {q.first}, {q.second}", where=q.event, fix=nearest(q.first, names))
    answer: Answer = "yes" if low >= DECIDES else "no" if high <= 1 / DECIDES else "open"
    prior = {s.id: s for s in report.sources}
    told = ", ".join(
        f"{n} {prior[n].prior:.2f} -> {prior[n].posterior:.2f}" for n in (q.first, q.second) if n in prior
    )
    return Finding(
        answer=answer,
        text=(
            f"The readings are {factor:.2g} times as probable under {q.first} as under {q.second} ({low:.2g} to "
            f"{high:.2g} by assumption): {text}. Prior -> posterior: {told}."
        ),
        margin=factor,
        unit=f"Bayes factor; {DECIDES:g} decides",
        sources=_readings(q.event),
        command=_command(q.event),
        marks=tuple(report.marks),
        changes=_worth(q.event),
    )


def _not_yet(name: str, known: date) -> Finding | None:
    """An open answer where the readings were not public yet, or cannot be weighed here."""
    if not rooms.monitor_is_here():
        return _ABSENT
    public = rooms.event_file(name).known_from
    if public and known < parse_day(public):
        return Finding(
            answer="open",
            text=f"The readings of {name} were not all public before {public}: nothing could be tested.",
            command=_command(name),
            changes=("publication of the readings",),
        )
    return None


def _command(name: str) -> str:
    return f"detente event {name} --draws {rooms.EVENT_DRAWS} --seed {rooms.SEED}"


def _readings(name: str) -> tuple[str, ...]:
    event = rooms.event(name).event
    return tuple(dict.fromkeys([s.source for s in event.signals] + [event.magnitude.source]))


def _worth(name: str) -> tuple[str, ...]:
    best = sorted(rooms.event(name).report.worth, key=lambda w: -w.bits)[:3]
    return tuple(f"{w.text} ({w.bits:.2f} of {w.before:.2f} bits)" for w in best)


def capability(q: Capability, day: date, known: date) -> Finding:
    """A yield against the network's threshold at a place, or where it is worst."""
    if not rooms.monitor_is_here():
        return _ABSENT
    low, high, magnitude, where, marks = _threshold(q)
    width = words().about if q.about else 0.0
    detected = q.tonnes * (1 + width) >= high
    hidden = q.tonnes * (1 + width) < low
    answer: Answer = (
        "open" if not (detected or hidden) else "yes" if detected == (q.says == "detected") else "no"
    )
    return Finding(
        answer=answer,
        text=(
            f"{q.tonnes:g} t ({q.coupling}): {where} the primary network needs mb {magnitude:.2f} for {q.stations} "
            f"stations at 90 %, that is {_t(low)} to {_t(high)} t by magnitude-yield law and slope."
        ),
        margin=q.tonnes / high if detected else q.tonnes / low,
        unit="times the threshold",
        command=(
            f"detente site {q.place}"
            if q.place != "world"
            else f"detente capability --step {rooms.WORLD_STEP_DEG:g}"
        ),
        marks=marks,
        changes=("stations that do not send", "another magnitude-yield law", "how well a cavity muffles"),
    )


def _t(tonnes: float) -> str:
    return f"{float(f'{tonnes:.2g}'):,.5g}".replace(",", " ")


def _threshold(q: Capability) -> tuple[float, float, float, str, tuple[str, ...]]:
    from detente.monitor.site import LAW_BY_PROVINCE, find_place, site_report
    from detente.monitor.tonnage import COUPLED, SEVENTY_BY_AMPLITUDE, SEVENTY_BY_YIELD, tonnes

    couplings = {c.name: c for c in (COUPLED, SEVENTY_BY_YIELD, SEVENTY_BY_AMPLITUDE)}
    model = rooms.network()
    if q.place == "world":
        magnitude = rooms.least_capable(q.stations)
        spans = [tonnes(magnitude, couplings[q.coupling], law) for law in LAW_BY_PROVINCE.values()]
        low, high = min(float(s[0]) for s in spans), max(float(s[1]) for s in spans)
        return low, high, magnitude, "where it is worst", model.marks
    report = site_report(model, find_place(q.place), (couplings[q.coupling],))
    level = next(v for v in report.levels if v.k == q.stations)
    if level.magnitude is None:
        raise DetenteError(f"{q.stations} stations never detect there", where=q.place)
    (span,) = level.tonnes
    return span.low_t, span.high_t, level.magnitude, f"at {report.place.name}", report.marks


def detection(q: Detection, day: date, known: date) -> Finding:
    """The chance that a magnitude is detected at a place."""
    if not rooms.monitor_is_here():
        return _ABSENT
    from detente.monitor.site import find_place, site_report

    report = site_report(rooms.network(), find_place(q.place), (), magnitude=q.magnitude)
    level = next(v for v in report.levels if v.k == q.stations)
    chance = level.probability or 0.0
    return Finding(
        answer="open",
        p=chance if q.says == "detected" else 1 - chance,
        text=(
            f"mb {q.magnitude:g} at {report.place.name}: at least {q.stations} primary stations detect it with a "
            f"chance of {100 * chance:.0f} %."
        ),
        command=f"detente site {q.place} --magnitude {q.magnitude:g}",
        marks=report.marks,
        changes=("which stations sent on the day", "the tie between local magnitude and mb"),
    )

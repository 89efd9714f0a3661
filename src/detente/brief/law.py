"""The law section: who is bound by what on the day, what is still notified, the first numbers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from detente.asof import AsOf, Duration
from detente.assess.compliance import declarations
from detente.brief.record import LIVE, Door, Headline, LawRow, Notice, Point
from detente.treaty import Law, resolve
from detente.treaty.explain import number
from detente.treaty.life import State
from detente.treaty.schema import Obligation


def law_row(law: Law) -> LawRow:
    """One instrument on the day."""
    i, status = law.instrument, law.status()
    first = next(iter(status.views.values()))
    views = (
        {}
        if status.state is not State.disputed
        else {k: f"{v.state} since {v.since}" for k, v in status.views.items()}
    )
    cited = {ref for s in i.life if s.id in first.by for ref in s.cite} or {r for s in i.life for r in s.cite}
    return LawRow(
        id=i.id,
        title=i.title,
        kind=i.kind.replace("_", " "),
        topic=i.topic,
        parties=i.parties,
        state=status.state,
        in_force=status.in_force,
        ever_in_force="entry_into_force" in law.events,
        since=str(first.since or ""),
        views=views,
        condition=next((v.condition for v in status.views.values() if v.condition), ""),
        summary=i.summary,
        door=Door(
            "status resolved from the dated statements of the parties",
            f"detente treaty {i.id} --as-of {law.as_of.law} --known {law.as_of.known}",
            tuple(i.sources[c].ref for c in sorted(cited)),
        ),
    )


def summary(law: Law, rows: tuple[LawRow, ...], day: date) -> str:
    """The day in two or three sentences."""
    live = [r for r in rows if r.in_force and {"US", "RU"} <= set(r.parties)]
    limits = [r for r in live if r.topic == "limits"]
    talk = [r for r in live if r.topic in ("notification", "communication")]
    status = law.status()
    if limits:
        names = ", ".join(r.title for r in limits)
        first = f"US and Russian strategic arms are limited by {names}."
    else:
        first = "No treaty in force limits the strategic arms of the United States and Russia."
    if status.state is State.disputed:
        first += " Whether New START is suspended is disputed between its parties."
    if law.status().state is State.expired:
        first += f" New START ended on {law.events['term_end']}; the last declared counts are older still."
    return f"{first} Still in force between them: {len(talk)} agreements on notification and communication."


def headlines(law: Law, rows: tuple[LawRow, ...], points: tuple[Point, ...]) -> Iterable[Headline]:
    """The numbers a reader sees first."""
    day = law.as_of.law
    between = [
        r for r in rows if r.topic == "limits" and r.kind == "treaty" and {"US", "RU"} <= set(r.parties)
    ]
    capped = [r for r in between if r.in_force]
    yield Headline(
        str(len(capped)),
        "treaties in force that limit US and Russian strategic arms"
        if len(capped) != 1
        else "treaty in force that limits US and Russian strategic arms",
        Door(
            "library instruments of topic 'limits' in force between the US and Russia",
            f"detente treaties --as-of {day} --known {day}",
            tuple(dict.fromkeys(s for r in between for s in r.door.sources[:1])),
        ),
    )
    end = law.events.get("term_end")
    if end:
        days = (day - end.earliest).days
        yield Headline(
            number(abs(days)),
            "days since New START ended" if days >= 0 else "days until New START ends",
            Door(
                "end of the term as extended (Art. XIV)",
                f"detente treaty new-start --as-of {day} --known {day}",
                _term_sources(law),
            ),
        )
    article = law.limit("II.1.b").article
    for party, who in (("US", "US"), ("RU", "Russian")):
        counted = [p for p in points if p.party == party and p.limit == "II.1.b" and p.count is not None]
        if counted:
            last = counted[-1]
            yield Headline(
                number(last.count or 0.0),
                f"{who} deployed warheads by treaty count, last given for {last.day}",
                Door(
                    f"the last declaration published by the day of this page, counted under {article}",
                    f"detente assess new-start --as-of {last.day} --known {day}",
                    _fact_sources(law, last),
                ),
            )


def _term_sources(law: Law) -> tuple[str, ...]:
    term = law.instrument.term  # the text itself comes first; what was written later may not have been known
    return tuple(law.instrument.sources[c].ref for c in term.cite[:1]) if term else ()


def _fact_sources(law: Law, point: Point) -> tuple[str, ...]:
    rows = declarations(resolve(law.loaded, AsOf.on(point.day, known=law.as_of.known)))
    return tuple(dict.fromkeys(i.source.ref for i in rows[point.party].items if i.kind == "declared_total"))


def notices(laws: list[Law]) -> Iterable[Notice]:
    """Duties to notify or talk that are alive on the day."""
    for law in laws:
        i = law.instrument
        if i.topic not in ("notification", "communication") or law.status().state not in LIVE:
            continue
        duties: Iterable[Obligation | None] = [o for o in law.obligations() if o.kind != "right"] or (None,)
        for o in duties:
            marks = ("recalled: not read in a source",) if o and o.quality.doubtful else ()
            yield Notice(
                instrument=i.title,
                parties=i.parties,
                duty=o.title if o else i.summary,
                deadline=deadline_words(o) if o else "at any time",
                article=o.article if o else "",
                marks=marks,
                door=Door(
                    "obligations of instruments in force on the day",
                    f"detente treaty {i.id} --as-of {law.as_of.law}",
                    tuple(i.sources[c].ref for c in (o.cite if o else tuple(i.sources)[:2])),
                ),
            )


def deadline_words(o: Obligation) -> str:
    """An obligation's deadline in words."""
    if o.before:
        return f"at least {Duration.parse(o.before)} before"
    if o.after:
        return f"within {Duration.parse(o.after)}"
    if o.quota:
        most = f"at most {o.quota.at_most}" if o.quota.at_most is not None else f"at least {o.quota.at_least}"
        return f"{most} in each {Duration.parse(o.quota.per)}"
    return f"every {Duration.parse(o.every.length)}" if o.every else "when it happens"

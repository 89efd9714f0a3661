"""What the records say: an act's states on both clocks, the quorum, and the law's duties that follow."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from detente.asof import AsOf
from detente.errors import DetenteError
from detente.exchange.expiry import lines_of
from detente.exchange.keys import Annex
from detente.exchange.node import Act, Node
from detente.exchange.policy import Policy, parse_policy
from detente.exchange.store import Store
from detente.treaty import duties, load, resolve
from detente.treaty.duty import Duty
from detente.treaty.events import Event
from detente.treaty.life import State
from detente.treaty.load import Loaded
from detente.treaty.obligations import event_types
from detente.treaty.proposals import load_proposal
from detente.treaty.resolve import Law


class Trace(msgspec.Struct, frozen=True):
    """An act's way: sent (sender's clock), witnessed, received (each recipient's clock), acknowledged."""

    act: str
    sent: str
    witnessed: str  # when the last needed witness cosigned; "" while the quorum is not met
    missing: tuple[str, ...]  # witnesses that have not cosigned a head with this act
    received: dict[str, str]
    acknowledged: dict[str, str]

    @property
    def state(self) -> str:
        """The furthest state reached by every recipient."""
        if self.received and set(self.received) <= set(self.acknowledged):
            return "acknowledged"
        if self.received and all(self.received.values()):
            return "received"
        return "witnessed" if self.witnessed else "sent"


def policy_text(annex: Annex, party: str, store: Store | None = None) -> str:
    """The tlog-policy for one party's log: every other party must have cosigned as a mirror.

    With a `store`, the keys that the parties' logs have named since count beside the annex's.
    """
    others = sorted(set(annex.parties) - {party})
    known = {p: lines_of(store, annex, p) if store else [annex.of(p)] for p in annex.parties}
    lines = [f"log {key}" for key in dict.fromkeys(k for line in known[party] for k in line.log)]
    for p in others:
        pairs = list(dict.fromkeys(line.mirror for line in known[p]))
        names = [p if not n else f"{p}-{n + 1}" for n in range(len(pairs))]
        for name, (first, second) in zip(names, pairs, strict=True):
            lines += [f"witness {name} {first}", f"witness {name}-pq {second}"]
            lines += [f"group {name}-{'both' if len(pairs) == 1 else 'pair'} all {name} {name}-pq"]
        if len(pairs) > 1:
            lines += [f"group {p}-both any {' '.join(f'{name}-pair' for name in names)}"]
    lines += (
        [f"group every all {' '.join(f'{p}-both' for p in others)}", "quorum every"]
        if others
        else ["quorum none"]
    )
    return "# treaty acts need every other party's mirror, with both algorithms\n" + "\n".join(lines) + "\n"


def policy(annex: Annex, party: str) -> Policy:
    """The policy of `policy_text`."""
    return parse_policy(policy_text(annex, party))


def utc(posix: int | None) -> str:
    """A POSIX time as a UTC text; empty for None."""
    return "" if posix is None else datetime.fromtimestamp(posix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def first_cosigned(node: Node, party: str, index: int) -> dict[str, int]:
    """When each other party first cosigned a head of `party`'s log that holds entry `index` (its clock)."""
    log = node.log_of(party)
    rows = node.store.all(
        "SELECT name, MIN(time) FROM cosignature WHERE log = ? AND size > ? GROUP BY name", (log.n, index)
    )
    names = {f"{k.origin}/mirror": p for p, k in node.annex.parties.items()}
    return {names[name]: int(at) for name, at in rows if name in names}


def trace(node: Node, act: Act) -> Trace:
    """The states of an act as far as this node can see them."""
    seen = first_cosigned(node, act.party, act.index)
    others = sorted(set(node.annex.parties) - {act.party})
    missing = tuple(p for p in others if p not in seen)
    acks: dict[str, str] = {}
    for ack in node.acts(act="ack", to=act.party):
        if any(r.leaf == act.leaf for r in ack.envelope.refs):
            acks.setdefault(ack.party, ack.envelope.at)
    readers = [p for p in act.envelope.to if p in node.annex.parties]
    return Trace(
        act.label,
        act.envelope.at,
        "" if missing or not others else utc(max(seen.values())),
        missing,
        {p: utc(seen.get(p)) for p in readers},
        acks,
    )


def received_at(node: Node, act: Act) -> datetime:
    """When the act counts as given: our own receipt where it is for us, else its last recipient's cosignature.

    A sender sees all of its recipients' cosignatures. A third party may learn them late, from a later head;
    what it then computes is an upper bound.
    """
    if act.party != node.party and node.party in act.envelope.to:
        return datetime.fromtimestamp(act.received, UTC)
    seen = first_cosigned(node, act.party, act.index)
    times = [seen[p] for p in act.envelope.to if p in seen]
    return datetime.fromtimestamp(max(times), UTC) if times else act.envelope.moment


def split_form(form: str) -> tuple[str, str]:
    """(instrument, event type) of a form ``new-start/launch_notice``."""
    instrument, _, word = form.rpartition("/")
    return instrument, word


def law_of(node: Node, instrument: str, day: datetime | None = None) -> Law:
    """An instrument of this node at a day (today): from its folder, or from the library."""
    moment = day or node.moment
    return resolve(_loaded(str(node.home), instrument), AsOf.on(moment.date(), known=moment.date()))


@cache
def _loaded(home: str, instrument: str) -> Loaded:
    own = Path(home) / "instruments" / f"{instrument}.yaml"
    if instrument == "exercise" and not own.exists():
        return load(Path(str(files("detente.exchange").joinpath("exercise.yaml"))))
    return load(own) if own.exists() else load_proposal(instrument)


def events_of(node: Node, law: Law) -> list[Event]:
    """The event log that the acts under an instrument make: what was given, and what it was about.

    Each notice is an event of its own type at the time its recipients had it; where it speaks of an event,
    that event stands beside it, so that a duty and its fulfilment meet.
    """
    triggers = {o.done_by: o.on for o in law.instrument.obligations if o.done_by and o.on}
    own = {w for w in triggers.values() if w in law.events}  # e.g. entry into force: the instrument knows
    found: list[Event] = []
    for act in node.acts(form=f"{law.instrument.id}/%"):
        if act.envelope.act not in ("notification", "declaration", "inspection"):
            continue
        word = split_form(act.envelope.form)[1]
        cause = triggers.get(word, "")
        about = f"{act.label}*" if cause and cause not in own and act.envelope.event else ""
        if about:
            found.append(Event(id=about, type=cause, at=act.envelope.event, by=act.party))
        at = received_at(node, act).isoformat()
        found.append(
            Event(
                id=act.label,
                type=word,
                at=at,
                by=act.party,
                of=about,
                period=act.envelope.text,
                source="node",
            )
        )
    known = event_types(law)
    return [e for e in found if e.type in known]


def dues(node: Node, instruments: Iterable[str] = (), now: datetime | None = None) -> list[tuple[str, Duty]]:
    """(instrument, duty) for every duty among the node's instruments, in the order they fall due."""
    moment = now or node.moment
    found = []
    for name in instruments or node.config.instruments:
        law = law_of(node, name, moment)
        found += [(name, d) for d in duties(law, events_of(node, law), moment)]
    return sorted(found, key=lambda pair: (pair[1].due or pair[1].arose, pair[1].obligation))


def law_findings(node: Node, form: str, event: str, now: datetime | None = None) -> tuple[str, ...]:
    """What the law says of giving a notice now: late, premature, not in force, not our treaty. Empty: fine.

    Raises DetenteError for a form that no instrument of this node knows.
    """
    from detente.asof import parse_moment
    from detente.treaty.duty import deadline

    moment = now or node.moment
    instrument, word = split_form(form)
    law = law_of(node, instrument, moment)
    types = event_types(law)
    if word not in types:
        from detente.errors import nearest

        raise DetenteError(f"{instrument} knows no '{word}'", fix=nearest(word, types))
    found = []
    if node.party not in law.instrument.parties:
        found.append(f"{node.party} is not a party to {instrument}")
    state = law.status(node.party).state
    if state not in (State.in_force, State.observed):
        found.append(f"{instrument} is {state}")
    for o in law.instrument.obligations:
        if o.done_by != word or not event or not o.on:
            continue
        about = parse_moment(event)
        due = deadline(o, about)
        mark = " (the deadline was not read in a source)" if o.quality.doubtful else ""
        if due is None:
            continue
        if moment > due and (o.before or o.after):
            found.append(f"this notice is late by {_words(moment - due)}: {o.article}{mark}")
        if o.after and moment < about:
            found.append(f"this notice is premature by {_words(about - moment)}: {o.article}{mark}")
    return tuple(found)


def _words(span: object) -> str:
    from datetime import timedelta

    assert isinstance(span, timedelta)
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h" + (f" {minutes} min" if minutes else "") if hours else f"{minutes} min"

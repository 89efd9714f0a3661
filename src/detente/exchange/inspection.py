"""Inspections: request, choice, escort report, findings, ambiguity, consultation, closure, each by its right party."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from detente.errors import DetenteError, nearest
from detente.exchange.node import Act, Node
from detente.exchange.records import events_of, law_of, split_form
from detente.treaty import duties
from detente.treaty.duty import DutyState
from detente.treaty.events import Event

# step -> (who may take it, the steps it may follow)
STEPS: dict[str, tuple[str, frozenset[str]]] = {
    "request": ("inspecting", frozenset()),
    "choice": ("either", frozenset({"request", "choice"})),
    "escort_report": ("inspected", frozenset({"choice"})),
    "findings": ("inspecting", frozenset({"escort_report"})),
    "ambiguity": ("inspecting", frozenset({"findings"})),
    "consultation": ("either", frozenset({"ambiguity", "consultation"})),
    "closure": ("inspecting", frozenset({"findings", "consultation"})),
}


class Inspection(msgspec.Struct, frozen=True):
    """One inspection as the logs tell it: its request's label, the two sides, and the steps so far."""

    id: str
    instrument: str
    quota: str
    inspecting: str
    inspected: str
    steps: tuple[tuple[str, str, str], ...]  # (step, act, party)
    faults: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        return self.steps[-1][0]

    @property
    def open(self) -> bool:
        return self.state != "closure"


def inspections(node: Node) -> list[Inspection]:
    """Every inspection that this node can see, in the order of request; wrong steps are listed as faults."""
    found: dict[str, Inspection] = {}
    leaves: dict[str, str] = {}
    acts = [a for a in node.acts(act="inspection") if node.readable(a)]
    for act in acts:
        instrument, word = split_form(act.envelope.form)
        if word in STEPS or len(act.envelope.to) != 1:
            continue
        leaves[act.leaf] = act.label
        found[act.label] = Inspection(
            act.label, instrument, word, act.party, act.envelope.to[0], (("request", act.label, act.party),)
        )
    waiting = [a for a in acts if split_form(a.envelope.form)[1] in STEPS]
    while waiting:  # an answer may be mirrored before what it answers
        later = []
        for act in waiting:
            label = next((leaves[r.leaf] for r in act.envelope.refs if r.leaf in leaves), "")
            if not label:
                continue
            before = found[label]
            wrong = _wrong(before, act.party, split_form(act.envelope.form)[1])
            if wrong and any(a is not act for a in waiting) and act not in later:
                later.append(act)
                continue
            found[label] = _with(before, act, wrong)
        if len(later) == len(waiting):
            for act in later:
                label = next(leaves[r.leaf] for r in act.envelope.refs if r.leaf in leaves)
                word = split_form(act.envelope.form)[1]
                found[label] = _with(found[label], act, _wrong(found[label], act.party, word))
            break
        waiting = later
    return list(found.values())


def _with(before: Inspection, act: Act, wrong: str) -> Inspection:
    if wrong:
        return msgspec.structs.replace(before, faults=(*before.faults, f"{act.label}: {wrong}"))
    word = split_form(act.envelope.form)[1]
    return msgspec.structs.replace(before, steps=(*before.steps, (word, act.label, act.party)))


def _wrong(i: Inspection, party: str, step: str) -> str:
    """Why `party` may not take `step` now; empty where it may."""
    who, after = STEPS[step]
    sides = {
        "inspecting": (i.inspecting,),
        "inspected": (i.inspected,),
        "either": (i.inspecting, i.inspected),
    }
    if party not in sides[who]:
        return f"{step} is the {who} party's to give"
    if i.state not in after:
        return f"{step} cannot follow {i.state}"
    return ""


def request(
    node: Node,
    instrument: str,
    quota: str,
    party: str,
    body: dict[str, Any],
    officers: tuple[str, str],
    *,
    even_so: bool = False,
) -> Act:
    """Request an inspection of `party` under a quota (an event type, e.g. ``inspection_type_one``).

    Raises DetenteError where the quota of the treaty year is used up, another is under way, or the law of
    the day gives no right to inspect.
    """
    problems = right_to_inspect(node, instrument, quota)
    if any(i.open and {i.inspecting, i.inspected} == {node.party, party} for i in inspections(node)):
        problems = (*problems, f"another inspection between {node.party} and {party} is under way")
    if problems and not even_so:
        raise DetenteError(
            "; ".join(problems), where=f"{instrument}/{quota}", fix="wait, or ask in the commission"
        )
    return node.publish("inspection", f"{instrument}/{quota}", [party], body, officers=officers)


def right_to_inspect(node: Node, instrument: str, quota: str) -> tuple[str, ...]:
    """What the law says against one more inspection of this kind by us now; empty where nothing."""
    law = law_of(node, instrument)
    quotas = {o.quota.event: o for o in law.instrument.obligations if o.quota}
    if quota not in quotas:
        raise DetenteError(f"{instrument} has no quota '{quota}'", fix=nearest(quota, quotas))
    now = node.moment
    log = [*events_of(node, law), Event(id="new", type=quota, at=now.isoformat(), by=node.party)]
    mine = [
        d for d in duties(law, log, now)
        if d.obligation == quotas[quota].id and d.party == node.party and "new" in d.done
    ]  # fmt: skip
    if not mine:
        return (f"{instrument} gives {node.party} no right to this inspection today",)
    return tuple(f"quota: {d.detail} in {d.trigger}" for d in mine if d.state is DutyState.breached) + tuple(
        f"{instrument} is {d.state} today"
        for d in mine
        if d.state in (DutyState.suspended, DutyState.disputed)
    )


def step(
    node: Node,
    inspection: str,
    word: str,
    body: dict[str, Any],
    officers: tuple[str, str],
    *,
    also: Sequence[str] = (),
) -> Act:
    """Take the next step of an inspection. Raises DetenteError where it is not ours, or not its turn.

    A ``choice`` carries the terms and records of a joint pick; both sides derive the slots from them, so the
    body is checked by settling it here.
    """
    known = {i.id: i for i in inspections(node)}
    if inspection not in known:
        raise DetenteError(f"no inspection '{inspection}'", fix=nearest(inspection, known))
    if word not in STEPS or word == "request":
        raise DetenteError(f"no step '{word}'", fix=nearest(word, [s for s in STEPS if s != "request"]))
    i = known[inspection]
    wrong = _wrong(i, node.party, word)
    if wrong:
        raise DetenteError(wrong, where=inspection)
    if word == "choice":
        check_choice(body, where=inspection)
    other = i.inspected if node.party == i.inspecting else i.inspecting
    last = node.find(i.steps[-1][1])
    refs = tuple(dict.fromkeys((node.find(inspection).ref, last.ref)))
    return node.publish(
        "inspection", f"{i.instrument}/{word}", [other, *also], body, officers=officers, refs=refs
    )


def check_choice(body: dict[str, Any], *, where: str = "choice") -> None:
    """Does the body of a choice name slots that follow from its joint pick? Raises DetenteError otherwise."""
    try:
        from detente.disclosure import pick, pick_terms
    except ImportError:
        raise DetenteError("the joint pick is not available here", where=where) from None
    try:
        terms = msgspec.convert(body.get("terms"), pick_terms.Terms)
        records = msgspec.convert(body.get("records"), list[pick_terms.Record])
    except msgspec.ValidationError as bad:
        raise DetenteError(
            f"a choice carries the terms and records of a joint pick: {bad}", where=where
        ) from None
    settled = pick.settle(terms, records)
    if not settled.settled:
        raise DetenteError(f"the pick is not settled: {', '.join(settled.missing)}", where=where)
    if body.get("seed") != settled.seed:
        raise DetenteError(
            "the seed does not follow from the records", where=where, fix=f"it is {settled.seed}"
        )

"""Notifications: draft, check, second signature, sent; and the same check again by whoever receives them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec

from detente.errors import DetenteError
from detente.exchange.declaration import (
    Change,
    Declaration,
    Difference,
    contradictions,
    diff,
    parse_changes,
    parse_declaration,
)
from detente.exchange.forms import check_form, form_of
from detente.exchange.node import Act, Node
from detente.exchange.records import law_findings, law_of, split_form


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    """A notice before it is sent. `findings`: what the law says of it, when last checked."""

    id: str
    act: str
    form: str
    to: tuple[str, ...]
    body: Any
    event: str
    refs: tuple[str, ...]
    drafted_by: str
    drafted_at: str
    period: str = ""
    findings: tuple[str, ...] = ()
    sent: str = ""


def draft(
    node: Node,
    form: str,
    to: Sequence[str],
    body: Any,
    officer: str,
    *,
    event: str = "",
    act: str = "notification",
    refs: tuple[str, ...] = (),
    period: str = "",
) -> Draft:
    """Check a notice against its form and the law, and keep it for the second officer.

    Raises DetenteError for a wrong form; what the law says (late, premature, not in force) is in `findings`.
    """
    from detente.asof import parse_moment
    from detente.exchange.envelope import stamp
    from detente.exchange.records import utc

    node.keys.officer(officer)
    for p in to:
        node.annex.of(p)
    if not to:
        raise DetenteError("a notice needs a recipient", where=form, fix="give --to PARTY")
    moment = stamp(parse_moment(event)) if event else ""
    findings = check(node, form, body, moment, act=act)
    made = Draft(
        secrets.token_hex(16), act, form, tuple(sorted(to)), body, moment, refs, officer,
        utc(int(node.clock())), period, findings,
    )  # fmt: skip
    _keep(node, made)
    return made


def check(node: Node, form: str, body: Any, event: str, *, act: str = "notification") -> tuple[str, ...]:
    """The law's findings on a notice now. Raises DetenteError where its form is wrong."""
    if act == "declaration":
        declared = parse_declaration(body, where=form)
        if declared.party != node.party:
            raise DetenteError(f"a declaration of {declared.party}", where=form, fix="declare your own items")
        findings = law_findings(node, form, event)
        return (*findings, *against_books(node, declared))
    findings = law_findings(node, form, event)  # first, for a mistyped form is not a wrong content
    check_form(form, body, event, where=form)
    return findings


def sign(node: Node, identity: str, officer: str, *, even_so: bool = False) -> Act:
    """The second signature: the notice is checked again, logged, and on its way.

    Raises DetenteError for the first officer, an unknown draft, or findings that nobody has accepted.
    """
    found = load_draft(node, identity)
    if found.sent:
        return node.find(found.sent)
    if officer == found.drafted_by:
        raise DetenteError(
            "the second signature is another officer's", where=identity, fix="two persons sign"
        )
    findings = check(node, found.form, found.body, found.event, act=found.act)
    if findings and not even_so:
        raise DetenteError("; ".join(findings), where=found.form, fix="send it --even-so, or correct it")
    act = node.publish(
        found.act,
        found.form,
        found.to,
        found.body,
        officers=(found.drafted_by, officer),
        event=found.event,
        refs=tuple(node.find(r).ref for r in found.refs),
        text=found.period,
        identity=found.id,
    )
    found.sent, found.findings = act.label, findings
    _keep(node, found)
    return act


def load_draft(node: Node, identity: str) -> Draft:
    """A draft by the start of its id. Raises DetenteError where none or several match."""
    rows = node.store.all("SELECT data FROM draft WHERE id LIKE ?", (f"{identity}%",))
    if len(rows) != 1 or not identity.isalnum():
        raise DetenteError(f"{len(rows)} drafts match '{identity}'", fix="see 'detente node status'")
    return msgspec.json.decode(bytes(rows[0][0]), type=Draft)


def open_drafts(node: Node) -> list[Draft]:
    """Drafts that wait for their second signature."""
    rows = node.store.all("SELECT data FROM draft ORDER BY id")
    return [d for d in (msgspec.json.decode(bytes(r[0]), type=Draft) for r in rows) if not d.sent]


def _keep(node: Node, made: Draft) -> None:
    with node.store.write():
        node.store.run(
            "INSERT INTO draft (id, data) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data",
            (made.id, msgspec.json.encode(made)),
        )


def acknowledge(node: Node, act: Act) -> Act:
    """Acknowledge an act of another party: receipt and form, not agreement. Repeated, it is the same ack."""
    import hashlib

    if act.party == node.party:
        raise DetenteError("one does not acknowledge one's own act", where=act.label)
    fault = fault_of(node, act)
    identity = hashlib.sha256(f"ack {act.leaf}".encode()).hexdigest()[:32]
    body = {"form": act.envelope.form, "fault": fault}
    return node.publish("ack", "ack", [act.party], body, refs=(act.ref,), identity=identity)


def fault_of(node: Node, act: Act) -> str:
    """What is wrong with a received act, in one line; empty where nothing is."""
    if act.fault:
        return act.fault
    try:
        body = node.body(act)
        if act.envelope.act == "declaration":
            declared = parse_declaration(body, where=act.label)
            if declared.party != act.party:
                return f"a declaration of {declared.party}"
        elif act.envelope.act == "notification":
            check_form(act.envelope.form, body, act.envelope.event, where=act.label)
        elif act.envelope.act == "commitment":
            from detente.exchange.commitments import commitment_fault

            return commitment_fault(node, act)
    except DetenteError as bad:
        return str(bad)
    return ""


def declarations(node: Node, party: str, instrument: str) -> list[tuple[Act, Declaration]]:
    """A party's declarations under an instrument in the order it made them; unreadable ones are left out."""
    found = [
        (act, parse_declaration(node.body(act), where=act.label))
        for act in node.acts(act="declaration", party=party, form=f"{instrument}/%")
        if node.readable(act) and not fault_of(node, act)
    ]
    return sorted(found, key=lambda pair: pair[0].index)


def notified_changes(
    node: Node, party: str, instrument: str, after: int, before: int | None = None
) -> list[Change]:
    """The changes that a party notified between two places of its log."""
    found: list[Change] = []
    for act in sorted(
        node.acts(act="notification", party=party, form=f"{instrument}/%"), key=lambda a: a.index
    ):
        if (
            act.index > after
            and (before is None or act.index < before)
            and node.readable(act)
            and not fault_of(node, act)
        ):
            fields = form_of(act.envelope.form).fields
            body = node.body(act)
            for name, field in fields.items():
                if field.kind == "changes" and name in body:
                    found += parse_changes(body[name])
    return found


def against_books(node: Node, declared: Declaration) -> tuple[str, ...]:
    """Where a new declaration of ours contradicts the law or our last one and what we notified since."""
    earlier = declarations(node, node.party, declared.instrument)
    last = earlier[-1] if earlier else None
    changes = notified_changes(node, node.party, declared.instrument, last[0].index) if last else []
    law = law_of(node, declared.instrument)
    return contradictions(law, declared, last[1] if last else None, changes)


def balance(node: Node, party: str, instrument: str) -> list[tuple[str, tuple[str, ...]]]:
    """Every exchange of a party with its imbalances against the one before and the changes notified between."""
    rows = []
    law = law_of(node, instrument)
    last: tuple[Act, Declaration] | None = None
    for act, declared in declarations(node, party, instrument):
        changes = notified_changes(node, party, instrument, last[0].index, act.index) if last else []
        rows.append((act.label, contradictions(law, declared, last[1] if last else None, changes)))
        last = (act, declared)
    return rows


def differences(node: Node, party: str, instrument: str) -> list[tuple[str, tuple[Difference, ...]]]:
    """What changed in each of a party's declarations against the one before."""
    held = declarations(node, party, instrument)
    return [(act.label, diff(before, after)) for (_, before), (act, after) in pairwise(held)]


def instrument_of(act: Act) -> str:
    """The instrument that an act is under."""
    return split_form(act.envelope.form)[0]

"""Explaining: a verdict as a tree, one node per provision, down to the facts it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import msgspec

from detente.draws import Draws
from detente.inventory import Inventory, Item
from detente.treaty.compile import declared_totals, rules_for
from detente.treaty.count import Share, shares
from detente.treaty.judge import judge_limit
from detente.treaty.resolve import Law
from detente.treaty.schema import CountingRule, Limit
from detente.treaty.schema import Reading as ReadingRule
from detente.verdict import Verdict


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of a reasoning: what was decided, under which article, from which facts, and why.

    `provision`: ``section/id``. `value`: the number found here. `branch`: the way taken. `overridden`: what an
    exception set aside, with its reason. `facts`: inventory row ids. `source`: where the provision was read.
    """

    text: str
    provision: str = ""
    article: str = ""
    value: str = ""
    branch: str = ""
    overridden: str = ""
    facts: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()


def explain(law: Law, limit_id: str, party: str, given: Inventory | Draws) -> Node:
    """Why the verdict on one limit for one party is what it is. Raises DetenteError for an unknown limit."""
    limit = law.limit(limit_id)
    verdict = judge_limit(law, limit, party, given)
    rows = given.inventory if isinstance(given, Draws) else given
    children = [_status_node(law, party), _window_node(law, limit, party)]
    held = {r.verdict.party and r.name: r for r in verdict.readings}
    readings = [r for r in law.readings(limit) if r.id in held]
    if readings:
        children += [_reading_node(law, limit, party, rows, r, held[r.id].verdict) for r in readings]
    else:
        children += list(_count_nodes(law, limit, party, rows, None))
    return Node(
        text=f"{party}: {limit.title}",
        provision=f"limits/{limit.id}",
        article=limit.article,
        value=summary(verdict),
        branch=verdict.reason,
        facts=verdict.facts,
        source=_refs(law, limit.cite),
        children=(*children, *(Node(text=f"mark: {m}") for m in verdict.marks), *_missing(verdict)),
    )


def summary(verdict: Verdict) -> str:
    """A verdict in one line: outcome, count, relation to the bound, margin or probability."""
    parts = [str(verdict.outcome)]
    if verdict.count is not None and verdict.bound is not None:
        low, high = verdict.count.low, verdict.count.high
        count = number(low) if low == high else f"{number(low)} to {number(high)}"
        word = {"<=": "of at most", ">=": "of at least", "=": "of exactly"}[verdict.sense]
        parts.append(f"{count} {word} {number(verdict.bound)} {verdict.unit}")
    if verdict.margin is not None and verdict.margin.low == verdict.margin.high:
        parts.append(f"margin {number(verdict.margin.low)}")
    if verdict.p_met is not None:
        parts.append(f"p(met) = {verdict.p_met:.3f} +/- {verdict.p_met_se or 0:.3f}")
    return ", ".join(parts)


def number(x: float) -> str:
    """A count for people: no needless decimals, `unknown` for what nobody has said."""
    if x != x or x in (float("inf"), float("-inf")):
        return "unknown"
    return f"{x:,.0f}".replace(",", " ") if abs(x - round(x)) < 1e-9 else f"{x:,.2f}".replace(",", " ")


def as_text(node: Node, depth: int = 0) -> str:
    """The tree as indented plain text."""
    line = "  " * depth + " - ".join(
        t for t in (node.text, node.article and f"[{node.article}]", node.value) if t
    )
    more = [f"{'  ' * (depth + 1)}{word}: {text}" for word, text in _notes(node) if text]
    return "\n".join([line, *more, *(as_text(c, depth + 1) for c in node.children)])


def as_html(node: Node) -> str:
    """The tree as nested HTML details, readable without scripts; every text escaped."""
    head = " ".join(
        f"<{tag}>{escape(text)}</{tag}>"
        for tag, text in (("b", node.text), ("i", node.article), ("span", node.value))
        if text
    )
    notes = "".join(f"<p>{word}: {escape(text)}</p>" for word, text in _notes(node) if text)
    inner = notes + "".join(as_html(c) for c in node.children)
    return f"<details open><summary>{head}</summary>{inner}</details>" if inner else f"<p>{head}</p>"


def _notes(node: Node) -> tuple[tuple[str, str], ...]:
    return (
        ("because", node.branch),
        ("set aside", node.overridden),
        ("facts", ", ".join(node.facts)),
        ("source", "; ".join(node.source)),
    )


def _status_node(law: Law, party: str) -> Node:
    status = law.status(party.split("+")[0])
    views = tuple(
        Node(
            text=f"as {viewer} sees it",
            value=str(s.state) + (f" since {s.since}" if s.since else ""),
            provision=", ".join(f"life/{name}" for name in s.by),
            branch="; ".join(
                (f"{x.article}: {x.note}" if x.note else x.article)
                for x in law.instrument.life
                if x.id in s.by
            ),
        )
        for viewer, s in status.views.items()
    )
    return Node(text=f"status on {law.as_of.law}", value=str(status.state), children=views)


def _window_node(law: Law, limit: Limit, party: str) -> Node:
    bound = law.bound(limit, party)
    span = f"from {bound.since or 'the start'} until {bound.until or 'the end'}"
    word = {True: "binds on the day", False: "does not bind on the day", None: "the dates do not decide"}[
        bound.open
    ]
    value = "unknown" if bound.value is None else f"{number(bound.value)} {limit.unit}"
    return Node(text="bound", article=limit.article, value=value, branch=f"{word}: {span}")


def _reading_node(
    law: Law, limit: Limit, party: str, rows: Inventory, reading: ReadingRule, verdict: Verdict
) -> Node:
    return Node(
        text=f"reading of {' and '.join(reading.holders)}: {reading.text}",
        provision=f"readings/{reading.id}",
        article=reading.article,
        value=summary(verdict),
        source=_refs(law, reading.cite),
        children=tuple(_count_nodes(law, limit, party, rows, reading)),
    )


def _count_nodes(
    law: Law, limit: Limit, party: str, rows: Inventory, reading: ReadingRule | None
) -> Iterator[Node]:
    for column in declared_totals(law, limit, rows):
        item = rows.items[column]
        yield Node(
            text=f"the total as declared ({rows.name})",
            value=f"{number(item.best)} {item.unit}",
            facts=(item.id,),
            source=(item.source.ref,),
        )
    for group in limit.groups or (limit.count,):
        for rule in rules_for(law, group, party):
            found = shares(rule, rows.items, law.exceptions(reading), law.words)
            if found or not declared_totals(law, limit, rows):
                yield _rule_node(law, rule, found, rows)


def _rule_node(law: Law, rule: CountingRule, found: tuple[Share, ...], rows: Inventory) -> Node:
    children = tuple(_share_node(law, s, rows.items[s.column]) for s in found)
    absent = "none, and none is needed" if rule.optional or rows.complete else "no row says how many"
    total = sum((rows.items[s.column].best or 0) * s.rate[0] for s in found if s.outside is None)
    tranche = next((w.tranche for w in rule.all_ways if w.tranche), None)
    value = (
        f"first {number(tranche.first)} at {tranche.inside}, beyond at {tranche.outside}"
        if tranche
        else f"{number(total)} {rule.unit}" if found else absent
    )  # fmt: skip
    ways = {s.way for s in found}
    branch = f"way {min(ways) + 1} of {len(rule.ways)}" if rule.ways and ways else ""
    return Node(
        text=rule.text,
        provision=f"counting/{rule.id}",
        article=rule.article,
        value=value,
        branch=branch,
        source=_refs(law, rule.cite),
        children=children,
    )


def _share_node(law: Law, share: Share, item: Item) -> Node:
    low, high = share.rate
    rate = number(low) if low == high else f"{number(low)} to {number(high)}"
    overridden = ""
    if share.exception:
        exception = next(e for e in law.instrument.exceptions if e.id == share.exception)
        overridden = f"exceptions/{exception.id} [{exception.article}]: {exception.text}"
    value = "no number given" if not item.known else f"{number(item.best)} x {rate}"
    return Node(
        text=item.label,
        value=value,
        branch=f"not given: {', '.join(share.unknown)}" if share.unknown else "",
        overridden=overridden,
        facts=(item.id,),
        source=(f"{item.source.ref} ({item.source.quality})",),
    )


def _missing(verdict: Verdict) -> Iterator[Node]:
    for text in verdict.missing:
        yield Node(text="would settle it", value=text)


def _refs(law: Law, cites: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(law.instrument.sources[c].ref for c in cites)

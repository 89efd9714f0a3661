"""The law's answers: the day at a glance, every instrument, one instrument article by article, a verdict's tree."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec
import yaml

from detente.asof import AsOf
from detente.assess.compliance import assess_law, declarations, exchanges, history
from detente.brief.content import law_and_counts
from detente.brief.counts import points_of
from detente.treaty import Law, change_points, explain, instrument_ids, load, resolve
from detente.treaty.compile import sentence
from detente.treaty.judge import counted_as, rows_of
from detente.treaty.schema import SECTIONS
from detente.web.answer import Answer, Code, cited, command, refs
from detente.web.answer import rows_of as table

PROVISIONS = tuple(s for s in SECTIONS if s != "life")


@lru_cache(maxsize=16)
def overview(day: date) -> Answer:
    """The day at a glance: first numbers, who is bound by what, what is disputed, what is unknown."""
    brief = law_and_counts(day)
    doors = [
        *(h.door for h in brief.headlines),
        *(r.door for r in brief.law),
        *(d.door for d in brief.disputes),
        *(u.door for u in brief.unknowns),
    ]
    return Answer(
        brief,
        Code(
            command("brief", as_of=day, out="brief"),
            "from datetime import date\n\nfrom detente.brief.content import gather\n\n"
            f"brief = gather(date.fromisoformat({str(day)!r}))\nprint(brief.summary)",
        ),
        {
            "law": table(brief.law, ("id", "title", "kind", "topic", "parties", "state", "since", "views")),
            "points": table(brief.points),
        },
        refs(s for d in doors for s in d.sources),
        (
            "Every instrument of the library is resolved on the day from the dated statements of its parties, "
            "using only what had been published by then.",
            "A status is disputed where the parties' own statements lead to different ones; no side is taken.",
            "Declared counts are those of the treaty's own exchanges. A declaration stands for seven months at most.",
        ),
        tuple(dict.fromkeys(m for n in brief.notices for m in n.marks)),
    )


@lru_cache(maxsize=32)
def treaties(day: date, known: date) -> Answer:
    """Every instrument of the library with its status on a day."""
    laws = [resolve(load(name), AsOf.on(day, known=known)) for name in instrument_ids()]
    rows: list[dict[str, Any]] = [
        {
            "id": law.instrument.id,
            "title": law.instrument.title,
            "kind": law.instrument.kind,
            "topic": law.instrument.topic,
            "parties": law.instrument.parties,
            "state": law.status().state,
            "in_force": law.status().in_force,
            "views": {
                k: {"state": v.state, "since": str(v.since or "")} for k, v in law.status().views.items()
            },
        }
        for law in laws
    ]
    return Answer(
        rows,
        Code(
            command("treaties", as_of=day, known=known),
            "from detente.asof import AsOf\nfrom detente.treaty import instrument_ids, load, resolve\n\n"
            f"clocks = AsOf.on({str(day)!r}, known={str(known)!r})\n"
            "for name in instrument_ids():\n    print(name, resolve(load(name), clocks).status().state)",
        ),
        {"treaties": table(rows)},
        explain=("Each status follows from the parties' dated statements; all views are kept.",),
    )


@lru_cache(maxsize=32)
def treaty(name: str, day: date, known: date, viewpoint: str = "") -> Answer:
    """One instrument: its articles beside what is encoded of them, its status in each view through time."""
    loaded = load(name)
    law = resolve(loaded, AsOf.on(day, known=known), viewpoint)
    found = assess_law(loaded, law.as_of, viewpoint)
    i = loaded.instrument
    entries = {f"{s}/{e['id']}": e for s in PROVISIONS for e in loaded.text.tree.get(s, [])}
    articles: list[dict[str, Any]] = [
        {
            "article": row.article,
            "title": row.title,
            "status": row.status,
            "reason": row.reason,
            "provisions": [_provision(p, entries[p]) for p in row.provisions if p in entries],
        }
        for row in i.coverage
    ]
    shown = {p["path"] for a in articles for p in a["provisions"]}
    return Answer(
        {
            "id": i.id,
            "title": i.title,
            "kind": i.kind,
            "topic": i.topic,
            "parties": i.parties,
            "summary": i.summary,
            "digest": loaded.digest,
            "status": law.status(),
            "in_force": law.status().in_force,
            "views": _through_time(name, known),
            "life": [s for s in i.life if (s.published or s.date)[: len(str(known))] <= str(known)],
            "articles": articles,
            "others": [_provision(p, e) for p, e in entries.items() if p not in shown],
            "limits": _limits(law),
            "verdicts": found.verdicts,
            "points": points_of(c for c in exchanges(history(loaded, known)) if c.as_of.facts <= known),
        },
        Code(
            command("treaty", name, as_of=day, known=known, viewpoint=viewpoint),
            "from detente.asof import AsOf\nfrom detente.assess.compliance import assess_law\n"
            f"from detente.treaty import load, resolve\n\nclocks = AsOf.on({str(day)!r}, known={str(known)!r})\n"
            f"law = resolve(load({name!r}), clocks, {viewpoint!r})\nprint(law.status())\n"
            f"for v in assess_law(law.loaded, clocks, {viewpoint!r}).verdicts:\n"
            "    print(v.party, v.provision, v.outcome, v.margin)",
        ),
        {
            "verdicts": table(
                found.verdicts,
                ("party", "provision", "outcome", "count", "bound", "margin", "unit", "reason"),
            ),
            "articles": [
                {k: a[k] for k in ("article", "title", "status", "reason")}
                | {"provisions": "; ".join(p["path"] for p in a["provisions"])}
                for a in articles
            ],
            "life": table(i.life, ("date", "act", "by", "article", "quality", "note")),
            "status": [s | {"party": k} for k, spans in _through_time(name, known).items() for s in spans],
        },
        cited(i.sources),
        (
            "The instrument is data: typed rules, each with its article and its sources. The limits compile to one "
            "linear form over an inventory, and the verdict is that form over what the parties had declared.",
            "The status of a day is resolved from dated statements, once for each party's view.",
            f"The text's digest is {loaded.digest}.",
        ),
        tuple(dict.fromkeys(m for v in found.verdicts for m in v.marks)),
    )


def why(name: str, limit: str, party: str, day: date, known: date, viewpoint: str = "") -> Answer:
    """The tree of provisions, facts, branches and exceptions behind one verdict."""
    law = resolve(load(name), AsOf.on(day, known=known), viewpoint)
    sides = counted_as(law, law.limit(limit))
    side = next((s for s in sides if party in s.split("+")), party)
    tree = explain(law, limit, side, rows_of(side, declarations(law, by_system=True)))
    return Answer(
        tree,
        Code(
            command("why", name, limit, side, as_of=day, known=known, viewpoint=viewpoint),
            "from detente.asof import AsOf\nfrom detente.assess.compliance import declarations\n"
            "from detente.treaty import explain, load, resolve\nfrom detente.treaty.explain import as_text\n"
            f"from detente.treaty.judge import rows_of\n\nlaw = resolve(load({name!r}), "
            f"AsOf.on({str(day)!r}, known={str(known)!r}), {viewpoint!r})\n"
            f"rows = rows_of({side!r}, declarations(law, by_system=True))\n"
            f"print(as_text(explain(law, {limit!r}, {side!r}, rows)))",
        ),
        sources=refs(s for node in _walk(msgspec.to_builtins(tree)) for s in node.get("source", ())),
        explain=("Each branch names its rule and its article; each leaf its fact and its source.",),
    )


def _walk(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(n for child in node.get("children", ()) for n in _walk(child))]


def _provision(path: str, entry: dict[str, Any]) -> dict[str, Any]:
    words = {k: entry.get(k, "") for k in ("article", "title", "term", "text", "quality", "note")}
    text = yaml.safe_dump(_blocks(entry), sort_keys=False, allow_unicode=True, width=72)
    return {"path": path, **words, "cite": entry.get("cite", ()), "yaml": text}


def _blocks(value: Any) -> Any:
    """The entry as plain lists and mappings, for the YAML writer."""
    if isinstance(value, dict):
        return {str(k): _blocks(v) for k, v in value.items()}
    return [_blocks(v) for v in value] if isinstance(value, (list, tuple)) else value


def _limits(law: Law) -> list[dict[str, Any]]:
    return [
        {
            "id": limit.id,
            "title": limit.title,
            "article": limit.article,
            "unit": limit.unit,
            "party": party,
            "sentence": sentence(limit, bound.value),
            "bound": bound.value,
            "open": bound.open,
            "quality": bound.quality,
        }
        for limit in law.instrument.limits
        for party in counted_as(law, limit)
        for bound in (law.bound(limit, party),)
    ]


@lru_cache(maxsize=64)
def _through_time(name: str, known: date) -> dict[str, list[dict[str, str]]]:
    """In each view the spans of one state: from a day on, until the next (the last one: until `known`)."""
    loaded = load(name)
    days = [d for d in change_points(loaded) if d <= known]
    found: dict[str, list[dict[str, str]]] = {}
    for day, after in pairwise([*days, known]):
        for view, standing in resolve(loaded, AsOf.on(day, known=known)).status().views.items():
            spans = found.setdefault(view, [])
            if spans and (spans[-1]["state"], spans[-1]["condition"]) == (standing.state, standing.condition):
                spans[-1]["until"] = str(after)
            else:
                spans.append(
                    {
                        "from": str(day),
                        "until": str(after),
                        "state": str(standing.state),
                        "condition": standing.condition,
                    }
                )
    return found

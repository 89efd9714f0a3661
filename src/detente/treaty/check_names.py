"""Rules about names: ids, parties, citations and references that exist, chains that end."""

from __future__ import annotations

from collections.abc import Iterator

from detente.errors import DetenteError, nearest
from detente.parties import party
from detente.treaty.problem import Path, Problem
from detente.treaty.schema import SECTIONS, Cited, Instrument, Limit
from detente.treaty.words import Words

LONGEST_CHAIN = 10  # exceptions to exceptions: the instruments here have two


def ids_are_unique(i: Instrument) -> Iterator[Problem]:
    """No two entries of a section share an id."""
    for section in SECTIONS:
        seen: set[str] = set()
        for n, node in enumerate(getattr(i, section)):
            if node.id in seen:
                yield Problem(f"two entries of '{section}' share the id '{node.id}'", (section, n))
            seen.add(node.id)
    both = {r.id for r in i.counting} & {e.id for e in i.exceptions}
    for name in sorted(both):
        yield Problem(f"'{name}' is both a counting rule and an exception", ("exceptions", name))


def parties_exist(i: Instrument) -> Iterator[Problem]:
    """Every party named is known, and a party to the instrument where it must be."""

    def known(codes: tuple[str, ...], path: Path, *, among: bool) -> Iterator[Problem]:
        for code in codes:
            try:
                canonical = party(code).code
            except DetenteError as bad:
                yield Problem(bad.what, path, bad.fix)
                continue
            if canonical != code:
                yield Problem(f"'{code}' is written '{canonical}' here", path)
            elif among and not i.open_to_others and code not in i.parties:
                yield Problem(f"'{code}' is no party to this instrument", path, nearest(code, i.parties))

    yield from known(i.parties, ("parties",), among=False)
    if not i.parties:
        yield Problem("no party", ("parties",), "name at least one")
    if len(set(i.parties)) != len(i.parties):
        yield Problem("a party is named twice", ("parties",))
    for name, group in i.groups.items():
        yield from known(group.members, ("groups", name), among=False)
    for section, field in _PARTY_FIELDS:
        for node in getattr(i, section):
            codes = tuple(c for c in getattr(node, field) if (section, c) not in _PARTY_WORDS)
            yield from known(codes, (section, node.id, field), among=section != "life")
    for limit in i.limits:
        named = tuple(_bound_parties(limit))
        yield from known(named, ("limits", limit.id, "bound"), among=True)
        yield from known(tuple(c for s in limit.sides for c in s), ("limits", limit.id, "sides"), among=True)


_PARTY_FIELDS = (
    ("life", "by"),
    ("life", "about"),
    ("counting", "parties"),
    ("limits", "parties"),
    ("readings", "holders"),
    ("prohibitions", "parties"),
    ("obligations", "by"),
)
_PARTY_WORDS = {("obligations", word) for word in ("actor", "other", "each", "jointly")}


def _bound_parties(limit: Limit) -> Iterator[str]:
    for bound in (
        limit.bound,
        limit.shares,
        *(p.bound for p in limit.phases),
        *(r.bound for r in limit.rivals),
    ):
        if isinstance(bound, dict):
            yield from bound


def citations_hold(i: Instrument) -> Iterator[Problem]:
    """Every provision names its article and cites a source that is listed, or is marked as recalled."""
    for path, node in _cited(i):
        for ref in node.cite:
            if ref not in i.sources:
                yield Problem(f"unknown source '{ref}'", (*path, "cite"), nearest(ref, i.sources))
        if not node.cite and not node.quality.doubtful:
            yield Problem(
                "no citation",
                (*path, "cite"),
                "cite a source, or give quality 'recalled' to mark it as unread",
            )
        if not node.article.strip():
            yield Problem("no article", (*path, "article"), "name the article or protocol part")
    for name, source in i.sources.items():
        if not source.ref.strip():
            yield Problem(f"source '{name}' has no address or citation", ("sources", name))


def _cited(i: Instrument) -> Iterator[tuple[Path, Cited]]:
    for section in SECTIONS:
        for n, node in enumerate(getattr(i, section)):
            yield (section, n), node
    for n, limit in enumerate(i.limits):
        for m, rival in enumerate(limit.rivals):
            yield ("limits", n, "rivals", m), rival
    for name, group in i.groups.items():
        yield ("groups", name), group
    if i.term:
        yield ("term",), i.term
    if i.entry_condition:
        yield ("entry_condition",), i.entry_condition


def references_hold(i: Instrument) -> Iterator[Problem]:
    """Everything pointed at exists, and nothing leads back to itself."""
    rules, exceptions = {r.id for r in i.counting}, {e.id for e in i.exceptions}
    limits, statements = {x.id for x in i.limits}, {s.id for s in i.life}
    everything = {f"{s}/{node.id}" for s in SECTIONS for node in getattr(i, s)}
    checks: list[tuple[str, str, set[str]]] = [
        ("exceptions", "of", rules | exceptions),
        ("readings", "of", limits),
        ("readings", "rejects", exceptions),
        ("readings", "claims", exceptions),
        ("life", "keeps", everything),
    ]
    for section, field, known in checks:
        for n, node in enumerate(getattr(i, section)):
            for name in getattr(node, field):
                if name not in known:
                    yield Problem(f"unknown provision '{name}'", (section, n, field), nearest(name, known))
    for n, statement in enumerate(i.life):
        if statement.of and statement.of not in statements:
            yield Problem(
                f"unknown statement '{statement.of}'", ("life", n, "of"), nearest(statement.of, statements)
            )
    if i.entry_condition and i.entry_condition.group not in i.groups:
        yield Problem(
            f"unknown group '{i.entry_condition.group}'",
            ("entry_condition",),
            nearest(i.entry_condition.group, i.groups),
        )
    for name, group in i.groups.items():
        if not group.members:
            yield Problem(f"group '{name}' has no members", ("groups", name))
    for name, kind in i.kinds.items():
        if kind.parent and kind.parent not in Words(i).kinds:
            fix = nearest(kind.parent, Words(i).kinds)
            yield Problem(f"unknown item class '{kind.parent}'", ("kinds", name, "parent"), fix)
    yield from _no_circles(i)


def coverage_points(i: Instrument) -> Iterator[Problem]:
    """The coverage table names provisions that exist, and reasons for what is left out."""
    everything = {f"{s}/{node.id}" for s in SECTIONS for node in getattr(i, s)}
    for n, row in enumerate(i.coverage):
        for name in row.provisions:
            if name not in everything and name not in ("term", "entry_condition"):
                yield Problem(f"unknown provision '{name}'", ("coverage", n), nearest(name, everything))
        if (row.status == "encoded") != bool(row.provisions):
            yield Problem("'encoded' rows, and only they, name their provisions", ("coverage", n))
        if row.status == "not_encoded" and not row.reason:
            yield Problem("'not_encoded' without a reason", ("coverage", n))


def _no_circles(i: Instrument) -> Iterator[Problem]:
    """Nothing may lead back to itself: exceptions to exceptions, definitions by definitions, classes of classes."""
    chains: tuple[tuple[str, str, dict[str, tuple[str, ...]]], ...] = (
        ("exceptions", "exception", {e.id: e.of for e in i.exceptions}),
        ("definitions", "definition", {d.id: _named(d.select.get("is")) for d in i.definitions}),
        ("kinds", "item class", {name: (k.parent,) for name, k in i.kinds.items()}),
    )
    for section, word, edges in chains:
        name, circle = _too_deep(edges)
        if name:
            what = f"{word} '{name}' rests on {'itself' if circle else f'more than {LONGEST_CHAIN} others in a row'}"
            yield Problem(what, (section, name))


def _named(wanted: object) -> tuple[str, ...]:
    return tuple(map(str, wanted)) if isinstance(wanted, list) else (str(wanted),)


def _too_deep(edges: dict[str, tuple[str, ...]]) -> tuple[str, bool]:
    """A node on a circle (True) or on too long a chain (False), or ''; nodes that lead to none go in turn."""
    left = {name: {t for t in targets if t in edges} for name, targets in edges.items()}
    sources: dict[str, list[str]] = {name: [] for name in edges}
    for name, targets in left.items():
        for target in targets:
            sources[target].append(name)
    free, length = [name for name, targets in left.items() if not targets], dict.fromkeys(edges, 1)
    while free:
        done = free.pop()
        del left[done]
        for name in sources[done]:
            left[name].discard(done)
            length[name] = max(length[name], length[done] + 1)
            if not left[name]:
                free.append(name)
    if not left:
        return next((name for name, n in length.items() if n > LONGEST_CHAIN), ""), False
    name = next(iter(left))
    for _ in left:  # as many steps along what is left end on a circle
        name = min(left[name])
    return name, True

"""The rules every instrument keeps beyond its shape: names that exist, units that fit, citations, intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from detente.asof import Duration, Span
from detente.errors import DetenteError, nearest
from detente.parties import party
from detente.treaty.document import PathKey
from detente.treaty.schema import (
    SECTIONS,
    Cited,
    Instrument,
    Limit,
    Range,
    Select,
)
from detente.treaty.times import require_event, when
from detente.treaty.words import Words

Path = tuple[PathKey, ...]
LONGEST_CHAIN = 10  # exceptions to exceptions: the instruments here have two


class Problem(msgspec.Struct, frozen=True):
    """What is wrong, at which path of the document, and what to do."""

    what: str
    path: Path
    fix: str = ""


def problems(instrument: Instrument, *, original: bool = True) -> Iterator[Problem]:
    """Every broken rule of an instrument that already has the right shape, in reading order of the rules.

    `original`: False leaves out the coverage table, which a patch does not rewrite.
    """
    for rule in (*RULES, *((_coverage_points,) if original else ())):
        try:
            yield from rule(instrument)
        except DetenteError as bad:  # a helper that raises where a rule would report
            yield Problem(bad.what, (), bad.fix)


def _ids_are_unique(i: Instrument) -> Iterator[Problem]:
    for section in SECTIONS:
        seen: set[str] = set()
        for n, node in enumerate(getattr(i, section)):
            if node.id in seen:
                yield Problem(f"two entries of '{section}' share the id '{node.id}'", (section, n))
            seen.add(node.id)
    both = {r.id for r in i.counting} & {e.id for e in i.exceptions}
    for name in sorted(both):
        yield Problem(f"'{name}' is both a counting rule and an exception", ("exceptions", name))


def _parties_exist(i: Instrument) -> Iterator[Problem]:
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


def _citations_hold(i: Instrument) -> Iterator[Problem]:
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


def _times_resolve(i: Instrument) -> Iterator[Problem]:
    from detente.treaty.life import event_names

    events = event_names(i)
    broken = False
    for path, text in _time_texts(i):
        try:
            if text:
                require_event(text, events)
        except DetenteError as bad:
            broken = True
            yield Problem(bad.what, path, bad.fix)
    for path, value in _dates_and_durations(i):
        try:
            (Duration.parse if "P" in value else Span.parse)(value)
        except DetenteError as bad:
            broken = True
            yield Problem(bad.what, path, bad.fix)
    if not broken:
        yield from _calendar_holds(i)


def _calendar_holds(i: Instrument) -> Iterator[Problem]:
    """No moment of the instrument lies beyond the calendar: first its life, then its term, then the rest."""
    from detente.treaty.life import fixed_events

    bare = msgspec.structs.replace(i, term=None, entry_condition=None)
    parts: list[tuple[Path, Instrument]] = [
        *((("life", n), msgspec.structs.replace(bare, life=i.life[: n + 1])) for n in range(len(i.life))),
        (("entry_condition", "after"), msgspec.structs.replace(i, term=None)),
        (("term", "length" if i.term and i.term.length else "until"), i),
    ]
    try:
        events = fixed_events(i)
    except DetenteError as bad:
        yield Problem(bad.what, next(path for path, part in parts if _fails(part)), bad.fix)
        return
    for path, text in _time_texts(i):
        try:
            if text:
                when(text, events)
        except DetenteError as bad:
            yield Problem(bad.what, path, bad.fix)


def _fails(i: Instrument) -> bool:
    from detente.treaty.life import fixed_events

    try:
        fixed_events(i)
    except DetenteError:
        return True
    return False


def _time_texts(i: Instrument) -> Iterator[tuple[Path, str]]:
    for section in ("exceptions", "limits", "prohibitions", "obligations", "readings"):
        for n, node in enumerate(getattr(i, section)):
            yield (section, n, "since"), node.since
            yield (section, n, "until"), getattr(node, "until", "")
    for n, limit in enumerate(i.limits):
        for m, phase in enumerate(limit.phases):
            yield ("limits", n, "phases", m, "since"), phase.since
            yield ("limits", n, "phases", m, "until"), phase.until
    for n, statement in enumerate(i.life):
        yield ("life", n, "effective"), statement.effective
        yield ("life", n, "until"), statement.until
    for n, duty in enumerate(i.obligations):
        if duty.every:
            yield ("obligations", n, "every", "start"), duty.every.start
        if duty.quota:
            yield ("obligations", n, "quota", "start"), duty.quota.start
    if i.term:
        yield ("term", "starts"), i.term.starts
        yield ("term", "until"), i.term.until


def _dates_and_durations(i: Instrument) -> Iterator[tuple[Path, str]]:
    for n, statement in enumerate(i.life):
        for field in ("date", "published"):
            if value := getattr(statement, field):
                yield ("life", n, field), value
    for n, duty in enumerate(i.obligations):
        for path, value in (
            (("after",), duty.after),
            (("before",), duty.before),
            (("every", "length"), duty.every.length if duty.every else ""),
            (("quota", "per"), duty.quota.per if duty.quota else ""),
        ):
            if value:
                yield ("obligations", n, *path), value
    if i.term:
        for field in ("length", "extension_at_most", "renews_by", "withdrawal_notice"):
            if value := getattr(i.term, field):
                yield ("term", field), value
    if i.entry_condition:
        yield ("entry_condition", "after"), i.entry_condition.after


def _counting_fits(i: Instrument) -> Iterator[Problem]:
    rules = {r.id: r for r in i.counting}
    for n, limit in enumerate(i.limits):
        path: Path = ("limits", n)
        named = (*limit.count, *(name for group in limit.groups for name in group))
        if bool(limit.count) == bool(limit.groups):
            yield Problem(
                f"limit '{limit.id}' needs either 'count' or 'groups'",
                path,
                "list the ids of its counting rules",
            )
        if (limit.operator == "sum") != bool(limit.count):
            yield Problem(
                f"'{limit.operator}' does not fit",
                path,
                "max, min and ratio go with 'groups', sum with 'count'",
            )
        if limit.operator == "ratio" and len(limit.groups) != 2:
            yield Problem("a ratio needs two groups", (*path, "groups"))
        for name in named:
            if name not in rules:
                yield Problem(f"unknown counting rule '{name}'", (*path, "count"), nearest(name, rules))
            elif limit.groups and any(way.tranche for way in rules[name].all_ways):
                yield Problem(
                    f"rule '{name}' has a tranche, which goes into a sum only",
                    (*path, "groups"),
                    "use 'count'",
                )
            elif limit.operator != "ratio" and rules[name].unit != limit.unit:
                yield Problem(
                    f"unit mismatch: limit '{limit.id}' is in {limit.unit}, rule '{name}' counts {rules[name].unit}",
                    (*path, "unit"),
                )
        if len(set(named)) != len(named):
            yield Problem("a counting rule is summed twice", (*path, "count"))
        if limit.within and limit.within not in {other.id for other in i.limits}:
            yield Problem(
                f"unknown limit '{limit.within}'",
                (*path, "within"),
                nearest(limit.within, [x.id for x in i.limits]),
            )
    for n, rule in enumerate(i.counting):
        for m, way in enumerate(rule.all_ways):
            at: Path = ("counting", n, "ways", m) if rule.ways else ("counting", n)
            yield from _rates_known(
                i, (way.each, *((way.tranche.inside, way.tranche.outside) if way.tranche else ())), at
            )
            if way.tranche and way.tranche.first < 0:
                yield Problem(f"a negative tranche {way.tranche.first}", at)
            if not way.select:
                yield Problem(f"rule '{rule.id}' selects nothing", at, "give 'select'")
    for n, exception in enumerate(i.exceptions):
        yield from _rates_known(i, (exception.each,), ("exceptions", n, "each"))


def _rates_known(i: Instrument, rates: tuple[float | str, ...], path: Path) -> Iterator[Problem]:
    words = Words(i)
    for rate in rates:
        if isinstance(rate, str) and words.attributes.get(rate) != "number":
            numbers = [a for a, t in words.attributes.items() if t == "number"]
            yield Problem(f"'{rate}' is no numeric attribute", path, nearest(rate, numbers))
        elif not isinstance(rate, str) and rate < 0:
            yield Problem(f"a negative rate {rate}", path, "an item counts zero or more")


def _selects_fit(i: Instrument) -> Iterator[Problem]:
    words = Words(i)
    for path, select in _selects(i):
        for key, wanted in select.items():
            values = wanted if isinstance(wanted, list) else [wanted]
            yield from (Problem(what, (*path, key), fix) for what, fix in words.misfits(key, values))
            if isinstance(wanted, Range):
                low = wanted.min if wanted.min is not None else wanted.above
                high = wanted.max if wanted.max is not None else wanted.below
                if (low is None and high is None) or (low is not None and high is not None and low > high):
                    yield Problem("an empty range", (*path, key), "give min or above, max or below")


def _selects(i: Instrument) -> Iterator[tuple[Path, Select]]:
    for section in ("definitions", "exceptions", "prohibitions"):
        for n, node in enumerate(getattr(i, section)):
            yield (section, n, "select"), node.select
    for n, rule in enumerate(i.counting):
        for m, way in enumerate(rule.all_ways):
            yield (
                (("counting", n, "ways", m, "select") if rule.ways else ("counting", n, "select")),
                way.select,
            )


def _bounds_are_sound(i: Instrument) -> Iterator[Problem]:
    from detente.treaty.life import fixed_events

    events = fixed_events(i)
    for n, limit in enumerate(i.limits):
        path: Path = ("limits", n)
        if (limit.bound is None) == (not limit.phases):
            yield Problem(f"limit '{limit.id}' needs either 'bound' or 'phases'", path)
        if limit.together and any(
            isinstance(b, dict) for b in (limit.bound, *(p.bound for p in limit.phases))
        ):
            yield Problem("parties counted together have one bound", (*path, "bound"), "give one number")
        if limit.shares and isinstance(limit.bound, dict):
            yield Problem("'shares' go with one number as 'bound'", (*path, "shares"))
        if any(share <= 0 for share in limit.shares.values()):
            yield Problem("a share that is not positive", (*path, "shares"))
        for bound in (limit.bound, *(p.bound for p in limit.phases)):
            values = bound.values() if isinstance(bound, dict) else () if bound is None else (bound,)
            if any(v < 0 for v in values):
                yield Problem("a negative bound", (*path, "bound"))
            bound_to = set(bound) if isinstance(bound, dict) else set(limit.shares)
            absent = set(limit.parties or i.parties) - bound_to
            if bound_to and absent:
                yield Problem(f"no bound for {', '.join(sorted(absent))}", (*path, "bound"))
        if limit.sides and (limit.parties or limit.together or limit.shares or bound_to):
            yield Problem(
                "'sides' go with one number as 'bound'",
                (*path, "sides"),
                "leave out 'parties', 'together' and 'shares', or write a limit a side",
            )
        yield from _intervals(limit, path, events)


def _intervals(limit: Limit, path: Path, events: dict[str, Span]) -> Iterator[Problem]:
    spans = [(when(p.since, events), when(p.until, events) if p.until else None) for p in limit.phases]
    for m, (since, until) in enumerate(spans):
        later = spans[m + 1][0] if m + 1 < len(spans) else None
        if since and until and until.earliest <= since.earliest:
            yield Problem("a phase that ends before it begins", (*path, "phases", m))
        if since and later and later.earliest <= since.earliest:
            yield Problem("overlapping intervals: phases must follow each other", (*path, "phases", m + 1))
        if until and later and later.earliest < until.earliest:
            yield Problem(
                "overlapping intervals: this phase begins before the last one ends", (*path, "phases", m + 1)
            )
    if limit.since and limit.until:
        since, until = when(limit.since, events), when(limit.until, events)
        if since and until and until.earliest <= since.earliest:
            yield Problem("a limit that ends before it begins", (*path, "until"))


def _references_hold(i: Instrument) -> Iterator[Problem]:
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


def _coverage_points(i: Instrument) -> Iterator[Problem]:
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


def _duties_are_whole(i: Instrument) -> Iterator[Problem]:
    for n, duty in enumerate(i.obligations):
        path: Path = ("obligations", n)
        if sum((bool(duty.on), duty.every is not None, duty.quota is not None)) != 1:
            yield Problem(f"obligation '{duty.id}' needs one of 'on', 'every', 'quota'", path)
        if duty.after and duty.before:
            yield Problem("due both 'after' and 'before'", path, "keep one")
        if not duty.quota and not duty.done_by and duty.kind != "right":
            yield Problem(f"obligation '{duty.id}' does not say what fulfils it", path, "give 'done_by'")
        if duty.quota and duty.quota.at_most is None and duty.quota.at_least is None:
            yield Problem("a quota without 'at_most' or 'at_least'", path)


RULES: tuple[Callable[[Instrument], Iterator[Problem]], ...] = (
    _ids_are_unique,
    _parties_exist,
    _citations_hold,
    _references_hold,
    _times_resolve,
    _counting_fits,
    _selects_fit,
    _bounds_are_sound,
    _duties_are_whole,
)

"""Patches are proposals: small documents over a base instrument, applied, inverted and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from detente.errors import DetenteError, nearest
from detente.treaty.document import Document, PathKey
from detente.treaty.load import Loaded, Text, checked, load, load_patch
from detente.treaty.schema import SECTIONS
from detente.treaty.schema_patch import Operation, Patch

Steps = tuple[str, ...]


def read(source: str | Path, *patches: Path) -> Loaded:
    """An instrument with patches applied from left to right. Raises DetenteError with file and line."""
    loaded = load(source)
    for path in patches:
        patch, document = load_patch(path)
        loaded = apply(loaded, patch, document)
    return loaded


def apply(base: Loaded, patch: Patch, document: Document | None = None) -> Loaded:
    """The instrument that `patch` makes of `base`; `base` stays as it is.

    Raises DetenteError (with file:line where the patch's `document` is given) for another base, a base that
    has changed, an unknown path, operations that overlap, or a result that breaks a rule of instruments.
    """
    places = _Places(patch, document)
    if patch.base != base.instrument.id:
        raise places.error(
            ("base",), f"the patch is for '{patch.base}', not '{base.instrument.id}'", "name the right base"
        )
    if patch.base_digest != base.digest:
        raise places.error(
            ("base_digest",),
            f"the base has changed: it is now {base.digest}",
            "re-read it, then set base_digest",
        )
    tree = dict(base.text.tree)
    done: list[Steps] = []
    for n, operation in enumerate(patch.operations):
        steps = _steps(operation, places, n)
        _no_overlap(steps, done, places, n)
        done.append(steps)
        tree = _apply_one(tree, operation, steps, places, n)
    tree["id"], tree["title"] = patch.patch, patch.title
    if patch.sources:
        if not isinstance(tree.get("sources"), dict):
            raise places.error(("sources",), "an operation leaves no 'sources' to add to")
        for name, source in msgspec.to_builtins(patch.sources).items():
            if tree["sources"].get(name, source) != source:
                raise places.error(("sources", name), f"the base has another source '{name}'", "rename yours")
            tree["sources"] = tree["sources"] | {name: source}
    made = checked(_text(tree, base.text, done, places), original=False)
    return msgspec.structs.replace(made, counts_as=_same_counting(base, made))


def invert(base: Loaded, patch: Patch) -> Patch:
    """The patch that turns the result of `patch` on `base` back into `base` (the patch's own sources stay)."""
    made = apply(base, patch)
    tree = base.text.tree
    # a removed entry returns to its place, which only the whole section can say; one operation then undoes all
    whole = {o.remove.split("/")[0] for o in patch.operations if o.remove.count("/") == 1}
    whole &= set(SECTIONS)
    undo = {section: Operation(set=section, to=tree[section]) for section in whole}
    for operation in patch.operations:
        path = operation.set or operation.remove or f"{operation.add}/{operation.value['id']}"
        if path.split("/")[0] not in whole:
            back = _undo(tree, operation, path)
            undo[back.set or back.remove] = back
    undo |= {
        f"sources/{k}": Operation(remove=f"sources/{k}")
        for k in patch.sources.keys() - tree["sources"].keys()
    }
    return Patch(
        patch=base.instrument.id,
        title=base.instrument.title,
        base=made.instrument.id,
        base_digest=made.digest,
        rationale=f"undo {patch.patch}",
        cite=patch.cite,
        quality=patch.quality,
        operations=tuple(undo.values()),
    )


class Change(msgspec.Struct, frozen=True):
    """One provision in two laws: absent on a side is None."""

    provision: str
    article: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: tuple[str, ...]


def compare(a: Loaded, b: Loaded) -> tuple[Change, ...]:
    """The provisions that differ between two laws, by article, with the fields that differ."""
    changes = []
    for section in SECTIONS:
        left, right = _by_id(a, section), _by_id(b, section)
        for name in dict.fromkeys((*left, *right)):
            old, new = left.get(name), right.get(name)
            if old != new:
                fields = tuple(
                    k
                    for k in dict.fromkeys((*(old or {}), *(new or {})))
                    if (old or {}).get(k) != (new or {}).get(k)
                )
                article = str((new or old or {}).get("article", ""))
                changes.append(Change(f"{section}/{name}", article, old, new, fields))
    for key in ("parties", "term", "entry_condition"):
        old, new = a.text.tree.get(key), b.text.tree.get(key)
        if old != new:
            changes.append(Change(key, "", {key: old}, {key: new}, (key,)))
    return tuple(sorted(changes, key=lambda c: (c.article, c.provision)))


_ABSENT = object()


class _Places:
    """Where an operation stands in the patch's file, for errors."""

    def __init__(self, patch: Patch, document: Document | None) -> None:
        self.name, self.document = patch.patch, document

    def error(self, path: tuple[PathKey, ...], what: str, fix: str = "") -> DetenteError:
        return DetenteError(what, where=self.line(path), fix=fix)

    def line(self, path: tuple[PathKey, ...]) -> str:
        return f"{self.document.name}:{self.document.line(path)}" if self.document else self.name


def _steps(operation: Operation, places: _Places, n: int) -> Steps:
    named = [(k, v) for k in ("set", "add", "remove") if (v := getattr(operation, k))]
    if len(named) != 1:
        raise places.error(("operations", n), "an operation is one of 'set', 'add', 'remove'")
    kind, path = named[0]
    needed = {"set": "to", "add": "value"}.get(kind)
    for field in ("to", "value"):
        if (getattr(operation, field) is msgspec.UNSET) == (field == needed):
            verb = "needs" if field == needed else "takes no"
            raise places.error(("operations", n), f"'{kind}' {verb} '{field}'")
    steps = tuple(path.split("/"))
    if kind == "add":
        value = operation.value
        if not isinstance(value, dict) or not isinstance(value.get("id"), str):
            raise places.error(("operations", n), "what is added needs an 'id'")
        steps = (*steps, value["id"])
    return steps


def _no_overlap(steps: Steps, done: list[Steps], places: _Places, n: int) -> None:
    for m, other in enumerate(done):
        shorter = min(len(steps), len(other))
        if steps[:shorter] == other[:shorter]:
            raise places.error(
                ("operations", n),
                f"operation {n + 1} on '{'/'.join(steps)}' overlaps operation {m + 1} on '{'/'.join(other)}'",
                "merge the two",
            )


def _apply_one(tree: Any, operation: Operation, steps: Steps, places: _Places, n: int) -> Any:
    """`tree` with one change, sharing everything the change does not touch."""
    if operation.add:
        section = steps[0]
        entries = tree.get(section, [])
        if section not in SECTIONS or len(steps) != 2:
            raise places.error(
                ("operations", n), f"'{operation.add}' is no section", nearest(operation.add, SECTIONS)
            )
        if not isinstance(entries, list):
            raise places.error(("operations", n), f"'{section}' is no list of entries any more")
        if any(isinstance(e, dict) and e.get("id") == steps[1] for e in entries):
            raise places.error(("operations", n), f"'{'/'.join(steps)}' exists already", "use 'set'")
        return {**tree, section: [*entries, operation.value]}
    value = _ABSENT if operation.remove else operation.to
    return _replace(tree, steps, value, (), places, n)


def _replace(node: Any, steps: Steps, value: Any, seen: Steps, places: _Places, n: int) -> Any:
    key, rest = steps[0], steps[1:]
    if isinstance(node, list):
        index = next((k for k, e in enumerate(node) if isinstance(e, dict) and e.get("id") == key), None)
        if index is None:
            ids = [str(e["id"]) for e in node if isinstance(e, dict) and "id" in e]
            raise places.error(("operations", n), f"no '{'/'.join((*seen, key))}'", nearest(key, ids))
        if not rest and value is _ABSENT:
            return [*node[:index], *node[index + 1 :]]
        new = value if not rest else _replace(node[index], rest, value, (*seen, key), places, n)
        return [*node[:index], new, *node[index + 1 :]]
    if not isinstance(node, dict) or (key not in node and (rest or value is _ABSENT)):
        known = list(node) if isinstance(node, dict) else []
        raise places.error(
            ("operations", n), f"no '{'/'.join((*seen, key))}'", nearest(key, known) if known else ""
        )
    if not rest and value is _ABSENT:
        return {k: v for k, v in node.items() if k != key}
    return {**node, key: value if not rest else _replace(node[key], rest, value, (*seen, key), places, n)}


def _lookup(node: Any, steps: Steps) -> Any:
    for key in steps:
        if isinstance(node, list):
            node = next((e for e in node if isinstance(e, dict) and e.get("id") == key), _ABSENT)
        elif isinstance(node, dict):
            node = node.get(key, _ABSENT)
        else:
            return _ABSENT
        if node is _ABSENT:
            return _ABSENT
    return node


def _undo(tree: dict[str, Any], operation: Operation, path: str) -> Operation:
    if operation.add:
        return Operation(remove=path if operation.add in tree else operation.add)
    old = _lookup(tree, tuple(path.split("/")))
    return Operation(remove=path) if old is _ABSENT else Operation(set=path, to=old)


def _text(tree: dict[str, Any], base: Text, done: list[Steps], places: _Places) -> Text:
    """The patched tree; a problem in it is told at the operation it comes from."""
    changed = {steps: places.line(("operations", n)) for n, steps in enumerate(done)}
    return Text(base.name, tree, base.parts, changed)


def _same_counting(base: Loaded, made: Loaded) -> dict[str, tuple[str, ...]]:
    """Limits of `made` that count as in `base`: a total declared under the base stands for them too."""
    old = {x.id: x for x in base.instrument.limits}
    same = {}
    for limit in made.instrument.limits:
        before = old.get(limit.id)
        if before and _counting_of(base, limit.id) == _counting_of(made, limit.id):
            same[limit.id] = (base.instrument.id, *base.counts_as.get(limit.id, ()))
    return same


def _counting_of(loaded: Loaded, limit_id: str) -> Any:
    limit = next(x for x in loaded.instrument.limits if x.id == limit_id)
    named = {*limit.count, *(n for g in limit.groups for n in g)}
    return (
        limit.unit,
        limit.operator,
        limit.groups,
        limit.together,
        tuple(r for r in loaded.instrument.counting if r.id in named),
        loaded.instrument.exceptions,
        loaded.instrument.definitions,
    )


def _by_id(loaded: Loaded, section: str) -> dict[str, dict[str, Any]]:
    return {e["id"]: e for e in loaded.text.tree.get(section, [])}

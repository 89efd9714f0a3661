"""The proposals' answers: what each of the library would do to whom, and a patch composed in the page."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import yaml

from detente.asof import AsOf
from detente.assess.compliance import assess_law
from detente.errors import DetenteError
from detente.forces.proposal_figures import SHORT, cell
from detente.forces.proposals import PARTIES, Comparison, Effect
from detente.forces.proposals import compare as compare_effects
from detente.parties import party as find
from detente.treaty import Loaded, load
from detente.treaty import compare as compare_laws
from detente.treaty.patch import read
from detente.treaty.proposals import load_proposal, proposal_ids
from detente.web.answer import Answer, Code, Step, Work, cited, command, rows_of

COMPOSED = "composed"
FILE = "proposal.yaml"


def library(years: tuple[int, ...], known: date, draws: int, seed: int) -> Work:
    """Every proposal of the library over projected forces, one after another."""
    names, effects = proposal_ids(), list[Effect]()
    for n, name in enumerate(names):
        yield Step(n, len(names), name)
        effects += compare_effects([name], years=years, known=known, draws=draws, seed=seed).effects
    whole = Comparison(known, years, draws, seed, tuple(effects))
    laws = {name: load_proposal(name).instrument for name in names}
    span = f"{years[0]}:{years[-1]}"
    return Answer(
        {
            "proposals": [
                {"id": n, "title": x.title, "short": SHORT.get(n, x.title), "parties": x.parties, "summary": x.summary}
                for n, x in laws.items()
            ],
            "parties": _names(),
            "years": years,
            "matrix": _matrix(whole, names),
            "effects": whole.effects,
            "seed": seed,
            "draws": draws,
        },
        Code(
            command("proposals", "compare", years=span, known=known, draws=draws, seed=seed),
            "from datetime import date\n\nfrom detente.forces.proposals import compare\n\n"
            f"c = compare(years={years!r}, known=date.fromisoformat({str(known)!r}), draws={draws}, seed={seed})\n"
            "for e in c.effects:\n    print(e.proposal, e.party, e.year, e.title, e.count, e.bound, e.p_met, e.cut)",
        ),
        {"effects": rows_of(whole.effects)},
        tuple(dict.fromkeys(s for x in laws.values() for s in cited(x.sources))),
        (
            "Each limit is compiled to a linear form over projected forces and multiplied by every draw. The cut is "
            "the mean excess over the bound, the chance the share of draws that keep it with no change of plan.",
            "A proposal is taken as if it bound everybody it names from the first year on.",
            f"{draws} draws, seed {seed}, from what was in print on {known}.",
        ),
        tuple(dict.fromkeys(m for e in whole.effects for m in e.marks)),
    )  # fmt: skip


def compose(
    base: str, operations: Sequence[tuple[str, str]], text: str, title: str,
    day: date, known: date, year: int, draws: int, seed: int,
) -> Answer:  # fmt: skip
    """A patch over an instrument: its text, the verdicts before and after, and what it would do to whom.

    Parameters: `operations`: ``(path, value as JSON)``, an empty value removes; or `text`: the patch as YAML.
    Raises DetenteError for a patch that breaks a rule, with the line of its text.
    """
    law = load(base)
    text = text or patch_text(law, operations, title)
    with tempfile.TemporaryDirectory(prefix="detente-") as folder:
        path = Path(folder) / FILE
        path.write_text(text, encoding="utf-8")
        try:
            made = read(base, path)
            effects, why = _effects(path, year, known, draws, seed)
        except DetenteError as bad:
            raise DetenteError(bad.what, where=bad.where.replace(f"{folder}/", ""), fix=bad.fix) from None
    clocks = AsOf.on(day, known=known)
    before, after = assess_law(law, clocks), assess_law(made, clocks)
    rows = [
        {"when": w, **r}
        for w, c in (("before", before), ("after", after))
        for r in rows_of(c.verdicts, VERDICT)
    ]
    whole = Comparison(known, (year,), draws, seed, effects)
    return Answer(
        {
            "base": base,
            "title": made.instrument.title,
            "yaml": text,
            "knobs": knobs(law),
            "changes": compare_laws(law, made),
            "before": before.verdicts,
            "after": after.verdicts,
            "status": {"before": before.status.state, "after": after.status.state},
            "parties": _names(),
            "matrix": [] if why else _matrix(whole, [COMPOSED]),
            "effects": effects,
            "effects_refused": why,
            "year": year,
            "seed": seed,
            "draws": draws,
        },
        Code(
            command("assess", base, patch=FILE, as_of=day, known=known)
            + "\n" + command("proposals", "compare", FILE, years=f"{year}:{year}", known=known, draws=draws, seed=seed),
            _python(base, text, day, known),
        ),
        {"verdicts": rows, "effects": rows_of(effects)},
        cited(made.instrument.sources),
        (
            "The patch is applied to the base, whose digest it names; the result is checked by every rule of the "
            "schema and judged by the same engine as any treaty.",
            f"Verdicts: what the parties had declared for {day}.",
            f"Projected: January {year}, {draws} draws, seed {seed}.",
            "Declarations made under the base stand for the limits that count as in the base.",
        ),
        tuple(dict.fromkeys(m for x in (after.verdicts, effects) for v in x for m in v.marks)),
    )  # fmt: skip


VERDICT = ("party", "provision", "outcome", "count", "bound", "margin", "unit", "reason")


def patch_text(base: Loaded, operations: Sequence[tuple[str, str]], title: str) -> str:
    """The patch as YAML; the operations in the order given."""
    made = {
        "patch": COMPOSED,
        "title": title or f"{base.instrument.title}, changed",
        "base": base.instrument.id,
        "base_digest": base.digest,
        "rationale": "composed in the workbench",
        "cite": ["HERE"],
        "quality": "assumed",
        "sources": {"HERE": {"ref": "detente workbench: a reader's own proposal"}},
        "operations": [_operation(path, value) for path, value in operations],
    }
    return yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=96)


def _operation(path: str, value: str) -> dict[str, Any]:
    if value == "":
        return {"remove": path}
    try:
        return {"set": path, "to": msgspec.json.decode(value)}
    except msgspec.DecodeError:
        return {"set": path, "to": value}


def knobs(base: Loaded) -> list[dict[str, Any]]:
    """What the page offers to change: bounds, ends, numbers in counting rules, the length of the term."""
    found: list[dict[str, Any]] = []
    for limit in base.instrument.limits:
        entry = {"group": limit.title, "article": limit.article, "unit": limit.unit}
        bounds = limit.bound if isinstance(limit.bound, dict) else {"": limit.bound}
        for party, value in bounds.items():
            path = f"limits/{limit.id}/bound" + (f"/{party}" if party else "")
            if value is not None:
                found.append({**entry, "path": path, "kind": "number", "of": party, "value": value})
        for n, phase in enumerate(limit.phases):
            mine = phase.bound if isinstance(phase.bound, dict) else {"": phase.bound}
            for party, value in mine.items():
                words = f"{party} from {phase.since}".strip()
                found.append({**entry, "path": "", "kind": "phase", "of": words, "value": value, "n": n})
        if limit.until:
            found.append(
                {**entry, "path": f"limits/{limit.id}/until", "kind": "end", "of": "", "value": limit.until}
            )
    found += [
        {"group": rule.text, "article": rule.article, "unit": rule.unit, "path": f"counting/{rule.id}/each",
         "kind": "each", "of": "", "value": rule.each}
        for rule in base.instrument.counting if isinstance(rule.each, (int, float)) and rule.select
    ]  # fmt: skip
    return found


def _effects(path: Path, year: int, known: date, draws: int, seed: int) -> tuple[tuple[Effect, ...], str]:
    try:
        found = compare_effects([str(path)], years=(year,), known=known, draws=draws, seed=seed).effects
    except DetenteError as bad:  # sound, but not for projected forces: the reader still sees the verdicts
        return (), f"{bad.what}{f'; {bad.fix}' if bad.fix else ''}"
    return tuple(msgspec.structs.replace(e, proposal=COMPOSED) for e in found), ""


def _matrix(c: Comparison, names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"proposal": n, "party": p, "year": y, "share": None if s != s else s, "words": w}
        for n in names
        for y in c.years
        for p in PARTIES
        for s, w in (cell(c.of(n, p, y)),)
    ]


def _names() -> dict[str, str]:
    return {p: find(p).name for p in PARTIES}


def _python(base: str, text: str, day: date, known: date) -> str:
    return (
        "from pathlib import Path\n\nfrom detente.asof import AsOf\n"
        "from detente.assess.compliance import assess_law\nfrom detente.treaty.patch import read\n\n"
        f'Path("{FILE}").write_text("""\\\n{text}""")\nlaw = read({base!r}, Path("{FILE}"))\n'
        f"for v in assess_law(law, AsOf.on({str(day)!r}, known={str(known)!r})).verdicts:\n"
        "    print(v.party, v.provision, v.outcome, v.margin)"
    )

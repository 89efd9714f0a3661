"""What a proof says, in sentences: what is proved, for whom, under which article, and what is not shown."""

from __future__ import annotations

from detente.disclosure.statement import Head


def explain(head: Head) -> list[str]:
    """Lines for a reader who has no mathematics."""
    whose = f"{head.party}, exchange {head.exchange}, {head.treaty.id} as of {head.treaty.day}"
    lines = [
        f"  {whose}: the items committed to in {head.escrow.slots} slots are well formed, and their totals keep",
    ]
    lines += [f"  - {limit.sentence or _bare(limit.sense, limit.bound)}" for limit in head.limits]
    lines += [f"  not covered: {name} ({why})" for name, why in head.left_out]
    log = f"log {head.log.origin} at size {head.log.size}" if head.log.origin else "no log named"
    lines += [
        f"  escrow root {head.root[:32]}..., {log}",
        "  not shown: that every item that exists has a slot, and that a slot's hashed fields agree with its counts "
        "until it is opened",
    ]
    return lines


def _bare(sense: str, bound: int) -> str:
    word = {"<=": "at most", ">=": "at least", "=": "exactly"}[sense]
    return f"{word} {bound}"

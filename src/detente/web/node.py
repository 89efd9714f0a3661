"""The node's answers, for who holds its key: the inbox, the duties, the logs, one entry with its proof."""

from __future__ import annotations

import base64
import hmac
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente.errors import DetenteError
from detente.web.answer import Answer, Code, command

if TYPE_CHECKING:
    from detente.exchange.node import Act, Node

TOKEN = "web.token"
PAGE = 50


def token(home: Path) -> str:
    """The bearer token of a node's folder, made at first use; its owner alone may read it. Raises DetenteError."""
    from detente.exchange.keys import write_private

    path = home / TOKEN
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode())
    if path.stat().st_mode & 0o077:
        raise DetenteError("others may read the node's web token", where=str(path), fix=f"chmod 600 {path}")
    return path.read_text("utf-8").strip()


def allowed(home: Path, header: str) -> bool:
    """Does an Authorization header carry the node's token?"""
    kind, _, given = header.partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token(home).encode())


def inbox(node: Node, language: str = "en") -> Answer:
    """What the others sent and this node has not acknowledged; messages first."""
    from detente.exchange.channel import messages, read, witnessed_mark
    from detente.exchange.notices import fault_of

    acked = {r.leaf for a in node.acts(act="ack", party=node.party) for r in a.envelope.refs}
    urgent = [a for a in messages(node) if a.party != node.party and a.leaf not in acked]
    acts = [
        a for a in node.acts(to=node.party)
        if a.envelope.act not in ("ack", "message") and a.party != node.party and a.leaf not in acked
    ]  # fmt: skip

    def text(act: Act) -> str:
        try:
            return f"{read(node, act, language)} {witnessed_mark(node, act)}".strip()
        except DetenteError as bad:
            return str(bad)

    rows = [_row(node, a) | {"text": text(a), "fault": a.fault} for a in urgent]
    rows += [_row(node, a) | {"text": "", "fault": fault_of(node, a)} for a in acts]
    return Answer(
        {"party": node.party, "waiting": len(rows)},
        _code(node, "inbox"),
        {"inbox": rows},
        explain=("To acknowledge is to confirm receipt and form; it says nothing of agreement.",),
    )


def due(node: Node, *, every: bool = False) -> Answer:
    """What this party owes and what the others owe it, with the clock."""
    from detente.exchange.expiry import lapses
    from detente.exchange.records import dues

    now = node.moment
    rows: list[dict[str, Any]] = [
        {
            "side": "owes" if lapse.party == node.party else "owed",
            "party": lapse.party,
            "instrument": "key annex",
            "duty": "New keys",
            "due": lapse.not_after,
            "days": lapse.left,
            "state": "due" if lapse.left >= 0 else "breached",
            "detail": "the keys expire",
        }
        for lapse in lapses(node)
    ]
    rows += [
        {
            "side": "owes" if d.party == node.party else "owed",
            "party": d.party,
            "instrument": name,
            "duty": d.title,
            "due": d.due.isoformat() if d.due else "",
            "days": (d.due - now).days if d.due else None,
            "state": str(d.state),
            "detail": d.detail or ("recalled deadline" if d.recalled else ""),
        }
        for name, d in dues(node)
        if every or str(d.state) not in ("met", "waived")
    ]
    return Answer(
        {"party": node.party, "now": now},
        _code(node, "due", all=every),
        {"due": rows},
        explain=("Deadlines follow from the instruments' obligations and the events in the log.",),
    )


def log(node: Node, party: str = "", start: int | None = None) -> Answer:
    """A page of one party's log as this node holds it, newest first."""
    who = party or node.party
    size = node.log_of(who).size
    last = size if start is None else min(max(start, 0), size)
    acts = [node.act(who, n) for n in range(max(last - PAGE, 0), last)][::-1]
    return Answer(
        {
            "party": who,
            "size": size,
            "start": last,
            "parties": [{"party": p, "size": node.log_of(p).size} for p in node.annex.parties],
            "origin": node.log_of(who).origin,
        },
        _code(node, "log", "show", party=who),
        {"log": [_row(node, a) for a in acts]},
        explain=("Every party's log is held here whole, and every entry is signed by its party.",),
    )


def entry(node: Node, label: str) -> Answer:
    """One entry with all that proves it: bytes, path to the root, signed checkpoint, the log's keys.

    The page checks it by itself (RFC 6962): nothing here needs to be believed.
    """
    from detente.exchange.records import policy_text, trace

    act = node.find(label)
    log_ = node.log_of(act.party)
    proof, data = log_.prove(act.index), log_.entry(act.index)
    try:
        body = node.body(act) if node.readable(act) else None
    except DetenteError as bad:
        body = str(bad)
    return Answer(
        {
            "act": _row(node, act),
            "leaf": act.leaf,
            "entry": base64.b64encode(data).decode(),
            "index": proof.index,
            "path": [base64.b64encode(h).decode() for h in proof.path],
            "checkpoint": proof.checkpoint,
            "keys": [str(v) for v in node.keys_at(act.party, act.index).verifiers("log")],
            "policy": policy_text(node.annex, act.party, node.store),
            "trace": trace(node, act),
            "signers": act.signers,
            "body": body,
        },
        _code(node, "show", label),
        explain=(
            "The leaf is SHA-256(0x00 || entry); the path leads from it to the root that the checkpoint signs.",
            "detente node log prove writes the same proof as files that anyone can check offline.",
        ),
    )


def acknowledge(node: Node, label: str) -> Answer:
    """Log the receipt of an act; asked again, it is the same receipt."""
    from detente.exchange.notices import acknowledge as make

    act = make(node, node.find(label))
    return Answer({"act": _row(node, act)}, _code(node, "ack", label))


def _row(node: Node, act: Act) -> dict[str, Any]:
    from detente.exchange.records import trace, utc

    e = act.envelope
    return {
        "label": act.label,
        "party": act.party,
        "index": act.index,
        "act": e.act,
        "form": e.form,
        "to": " ".join(e.to),
        "sent": e.at,
        "received": utc(act.received),
        "state": trace(node, act).state if act.index >= 0 else "urgent",
    }


def _code(node: Node, *words: str, **flags: object) -> Code:
    call = {"inbox": "inbox(node)", "due": "due(node)"}.get(words[0], f"log(node, {node.party!r})")
    if words[0] in ("show", "ack"):
        call = f"entry(node, {words[1]!r})"
    return Code(
        command("node", *words, **flags),
        "from pathlib import Path\n\nfrom detente.exchange.node import Node\n"
        f"from detente.web.node import {call.partition('(')[0]}\n\n"
        f'node = Node.open(Path("node"))\nprint({call}.data)',
    )

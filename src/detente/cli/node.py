"""Run a party's node: declare, notify, inspect and talk, on a log that every other party witnesses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli import _node_acts, _node_escrow, _node_keep
from detente.cli._node import ACT_COLUMNS, HomeFlag, act_row, home_of, open_node, peers_of
from detente.cli._show import JsonFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.exchange.expiry import Lapse

app = typer.Typer(add_completion=False, no_args_is_help=True)
app.add_typer(_node_keep.log_app, name="log")
app.add_typer(_node_keep.key_app, name="key")
app.add_typer(_node_keep.evidence_app, name="evidence")
app.add_typer(_node_escrow.escrow_app, name="escrow")
app.add_typer(_node_acts.inspect_app, name="inspect")
for _command in (
    _node_acts.declare,
    _node_acts.notify,
    _node_acts.sign,
    _node_acts.inbox,
    _node_acts.ack,
    _node_acts.message,
    _node_acts.publish,
    _node_acts.books,
    _node_keep.fsck,
):
    app.command(name=_command.__name__)(_command)


@app.command()
def init(
    party: Annotated[str, typer.Option("--party", help="Whose node this is (CN, RU, US, ...).")],
    home: HomeFlag = None,
    regime: Annotated[str, typer.Option("--regime", help="A name for the group of parties.")] = "exercise",
    instrument: Annotated[
        list[str] | None, typer.Option("--instrument", help="An instrument to keep; repeat for more.")
    ] = None,
    url: Annotated[str, typer.Option("--url", help="Where the others reach this node.")] = "",
    port: Annotated[int, typer.Option("--port", help="The port to serve on.")] = 6962,
    store: Annotated[str, typer.Option("--store", help="A file name, or a PostgreSQL URL.")] = "node.db",
    days: Annotated[int, typer.Option("--days", help="How long the keys are valid; 0: without end.")] = 1095,
) -> None:
    """Make keys and an empty node; writes CARD.json, the public keys to give to the other parties."""
    from datetime import UTC, datetime

    import msgspec

    from detente.exchange.keys import ANNEX_TYPE, Annex, new_keys, write_private
    from detente.exchange.node import Config, init_node
    from detente.exchange.rotation import validity
    from detente.parties import party as known

    code = known(party).code
    folder = home_of(home)
    begin, end = validity(datetime.now(UTC).replace(microsecond=0), days) if days else ("", "")
    keys = msgspec.structs.replace(new_keys(code, f"{regime}/{code}"), not_before=begin, not_after=end)
    card = keys.public(url or f"https://127.0.0.1:{port}")
    node = init_node(
        folder,
        keys,
        Annex(ANNEX_TYPE, regime, {code: card}),
        Config(code, store, tuple(instrument or ()), port=port),
    )
    write_private(folder / "card.json", msgspec.json.format(msgspec.json.encode(card), indent=1))
    node.close()
    until = f", keys valid until {end}" if end else ""
    print(f"{code}: a node in {folder}, officers {', '.join(keys.officers)}{until}")
    print(
        f"give {folder / 'card.json'} to the other parties, and join theirs: detente node join CARD.json ..."
    )


@app.command()
def join(cards: list[Path], home: HomeFlag = None) -> None:
    """Pin other parties' keys: adds their cards to this node's key annex and prints its digest."""
    import msgspec

    from detente.cli._node import read_json
    from detente.errors import DetenteError
    from detente.exchange.keys import PublicKeys, parse_annex, write_private
    from detente.exchange.node import annex_digest

    node = open_node(home)
    parties = dict(node.annex.parties)
    for path in cards:
        try:
            card = msgspec.convert(read_json(path), PublicKeys).check()
        except msgspec.ValidationError as bad:
            raise DetenteError(f"not a card: {bad}", where=str(path)) from None
        if parties.get(card.party, card) != card:
            raise DetenteError(
                f"{card.party} has other keys here", where=str(path), fix="keys change in the log only"
            )
        parties[card.party] = card
    annex = msgspec.structs.replace(node.annex, parties=dict(sorted(parties.items())))
    data = msgspec.json.format(msgspec.json.encode(annex), indent=1)
    parse_annex(data)
    write_private(node.home / "annex.json", data)
    print(f"{', '.join(annex.parties)}: annex {annex_digest(annex)}")
    print("Read the digest to each other: it must be the same at every party.")


@app.command()
def serve(
    home: HomeFlag = None,
    every: Annotated[int, typer.Option("--every", help="Seconds between rounds with the peers.")] = 30,
) -> None:
    """Serve this node to its peers, and keep in step with them, until interrupted."""
    import sys
    import threading

    from detente.errors import DetenteError
    from detente.exchange.api import serve as run
    from detente.exchange.fsck import fsck as check

    node = open_node(home)
    report = check(node.store.url, (node.home / "annex.json").read_bytes(), signatures=False)
    if not report.clean:
        raise DetenteError(report.problems[0], where=str(node.home), fix="detente node fsck")
    stop = threading.Event()

    def rounds(party: str) -> None:
        peers = peers_of(node)
        while not stop.wait(every):
            try:
                peers.sync_with(party)
            except Exception as bad:  # whatever ended this round must not end the next ones
                print(f"{node.party}: the round with {party} failed: {bad!r}", file=sys.stderr)

    for party in node.mirrors:  # a thread each: a peer that stalls keeps no other waiting
        threading.Thread(target=rounds, args=(party,), daemon=True).start()
    print(
        f"{node.party}: {report.entries} entries checked; serving on https://{node.config.host}:{node.config.port}"
    )
    try:
        run(node)
    finally:
        stop.set()


@app.command()
def sync(home: HomeFlag = None) -> None:
    """Push our log to every peer, take theirs, and compare the heads that the others hold."""
    node = open_node(home)
    rows: list[tuple[str, str]] = []
    peers_of(node).sync(lambda party, what: rows.append((party, what)))
    show_table("peers", ("party", "result"), rows)


@app.command()
def status(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Where every log stands, who is silent, which drafts and duties wait, and what evidence is held."""
    from detente.exchange.channel import since
    from detente.exchange.contradiction import gather
    from detente.exchange.expiry import lapses
    from detente.exchange.notices import open_drafts
    from detente.exchange.records import dues

    node = open_node(home)
    logs = [
        (p, node.log_of(p).size, "this node" if p == node.party else since(node, p) or "answers")
        for p in node.annex.parties
    ]
    drafts = [
        (d.id[:12], d.form, " ".join(d.to), d.drafted_by, "; ".join(d.findings)) for d in open_drafts(node)
    ]
    waiting = [d for _, d in dues(node) if str(d.state) in ("due", "late", "breached")]
    gather(node)
    evidence = node.store.all("SELECT id, kind FROM evidence ORDER BY seen")
    ending = lapses(node)
    if json:
        show_json(
            {
                "party": node.party,
                "logs": logs,
                "drafts": drafts,
                "duties": len(waiting),
                "evidence": evidence,
                "keys": ending,
            }
        )
        return
    show_table(f"{node.party}: logs held", ("party", "entries", "silent since"), logs)
    if drafts:
        show_table("drafts that wait for a second officer", ("draft", "form", "to", "by", "law says"), drafts)
    for lapse in ending:
        print(warning(node.party, lapse))
    print(
        f"{len(waiting)} duties due, late or breached (detente node due); {len(evidence)} pieces of evidence"
    )


@app.command()
def due(
    home: HomeFlag = None,
    all: Annotated[bool, typer.Option("--all", help="Met and waived duties too.")] = False,
    json: JsonFlag = False,
) -> None:
    """What we owe and what they owe us, with the clock."""
    from detente.exchange.expiry import lapses
    from detente.exchange.records import dues

    node = open_node(home)
    now = node.moment
    ending = lapses(node)
    found = [(i, d) for i, d in dues(node) if all or str(d.state) not in ("met", "waived")]
    if json:
        show_json([*({"keys": lapse} for lapse in ending), *({"instrument": i, "duty": d} for i, d in found)])
        return
    rows = []
    for lapse in ending:
        side, state = (
            "we owe" if lapse.party == node.party else "owed",
            "due" if lapse.left >= 0 else "breached",
        )
        clock = f"in {lapse.left} d" if lapse.left >= 0 else f"{-lapse.left} d ago"
        when = lapse.not_after[:16].replace("T", " ")
        rows.append((side, lapse.party, "key annex", "New keys", when, clock, state, "the keys expire"))
    for name, d in found:
        left = d.due - now if d.due else None
        clock = "" if left is None else f"in {left.days} d" if left.days >= 0 else f"{-left.days} d ago"
        when = d.due.strftime("%Y-%m-%d %H:%M") if d.due else ""
        mark = "recalled deadline" if d.recalled else ""
        side = "we owe" if d.party == node.party else "owed"
        rows.append((side, d.party, name, d.title, when, clock, str(d.state), d.detail or mark))
    columns = ("", "party", "instrument", "duty", "due (UTC)", "clock", "state", "detail")
    show_table(f"{node.party}: duties at {now:%Y-%m-%d %H:%M} UTC", columns, rows)


def warning(own: str, lapse: Lapse) -> str:
    """One line on keys that end."""
    whose = "our keys" if lapse.party == own else f"the keys of {lapse.party}"
    if lapse.left < 0:
        return f"{whose} expired on {lapse.not_after}: acts signed with them are refused"
    fix = "; run 'detente node key rotate'" if lapse.party == own else ""
    return f"{whose} expire in {lapse.left} days, on {lapse.not_after}{fix}"


@app.command()
def show(label: str, home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Show one act (RU:12): its states on both clocks, its body, and what is wrong with it."""
    from detente.errors import DetenteError
    from detente.exchange.commitments import proof_lines
    from detente.exchange.notices import fault_of
    from detente.exchange.records import trace

    node = open_node(home)
    act = node.find(label)
    try:
        body = node.body(act)
    except DetenteError as bad:
        body = str(bad)
    if json:
        show_json({"act": act, "trace": trace(node, act), "body": body, "fault": fault_of(node, act)})
        return
    way = trace(node, act)
    show_table(label, ACT_COLUMNS, [act_row(node, act)])
    rows = [
        ("sent", act.party, way.sent),
        ("witnessed", "all", way.witnessed or f"missing: {', '.join(way.missing)}"),
    ]
    rows += [("received", p, at or "not yet") for p, at in way.received.items()]
    rows += [("acknowledged", p, at) for p, at in way.acknowledged.items()]
    show_table("states", ("state", "party", "at (that party's clock)"), rows)
    fault = fault_of(node, act)
    if fault:
        print(f"fault: {fault}")
    if act.envelope.form.endswith("/ceiling_proof") and not fault:
        print("\n".join(proof_lines(node, act)))
    elif body is not None:
        show_json(body)

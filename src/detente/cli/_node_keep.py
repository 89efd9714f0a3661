"""The node's keeping: its log, its check, its keys, and evidence against others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detente.cli._node import ACT_COLUMNS, HomeFlag, act_row, open_node
from detente.cli._show import JsonFlag, show_json, show_table

log_app = typer.Typer(add_completion=False, help="Show, prove and export logs.")
key_app = typer.Typer(add_completion=False, help="List, rotate and retire keys and certificates.")
evidence_app = typer.Typer(
    add_completion=False,
    help="Evidence against parties that signed two histories, or two roots for one exchange.",
)
PartyFlag = Annotated[str, typer.Option("--party", help="Whose log; our own if left out.")]
OutFlag = Annotated[Path, typer.Option("-o", metavar="PATH", help="Where to write.")]


@log_app.command("show")
def log_show(
    party: PartyFlag = "",
    last: Annotated[int, typer.Option("--last", help="How many of the latest entries.")] = 20,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """The latest entries of a log and their states."""
    node = open_node(home)
    who = party or node.party
    size = node.log_of(who).size
    acts = [a for a in node.acts(party=who) if a.index >= size - last]
    if json:
        show_json(acts)
    else:
        show_table(f"{who}: {size} entries", ACT_COLUMNS, [act_row(node, a) for a in acts])


@log_app.command("prove")
def log_prove(label: str, out: OutFlag, home: HomeFlag = None) -> None:
    """Write OUT.tlog-proof, OUT.entry and OUT.policy: the proof that an entry (RU:12) is logged and witnessed."""
    from detente.exchange.records import policy_text

    node = open_node(home)
    act = node.find(label)
    proof = node.log_of(act.party).prove(act.index)
    for suffix, data in (
        (".tlog-proof", str(proof).encode()),
        (".entry", node.log_of(act.party).entry(act.index)),
        (".policy", policy_text(node.annex, act.party, node.store).encode()),
    ):
        out.with_name(out.name + suffix).write_bytes(data)
    print(f"{out}.tlog-proof, {out}.entry, {out}.policy")


@log_app.command("export")
def log_export(out: OutFlag, party: PartyFlag = "", home: HomeFlag = None) -> None:
    """Write a log as static tlog-tiles files that any web server can serve."""
    from detente.exchange.tiles import tile_path, tiles_of

    node = open_node(home)
    log = node.log_of(party or node.party)
    size = log.size
    out.mkdir(parents=True, exist_ok=True)
    for level, n, width in tiles_of(size):
        path = out / tile_path(level, n, width)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(log.resource(tile_path(level, n, width)))
    (out / "checkpoint").write_text(str(log.cosigned(size)) if size else "", encoding="utf-8")
    print(f"{size} entries of {log.origin} in {out}")


def fsck(
    home: HomeFlag = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Hashes and trees only, no entry signatures.")
    ] = False,
    against: Annotated[
        str, typer.Option("--against", metavar="STORE", help="Another store, whose copies name the bad byte.")
    ] = "",
    json: JsonFlag = False,
) -> None:
    """Check everything stored, with code that shares nothing with the writer; exit 1 where it is not sound."""
    from detente.exchange.fsck import fsck as check

    node = open_node(home)
    url, annex = node.store.url, (node.home / "annex.json").read_bytes()
    node.close()
    report = check(url, annex, signatures=not quick, against=against)
    if json:
        show_json(vars(report))
    else:
        print(
            f"{report.entries} entries, {report.signatures} signatures, {report.bodies} bodies, "
            f"{report.checkpoints} checkpoints, {report.cosignatures} cosignatures: "
            + ("sound" if report.clean else f"{len(report.problems)} problems")
        )
        for problem in report.problems[:20]:
            print(problem)
    if not report.clean:
        raise typer.Exit(1)


DaysFlag = Annotated[int, typer.Option("--days", help="How long the new keys are valid; 0: without end.")]
FirstFlag = Annotated[str, typer.Option("--officer")]
SecondFlag = Annotated[str, typer.Option("--second")]


@key_app.command("list")
def key_list(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Whose keys are valid until when, and which certificates are accepted now."""
    from detente.exchange.pins import fingerprint

    node = open_node(home)
    rows = []
    for party in node.annex.parties:
        keys = node.keys_now(party)
        marks = ", ".join(fingerprint(pem)[:16] for pem in keys.certificates(node.clock()))
        state = keys.outside(node.moment) or "valid"
        rows.append((party, keys.not_before or "always", keys.not_after or "without end", state, marks))
    if json:
        show_json(rows)
    else:
        show_table("keys", ("party", "valid from", "until", "now", "TLS certificates (SHA-256)"), rows)


@key_app.command("rotate")
def key_rotate(
    officer: FirstFlag = "duty-1", second: SecondFlag = "duty-2", days: DaysFlag = 1095, home: HomeFlag = None
) -> None:
    """Make new keys for every role and log them; the old log key signs beside the new until retired."""
    from detente.exchange.rotation import rotate

    node = open_node(home)
    lapsed = node.own.keys.outside(node.moment)
    act = rotate(node, (officer, second), days)
    print(f"{act.label}: new keys logged; retire the old ones when all have seen them")
    if lapsed:
        print(
            f"{lapsed}: the others refuse the change until their officials run 'detente node key accept {act.label}'"
        )


@key_app.command("accept")
def key_accept(label: str, home: HomeFlag = None) -> None:
    """Adopt by hand the new keys in a key entry (CN:57) that came after the old ones had expired; recorded.

    Compare the digest with that party's officials first: no valid key vouches for these.
    """
    from hashlib import sha256

    from detente.exchange.notices import acknowledge

    node = open_node(home)
    act = node.find(label)
    keys = node.mirror(act.party).accept(act.index)
    ack = acknowledge(node, node.find(label))
    digest = sha256(act.envelope.text.encode()).hexdigest()
    print(f"{act.party}: keys of {label}, SHA-256 {digest}, valid until {keys.not_after or 'retired'}")
    print(f"recorded as {ack.label}")


@key_app.command("retire")
def key_retire(officer: FirstFlag = "duty-1", second: SecondFlag = "duty-2", home: HomeFlag = None) -> None:
    """Retire the old keys, once every other party has mirrored the new ones."""
    from detente.exchange.rotation import retire

    print(f"{retire(open_node(home), (officer, second)).label}: old keys retired")


@key_app.command("certificate")
def key_certificate(
    officer: FirstFlag = "duty-1",
    second: SecondFlag = "duty-2",
    overlap: Annotated[
        float, typer.Option("--overlap", help="Days in which the old certificate is good too.")
    ] = 14.0,
    home: HomeFlag = None,
) -> None:
    """Make the next TLS certificate and log its pin; a running node goes over to it by itself."""
    from detente.exchange.rotation import renew_certificate

    node = open_node(home)
    act = renew_certificate(node, (officer, second), overlap)
    print(
        f"{act.label}: the next certificate is logged. It is shown once every other party holds that entry; "
        f"the old one is good until {node.keys.tls_old_until}"
    )


@evidence_app.command("list")
def evidence_list(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """What is held against whom."""
    from detente.exchange.contradiction import CONTRADICTION, check_contradiction, gather
    from detente.exchange.evidence import EVIDENCE_TYPE, check_evidence
    from detente.exchange.records import utc

    node = open_node(home)
    gather(node)
    rows = []
    for identity, kind, seen, data in node.store.all(
        "SELECT id, kind, seen, data FROM evidence ORDER BY seen"
    ):
        text = "a signed head that does not extend ours; unproven"
        if kind == EVIDENCE_TYPE:
            text = check_evidence(bytes(data)).text
        elif kind == CONTRADICTION:
            text = check_contradiction(bytes(data)).text
        rows.append((identity[:12], "suspect" if kind == "suspect" else "proven", utc(seen), text))
    if json:
        show_json(rows)
    else:
        show_table("evidence", ("id", "status", "seen", "what"), rows)


@evidence_app.command("export")
def evidence_export(identity: str, out: OutFlag, home: HomeFlag = None) -> None:
    """Write one piece of evidence as a file that `detente verify` checks anywhere."""
    from detente.errors import DetenteError

    node = open_node(home)
    rows = node.store.all(
        "SELECT data FROM evidence WHERE id LIKE ? AND kind <> 'suspect'", (f"{identity}%",)
    )
    if len(rows) != 1 or not identity.isalnum():
        raise DetenteError(
            f"{len(rows)} proven pieces match '{identity}'", fix="see 'detente node evidence list'"
        )
    out.write_bytes(bytes(rows[0][0]))

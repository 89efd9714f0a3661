"""The node's keeping: its log, its check, its keys, and evidence against others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detente.cli._node import ACT_COLUMNS, HomeFlag, act_row, open_node
from detente.cli._show import JsonFlag, show_json, show_table

log_app = typer.Typer(add_completion=False, help="Show, prove and export logs.")
key_app = typer.Typer(add_completion=False, help="Rotate and retire keys.")
evidence_app = typer.Typer(add_completion=False, help="Evidence against parties that signed two histories, or two roots for one exchange.")
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
        (".policy", policy_text(node.annex, act.party).encode()),
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


@key_app.command("rotate")
def key_rotate(
    officer: Annotated[str, typer.Option("--officer")] = "duty-1",
    second: Annotated[str, typer.Option("--second")] = "duty-2",
    home: HomeFlag = None,
) -> None:
    """Make new keys for every role and log them; the old log key signs beside the new until retired."""
    from detente.exchange.rotation import rotate

    act = rotate(open_node(home), (officer, second))
    print(
        f"{act.label}: new keys logged; restart 'node serve', and retire the old ones when all have seen them"
    )


@key_app.command("retire")
def key_retire(
    officer: Annotated[str, typer.Option("--officer")] = "duty-1",
    second: Annotated[str, typer.Option("--second")] = "duty-2",
    home: HomeFlag = None,
) -> None:
    """Retire the old keys, once every other party has mirrored the new ones."""
    from detente.exchange.rotation import retire

    print(f"{retire(open_node(home), (officer, second)).label}: old keys retired; restart 'node serve'")


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

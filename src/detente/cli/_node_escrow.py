"""The node's escrows: log a root, prove ceilings over it in the log, check the others' roots and proofs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli._node import HomeFlag, OfficerFlag, open_node, peers_of
from detente.cli._node_acts import SECOND, deliver
from detente.cli._show import AsOfFlag, JsonFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.disclosure.container import Escrow

escrow_app = typer.Typer(
    add_completion=False, help="Roots of hidden items in the log, and proofs that they keep the ceilings."
)
Folder = Annotated[Path, typer.Argument(metavar="ESCROW", help="The folder that 'escrow commit' made.")]


def _public(folder: Path) -> Escrow:
    from detente.disclosure.container import read_escrow
    from detente.disclosure.secretfile import read_public

    return read_escrow(read_public(folder / "escrow.public"))


@escrow_app.command("log")
def escrow_log(
    folder: Folder,
    treaty: Annotated[
        str, typer.Option("--treaty", metavar="ID", help="The treaty or proposal it is under.")
    ],
    officer: OfficerFlag = "duty-1",
    second: SECOND = "duty-2",
    as_of: AsOfFlag = "",
    home: HomeFlag = None,
) -> None:
    """Log an escrow's root for everybody; an exchange has one root, and a second one is refused."""
    from detente.exchange.commitments import log_root

    node = open_node(home)
    deliver(node, log_root(node, _public(folder), treaty, (officer, second), day=as_of))


@escrow_app.command("prove")
def escrow_prove(
    folder: Folder,
    proof: Annotated[
        Path | None,
        typer.Option("--proof", metavar="FILE", help="Deliver this proof; made here if left out."),
    ] = None,
    officer: OfficerFlag = "duty-1",
    second: SECOND = "duty-2",
    home: HomeFlag = None,
) -> None:
    """Deliver a proof that the logged escrow keeps its treaty's limits, bound to the log that holds its root."""
    from detente.disclosure.escrow import read_secrets
    from detente.disclosure.secretfile import read_public, read_secret
    from detente.exchange.commitments import log_proof, prove_logged

    node = open_node(home)
    if proof:
        data = read_public(proof)
    else:
        data = prove_logged(node, _public(folder), read_secrets(read_secret(folder / "escrow.secret")))
    deliver(node, log_proof(node, data, (officer, second)))


@escrow_app.command("check")
def escrow_check(
    labels: Annotated[
        list[str] | None, typer.Argument(metavar="[ACT]...", help="RU:12; all if left out.")
    ] = None,
    home: HomeFlag = None,
) -> None:
    """Check the others' roots and proofs against the law held here and record the result; exit 1 on a fault."""
    from detente.exchange.commitments import unchecked
    from detente.exchange.notices import acknowledge, fault_of

    node = open_node(home)
    acts = [node.find(label) for label in labels] if labels else unchecked(node)
    wrong = 0
    for act in acts:
        ack, fault = acknowledge(node, act), fault_of(node, act)
        wrong += bool(fault)
        print(f"{act.label} {act.envelope.form}: {fault or 'in order'}; recorded as {ack.label}")
    if acts and len(node.annex.parties) > 1:
        peers_of(node).sync()
    if wrong:
        raise typer.Exit(1)


@escrow_app.command("list")
def escrow_list(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Every logged root, its proof, what was found, and contradictions; exit 1 where there is one."""
    from detente.exchange.commitments import commitments
    from detente.exchange.contradiction import gather

    node = open_node(home)
    found = commitments(node)
    if gather(node):
        print("proof for the world: detente node evidence list", file=sys.stderr)
    if json:
        show_json(found)
    else:
        rows = [
            (
                c.act, c.root.party, c.root.exchange, c.root.treaty.id, f"{c.root.root[:16]}...", c.root.slots,
                c.proof, c.finding, f"CONTRADICTED by {', '.join(c.contradicted_by)}" if c.contradicted_by else "",
            )
            for c in found
        ]  # fmt: skip
        columns = ("act", "party", "exchange", "law", "root", "slots", "proof", "finding", "")
        show_table("escrow roots", columns, rows)
    if any(c.contradicted_by for c in found):
        raise typer.Exit(1)

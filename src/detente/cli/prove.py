"""Prove that an escrow keeps a treaty's numeric limits without showing any item."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detente.cli._show import AsOfFlag

app = typer.Typer(help=__doc__)


@app.command()
def prove(
    limits: Annotated[str, typer.Argument(metavar="LIMITS", help="A treaty of the library, or a YAML file.")],
    escrow: Annotated[Path, typer.Option(help="The folder that 'escrow commit' made.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The proof.")],
    as_of: AsOfFlag = "",
    log: Annotated[str, typer.Option(help="Origin of the party's log that holds the root.")] = "",
    size: Annotated[int, typer.Option(help="Tree size of that log.", min=0)] = 0,
    compact: Annotated[bool, typer.Option("--compact", help="About a kilobyte, for a teletype.")] = False,
) -> None:
    """Prove every linear limit that LIMITS sets for the escrow's party on the day."""
    from datetime import date

    from detente.disclosure.container import read_escrow
    from detente.disclosure.escrow import read_secrets
    from detente.disclosure.prove import make_head
    from detente.disclosure.prove import prove as make
    from detente.disclosure.secretfile import read_public, read_secret, refuse_existing, write_public
    from detente.disclosure.statement import LogPoint
    from detente.errors import DetenteError
    from detente.exchange.ceilings import ceilings

    refuse_existing(out)
    public = read_escrow(read_public(escrow / "escrow.public"))
    secrets = read_secrets(read_secret(escrow / "escrow.secret"))
    law = ceilings(limits, public.head.party, as_of or date.today().isoformat(), public.head.classes)
    if not law.limits:
        reasons = "; ".join(f"{name}: {why}" for name, why in law.left_out)
        raise DetenteError(f"nothing of {law.treaty.id} can be proved over these classes ({reasons})")
    head = make_head(public, law.treaty, LogPoint(log, size), law.limits, law.left_out)
    if compact:
        from detente.disclosure.compact import prove as make
    data = make(head, public.slots, secrets.openings)
    write_public(out, data)
    print(f"{len(data):,} bytes in {out}: {public.head.party} keeps".replace(",", " "))
    for limit in law.limits:
        print(f"  {limit.sentence}")
    for name, why in law.left_out:
        print(f"  not proved: {name} ({why})")

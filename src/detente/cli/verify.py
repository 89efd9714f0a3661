"""Check proofs, evidence and published records offline, and say in sentences what was proved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli._show import JsonFlag, show_json

if TYPE_CHECKING:
    from detente.disclosure.check import Expected

app = typer.Typer(help=__doc__)


@app.command()
def verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Proofs, evidence, records.")],
    how: Annotated[str, typer.Option(help="native, plain, batch, all, or best.")] = "best",
    treaty: Annotated[str, typer.Option(help="Refuse a proof of another treaty.")] = "",
    law: Annotated[str, typer.Option(help="The text to compare the limits with: an id or a YAML file.")] = "",
    party: Annotated[str, typer.Option(help="Refuse a proof of another party.")] = "",
    exchange: Annotated[int | None, typer.Option(help="Refuse a proof of another exchange.")] = None,
    as_of: Annotated[str, typer.Option("--as-of", help="Refuse a proof under the law of another day.")] = "",
    root: Annotated[str, typer.Option(help="Refuse a proof of another escrow root.")] = "",
    json: JsonFlag = False,
) -> None:
    """Exit 0 where every file proves what it says, 1 where one does not."""
    from detente.disclosure.check import HOW, Expected
    from detente.errors import DetenteError, nearest

    if how not in HOW:
        raise DetenteError(f"no verifier '{how}'", fix=nearest(how, HOW))
    expected = Expected(treaty=treaty, day=as_of, party=party, exchange=exchange, root=root)
    findings = _findings(files, how, expected, law)
    if json:
        show_json(findings)
    else:
        for finding in findings:
            print("\n".join(finding["text"]))
    if not all(f["proved"] for f in findings):
        raise typer.Exit(1)


def _findings(files: list[Path], how: str, expected: Expected, law: str) -> list[dict[str, Any]]:
    """The files checked side by side, as many at once as there are cores."""
    import os
    from concurrent.futures import ProcessPoolExecutor
    from itertools import repeat

    if len(files) == 1:
        return [_finding(files[0], how, expected, law)]
    with ProcessPoolExecutor(min(len(files), os.cpu_count() or 1)) as pool:
        return list(pool.map(_finding, files, repeat(how), repeat(expected), repeat(law)))


def _finding(file: Path, how: str, expected: Expected, law: str) -> dict[str, Any]:
    from detente.disclosure.check import Refused, check_context
    from detente.disclosure.check import verify as check
    from detente.disclosure.explain import explain
    from detente.disclosure.secretfile import read_public
    from detente.errors import DetenteError
    from detente.exchange.ceilings import law_agrees
    from detente.exchange.records_file import explain_record

    data = read_public(file)
    try:
        record = explain_record(file)
        if record is not None:
            return {"file": str(file), "proved": True, "text": [f"{file}: PROVED", *record]}
        head = check(data, how)
        check_context(head, expected)
        compared = law_agrees(head, law)
    except Refused as bad:
        return {"file": str(file), "proved": False, "text": [f"{file}: NOT PROVED: {bad}"]}
    except DetenteError as bad:  # pickled across processes as a plain message
        return {"file": str(file), "proved": False, "text": [f"{file}: NO PROOF: {bad}"]}
    text = [f"{file}: PROVED", *explain(head), f"  {compared}"]
    return {"file": str(file), "proved": True, "head": head, "law": compared, "text": text}

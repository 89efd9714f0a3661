"""Choose what to inspect so that no party can steer it, and check the choice."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer(help=__doc__, add_completion=False)

TermsFile = Annotated[Path, typer.Argument(metavar="TERMS", help="The terms: YAML or JSON.")]
PartyFlag = Annotated[str, typer.Option("--party", help="Whose contribution this is.")]
KeyFlag = Annotated[Path, typer.Option("--key", help="The party's secret VRF key file.")]
AtFlag = Annotated[str, typer.Option("--at", help="Time written into the record; now if left out.")]


@app.command()
def key(file: Annotated[Path, typer.Argument(help="A new file for the secret key.")]) -> None:
    """Make a VRF key: the secret goes to a file of mode 0600, the public half is printed for registration."""
    from detente.disclosure.vrf import Key

    made = Key.generate()
    made.save(file)
    print(made.public.hex())


@app.command()
def terms(file: TermsFile, json: JsonFlag = False) -> None:
    """Check terms and show what they fix; the context digest is what both logs must hold."""
    from detente.disclosure.pick_files import read_terms

    t = read_terms(file)
    if json:
        show_json({"context": t.context.hex(), "terms": t})
        return
    where = f"{t.visits or 'some'} of {len(t.population.sites)} sites, " if t.population.sites else ""
    print(f"inspection   {t.inspection}: {t.inspecting} inspects {t.inspected} under {t.treaty}")
    print(f"choice       {where}{t.picks} of {t.population.slots} slots of root {t.population.root[:16]}...")
    print(f"contributing {', '.join(c.party for c in t.contributors)}")
    print(f"commit by    {t.commit_by}, reveal by {t.reveal_by}, closed by {' else '.join(t.closing)}")
    if t.beacon:
        out = datetime.fromtimestamp(t.beacon.at, UTC)
        print(f"beacon       round {t.beacon.round} of {t.beacon.name}, out at {out:%FT%TZ}")
    print(f"context      {t.context.hex()}")


@app.command()
def commit(file: TermsFile, party: PartyFlag, key: KeyFlag, at: AtFlag = "") -> None:
    """Print this party's commitment (and time-lock) for its log; the contribution stays secret."""
    from detente.disclosure.pick import contribute
    from detente.disclosure.pick_files import read_terms
    from detente.disclosure.vrf import Key

    bound, _, locked = contribute(read_terms(file), party, Key.load(key), at or _now())
    show_json([bound, *([locked] if locked else [])])


@app.command()
def reveal(file: TermsFile, party: PartyFlag, key: KeyFlag, at: AtFlag = "") -> None:
    """Print this party's contribution, after commitments have closed."""
    from detente.asof import parse_moment
    from detente.disclosure.pick import contribute
    from detente.disclosure.pick_files import read_terms
    from detente.disclosure.vrf import Key
    from detente.errors import DetenteError

    t, moment = read_terms(file), at or _now()
    if parse_moment(moment, where="--at") <= parse_moment(t.commit_by):
        raise DetenteError("the others may still commit", where=str(file), fix=f"reveal after {t.commit_by}")
    show_json(contribute(t, party, Key.load(key), moment)[1])


@app.command()
def settle(
    file: TermsFile,
    records: Annotated[
        list[Path], typer.Argument(help="Witnessed records: YAML or JSON, one or a list a file.")
    ],
    expect: Annotated[
        Path | None, typer.Option(help="A settlement as JSON from elsewhere: exit 1 if ours differs.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Derive the choice from the terms and records, as every node does; exit 1 while it is open."""
    from detente.disclosure import pick
    from detente.disclosure.pick_files import read_records, read_settlement, read_terms

    t = read_terms(file)
    found = pick.settle(t, [r for path in records for r in read_records(path)])
    same = expect is None or read_settlement(expect) == found
    if json:
        show_json(found)
    else:
        _tell(found)
        if not same:
            print(f"NOT the settlement of {expect}")
    if not (found.settled and same):
        raise typer.Exit(1)


def _tell(found: object) -> None:
    from detente.disclosure.pick import Settlement

    assert isinstance(found, Settlement)
    if found.settled:
        source = {"beacon": "a beacon round", "dice": "dice thrown by both delegations"}[found.closing]
        print(f"Settled by the contributions of {', '.join(found.contributions) or 'nobody'} and {source}.")
        print(f"seed {found.seed}")
        show_table(
            "Open, in this order",
            ("site", "slots"),
            ((c.site or "-", " ".join(map(str, c.slots))) for c in found.choice),
        )
    else:
        print(f"Not settled yet. Awaited: {', '.join(found.missing)}.")
    for b in found.breaches:
        print(f"Recorded: {b.party} {b.what}. It gained nothing.")


@app.command()
def expand(
    seed: Annotated[str, typer.Argument(help="The seed in hex.")],
    slots: Annotated[int, typer.Option(help="Slots chosen from.")],
    picks: Annotated[int, typer.Option(help="Slots to open.")],
) -> None:
    """Repeat the last step alone: the slots that a seed picks."""
    from detente.disclosure.choice import Stream, sample
    from detente.disclosure.pick_terms import unhex
    from detente.errors import DetenteError

    if not unhex(seed):
        raise DetenteError("the seed is not lower-case hex", where="SEED")
    print(" ".join(map(str, sample(Stream(unhex(seed)), slots, picks))))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

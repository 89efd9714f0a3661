"""Commit to accountable items under one root, open them step by step, check what another party opened."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table
from detente.errors import DetenteError

if TYPE_CHECKING:
    from detente.disclosure.opening import Opener

app = typer.Typer(no_args_is_help=True, help=__doc__)

Folder = Annotated[Path, typer.Argument(metavar="ESCROW", help="The folder that 'commit' made.")]


def _read(folder: Path) -> Opener:
    from detente.disclosure.container import read_escrow
    from detente.disclosure.escrow import read_secrets
    from detente.disclosure.opening import Opener
    from detente.disclosure.secretfile import read_public, read_secret

    public = read_escrow(read_public(folder / "escrow.public"))
    return Opener(public, read_secrets(read_secret(folder / "escrow.secret")))


@app.command()
def commit(
    items: Annotated[Path, typer.Argument(help="CSV list: class, serial and the fields of the classes.")],
    party: Annotated[str, typer.Option(help="The declaring party.")],
    exchange: Annotated[int, typer.Option(help="Number of the data exchange.", min=0)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for escrow.public and escrow.secret.")],
    classes: Annotated[
        str, typer.Option(help="A packaged set of item classes, or a YAML file.")
    ] = "strategic",
    key: Annotated[
        Path | None, typer.Option(help="The party's registered slot key; made if missing.")
    ] = None,
    pad: Annotated[list[str] | None, typer.Option(metavar="CLASS=N", help="Empty slots to add.")] = None,
    json: JsonFlag = False,
) -> None:
    """Make an escrow: the public half goes to everybody, its root into the log, the secret half nowhere."""
    import os

    from detente.disclosure.escrow import commit as make
    from detente.disclosure.group import group
    from detente.disclosure.items import item_classes, read_items
    from detente.disclosure.secretfile import read_secret, refuse_existing, write_public, write_secret
    from detente.parties import party as known_party

    chosen = item_classes(classes)
    listed = read_items(items, chosen)
    path = key or out / "slots.key"
    refuse_existing(out / "escrow.public", out / "escrow.secret")
    fresh = not path.exists()
    vrf = group().scalar(os.urandom(64)) if fresh else read_secret(path)
    if len(vrf) != 32:
        raise DetenteError("this is no slot key", where=str(path), fix="a slot key is 32 bytes")
    padding = dict(_pad(text) for text in pad or ())
    code = known_party(party).code
    escrow, secrets = make(code, exchange, chosen, listed, vrf_secret=vrf, padding=padding)
    if fresh:
        write_secret(path, vrf)
    write_secret(out / "escrow.secret", secrets.encode())
    write_public(out / "escrow.public", escrow.encode())
    found = {"root": escrow.root.hex(), "slots": len(escrow.slots), "folder": str(out)}
    if json:
        show_json(found)
    else:
        print(f"{len(escrow.slots)} slots under the root\n{found['root']}")


def _pad(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not (number.isascii() and number.isdecimal()) or int(number) > 65535:
        raise DetenteError(f"'{text}' is no padding", fix="write CLASS=NUMBER, as in icbm_launcher=50")
    return name, int(number)


@app.command("open")
def open_(
    folder: Folder,
    to: Annotated[str, typer.Option(help="The party that receives it, for the running disclosure.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The opening, a JSON file.")],
    serial: Annotated[str, typer.Option(help="Open the item with this serial number.")] = "",
    slot: Annotated[int, typer.Option(help="Open the item in this slot.")] = -1,
    field: Annotated[str, typer.Option(help="Open only this field of the item.")] = "",
    site: Annotated[str, typer.Option(help="Open every item at this site under its one key.")] = "",
    lookup: Annotated[str, typer.Option(help="Prove whether this serial number is declared.")] = "",
) -> None:
    """Open an item, a field, a site, or answer a serial look-up; note who was shown it."""
    from detente.disclosure import disclosed
    from detente.disclosure.secretfile import refuse_existing, write_public
    from detente.parties import party as known_party

    if sum(map(bool, (serial or slot >= 0, site, lookup))) != 1 or (serial and slot >= 0):
        raise DetenteError("say what to open", fix="one of --serial, --slot, --site, --lookup")
    opener = _read(folder)
    receiver = known_party(to).code
    if lookup:
        document = opener.lookup(lookup)
    elif site:
        document = opener.site(site)
    else:
        number = opener.slot_of(serial) if serial else slot
        if not 0 <= number < len(opener.escrow.slots):
            raise DetenteError(f"no slot {number}", fix=f"0 to {len(opener.escrow.slots) - 1}")
        document = opener.field(number, field) if field else opener.item(number)
    refuse_existing(out)
    shown = disclosed.note(folder / "disclosed.json", document, receiver, date.today().isoformat())
    write_public(out, document.encode())
    print(f"{document.kind}: {len(shown)} fields for {receiver} in {out}")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="An opening that another party made.")],
    root: Annotated[str, typer.Option(help="The escrow root from that party's log.")] = "",
    json: JsonFlag = False,
) -> None:
    """Check an opening against the root and show what it shows; exit 1 where it does not fit."""
    from detente.disclosure.opening import Mismatch, read_document
    from detente.disclosure.opening import check as examine
    from detente.disclosure.secretfile import read_public

    document = read_document(read_public(file))
    try:
        found = examine(document, root=root)
    except Mismatch as bad:
        print(f"DOES NOT FIT: {bad}")
        raise typer.Exit(1) from None
    if json:
        show_json({"root": document.root, "party": document.escrow.party, "findings": found})
        return
    if document.kind == "lookup":
        answer = "IS NOT declared" if found[0].slot < 0 else f"IS declared, slot {found[0].slot}"
        print(
            f"serial {found[0].value}: {answer} by {document.escrow.party}, exchange {document.escrow.exchange}"
        )
    else:
        show_table(
            "opened", ("slot", "class", "field", "value"), [(f.slot, f.kind, f.field, f.value) for f in found]
        )
    if not root:
        print("not compared with a log: give --root to know that it is the committed escrow")


@app.command("disclosed")
def disclosed_(folder: Folder, json: JsonFlag = False) -> None:
    """What has been opened of this escrow, to whom."""
    from detente.disclosure import disclosed

    opener = _read(folder)
    kinds = opener.escrow.head.classes
    widths = [len(kinds[s.kind].texts) + len(kinds[s.kind].quantities) for s in opener.escrow.slots]
    found = disclosed.totals(disclosed.read(folder / "disclosed.json"), widths)
    if json:
        show_json(found)
        return
    columns = ("to", "openings", "items whole", "items touched", "fields", "of", "look-ups")
    rows = [
        (t.to, t.openings, t.items_whole, t.items_touched, t.fields, t.of_fields, t.look_ups) for t in found
    ]
    show_table("disclosed", columns, rows)


@app.command()
def balance(
    old: Annotated[Path, typer.Argument(help="The folder of the earlier escrow.")],
    new: Annotated[Path, typer.Argument(help="The folder of the later escrow.")],
    changes: Annotated[Path, typer.Argument(help="CSV of notified changes: id, class, quantity, change.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The balance proof.")],
) -> None:
    """Prove that two exchanges differ by the notified changes, opening none of them."""
    from detente.disclosure.balance import prove, read_changes
    from detente.disclosure.secretfile import refuse_existing, write_public

    refuse_existing(out)
    before, after = _read(old), _read(new)
    listed = read_changes(changes, before.escrow.head.classes)
    write_public(out, prove(before.escrow, before.secrets, after.escrow, after.secrets, listed))
    print(f"balance of exchanges {before.escrow.head.exchange} and {after.escrow.head.exchange} in {out}")


@app.command("check-balance")
def check_balance(
    old: Annotated[Path, typer.Argument(help="The earlier escrow.public.")],
    new: Annotated[Path, typer.Argument(help="The later escrow.public.")],
    file: Annotated[Path, typer.Argument(help="The balance proof.")],
) -> None:
    """Check a balance proof between two published escrows; exit 1 where it does not hold."""
    from detente.disclosure.balance import verify
    from detente.disclosure.container import read_escrow
    from detente.disclosure.native import Refused
    from detente.disclosure.secretfile import read_public

    try:
        head = verify(read_public(file), read_escrow(read_public(old)), read_escrow(read_public(new)))
    except Refused as bad:
        print(f"NOT PROVED: {bad}")
        raise typer.Exit(1) from None
    print(
        f"PROVED: the escrows of {head.party}, exchanges {head.old} and {head.new}, differ by the sum of the"
    )
    print(f"{len(head.changes)} notified changes in every column; nothing was opened.")

"""The node's acts: declarations, notices, their second signature, inspections, messages, aggregates."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli._node import (
    ACT_COLUMNS,
    HomeFlag,
    OfficerFlag,
    ToFlag,
    act_row,
    fields_of,
    open_node,
    peers_of,
    read_json,
)
from detente.cli._show import JsonFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.exchange.node import Act, Node
    from detente.exchange.notices import Draft

inspect_app = typer.Typer(add_completion=False, help="Request an inspection and take its steps.")
EvenSo = Annotated[bool, typer.Option("--even-so", help="Send it although the law objects.")]
EventFlag = Annotated[str, typer.Option("--event", metavar="TIME", help="When the event happens (UTC).")]
BodyFlag = Annotated[Path | None, typer.Option("--body", metavar="FILE", help="The content as JSON.")]
SetFlag = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A field; repeat for more.")
]
SECOND = Annotated[str, typer.Option("--second", help="The second officer, if at the same desk.")]


def deliver(node: Node, act: Act) -> None:
    """Push at once to whoever answers; what is missing is said and follows later."""
    from detente.exchange.records import trace

    if len(node.annex.parties) > 1:
        peers_of(node).sync()
    way = trace(node, act)
    print(
        f"{act.label}: {way.state}"
        + (f"; not yet witnessed by {', '.join(way.missing)}" if way.missing else "")
    )


def _drafted(node: Node, made: Draft, second: str, even_so: bool) -> None:
    for finding in made.findings:
        print(f"the law: {finding}", file=sys.stderr)
    if not second:
        print(
            f"draft {made.id[:12]}: have a second officer sign: detente node sign {made.id[:12]} --officer NAME"
        )
        return
    from detente.exchange.notices import sign as countersign

    deliver(node, countersign(node, made.id, second, even_so=even_so))


def declare(
    file: Path,
    to: ToFlag,
    officer: OfficerFlag = "duty-1",
    second: SECOND = "",
    form: Annotated[str, typer.Option("--as", help="The event type of the exchange.")] = "database_update",
    period: Annotated[str, typer.Option("--period", help="The first day of the period it is for.")] = "",
    even_so: EvenSo = False,
    home: HomeFlag = None,
) -> None:
    """Draft a full declaration from FILE; it is checked against the law and the last exchange."""
    from detente.exchange.declaration import parse_declaration
    from detente.exchange.notices import draft

    node = open_node(home)
    body = read_json(file)
    name = parse_declaration(body, where=file.name).instrument
    made = draft(node, f"{name}/{form}", to, body, officer, act="declaration", period=period)
    _drafted(node, made, second, even_so)


def notify(
    type: Annotated[
        str, typer.Argument(metavar="TYPE", help="INSTRUMENT/TYPE, e.g. new-start/launch_notice.")
    ],
    to: ToFlag,
    body: BodyFlag = None,
    set: SetFlag = None,
    event: EventFlag = "",
    officer: OfficerFlag = "duty-1",
    second: SECOND = "",
    even_so: EvenSo = False,
    home: HomeFlag = None,
) -> None:
    """Draft a notification; its form and the law's deadlines are checked before anybody signs."""
    from detente.exchange.notices import draft

    node = open_node(home)
    content = {**(read_json(body) if body else {}), **fields_of(set or [])}
    _drafted(node, draft(node, type, to, content, officer, event=event), second, even_so)


def sign(draft: str, officer: OfficerFlag = "duty-2", even_so: EvenSo = False, home: HomeFlag = None) -> None:
    """Give a draft its second signature and send it."""
    from detente.exchange.notices import sign as countersign

    node = open_node(home)
    deliver(node, countersign(node, draft, officer, even_so=even_so))


def inbox(
    home: HomeFlag = None,
    language: Annotated[str, typer.Option("--language", help="en, fr, ru or zh.")] = "en",
    json: JsonFlag = False,
) -> None:
    """What the others sent us and we have not acknowledged; urgent messages first."""
    from detente.errors import DetenteError
    from detente.exchange.channel import messages, read, witnessed_mark
    from detente.exchange.commitments import unchecked
    from detente.exchange.forms import title_of
    from detente.exchange.notices import fault_of

    node = open_node(home)
    acked = {r.leaf for a in node.acts(act="ack", party=node.party) for r in a.envelope.refs}
    urgent = [a for a in messages(node) if a.party != node.party and a.leaf not in acked]
    acts = [
        a for a in node.acts(to=node.party)
        if a.envelope.act not in ("ack", "message") and a.party != node.party and a.leaf not in acked
    ]  # fmt: skip
    faults = [(a.label, a.fault) for a in node.acts(faults=True)]
    if json:
        show_json({"messages": urgent, "acts": acts, "faults": faults})
        return
    for a in urgent:
        try:
            text = read(node, a, language)
        except DetenteError as bad:
            text = str(bad)
        mark = witnessed_mark(node, a)
        print(
            f"[{a.label if a.index >= 0 else a.party + ', urgent'}] {a.envelope.at} {text}"
            + (f" ({mark})" if mark else "")
        )
    titles = [title_of(a.envelope.form, language) for a in acts]
    show_table(
        "not yet acknowledged",
        (*ACT_COLUMNS, "title", "fault"),
        [(*act_row(node, a), title, fault_of(node, a)) for a, (title, _) in zip(acts, titles, strict=True)],
    )
    for mark in sorted({mark for _, mark in titles if mark}):
        print(f"titles in {language}: {mark}")
    waiting = unchecked(node)
    if waiting:
        print(f"{len(waiting)} escrow roots and proofs not yet checked (detente node escrow check)")
    if faults:
        show_table("entries that are not in order", ("act", "fault"), faults)


def ack(labels: list[str], home: HomeFlag = None) -> None:
    """Acknowledge receipt of acts (RU:12 ...); a fault found in them is told to the sender."""
    from detente.exchange.notices import acknowledge

    node = open_node(home)
    for label in labels:
        act = acknowledge(node, node.find(label))
        fault = node.body(act)["fault"]
        print(f"{label} acknowledged as {act.label}" + (f", with fault: {fault}" if fault else ""))
    peers_of(node).sync()


def message(
    code: Annotated[str, typer.Argument(help="A template (detente node message list), e.g. contact.")],
    to: Annotated[list[str] | None, typer.Option("--to", metavar="PARTY", help="A recipient.")] = None,
    set: SetFlag = None,
    text: Annotated[str, typer.Option("--text", help="Free text beside the template.")] = "",
    home: HomeFlag = None,
) -> None:
    """Send an urgent message to duty officers at once; `list` shows the templates."""
    from detente.errors import DetenteError
    from detente.exchange.channel import LANGUAGES, send, templates
    from detente.exchange.forms import UNREVIEWED
    from detente.exchange.records import utc

    if code == "list":
        rows = [(t.code, ", ".join(t.args), *(t.texts[k] for k in LANGUAGES)) for t in templates().values()]
        show_table("messages that need no translator", ("code", "needs", *LANGUAGES), rows)
        unreviewed = [k for k in LANGUAGES if any(t.mark(k) for t in templates().values())]
        if unreviewed:
            print(f"{', '.join(unreviewed)}: {UNREVIEWED}; sources of the terms: exchange/glossary.csv")
        return
    if not to:
        raise DetenteError("a message needs a recipient", fix="give --to PARTY")
    node = open_node(home)
    sent = send(node, peers_of(node), code, to, {k: str(v) for k, v in fields_of(set or []).items()}, text)
    for party, at in sent.delivered.items():
        print(
            f"{sent.act.label} to {party}: "
            + (f"delivered at {utc(at)} (its clock)" if at else "SILENT, will be retried")
        )
    peers_of(node).sync()


def publish(
    instrument: str,
    body: Annotated[Path, typer.Option("--body", metavar="FILE", help="The numbers as JSON.")],
    out: Annotated[Path, typer.Option("-o", metavar="FILE", help="The file for the world.")],
    officer: OfficerFlag = "duty-1",
    second: Annotated[str, typer.Option("--second", help="The second officer.")] = "duty-2",
    home: HomeFlag = None,
) -> None:
    """Publish aggregate numbers as one signed file that anybody can check."""
    from detente.exchange.aggregate import export
    from detente.exchange.aggregate import publish as log

    node = open_node(home)
    act = log(node, instrument, read_json(body), (officer, second))
    deliver(node, act)
    out.write_bytes(export(node, act))


def books(
    instrument: str,
    party: Annotated[str, typer.Option("--party", help="Whose; every party's if left out.")] = "",
    diff: Annotated[
        bool, typer.Option("--diff", help="Every change from exchange to exchange instead.")
    ] = False,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Do the books balance from exchange to exchange? Lists every imbalance; exit 1 where there is one."""
    from detente.exchange.notices import balance, differences

    node = open_node(home)
    if diff:
        parties = [party] if party else list(node.annex.parties)
        found = [
            (p, label, str(d)) for p in parties for label, ds in differences(node, p, instrument) for d in ds
        ]
        if json:
            show_json(found)
        else:
            show_table("changes", ("party", "declaration", "change"), found)
        return
    rows = [
        (p, label, line)
        for p in ([party] if party else node.annex.parties)
        for label, wrong in balance(node, p, instrument)
        for line in (wrong or ("in balance",))
    ]
    if json:
        show_json(rows)
    else:
        show_table("exchanges", ("party", "declaration", "finding"), rows)
    if any(line != "in balance" for _, _, line in rows):
        raise typer.Exit(1)


@inspect_app.command("list")
def inspect_list(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Every inspection and how far it is."""
    from detente.exchange.inspection import inspections

    found = inspections(open_node(home))
    if json:
        show_json(found)
        return
    rows = [(i.id, i.quota, i.inspecting, i.inspected, i.state, "; ".join(i.faults)) for i in found]
    show_table("inspections", ("inspection", "quota", "inspecting", "inspected", "state", "faults"), rows)


@inspect_app.command("request")
def inspect_request(
    quota: Annotated[
        str, typer.Argument(metavar="QUOTA", help="INSTRUMENT/QUOTA, e.g. new-start/inspection_type_one.")
    ],
    of: Annotated[str, typer.Option("--of", metavar="PARTY", help="Who is to be inspected.")],
    body: BodyFlag = None,
    set: SetFlag = None,
    officer: OfficerFlag = "duty-1",
    second: Annotated[str, typer.Option("--second", help="The second officer.")] = "duty-2",
    even_so: EvenSo = False,
    home: HomeFlag = None,
) -> None:
    """Request an inspection; the treaty year's quota and the law of the day are checked."""
    from detente.exchange.inspection import request
    from detente.exchange.records import split_form

    node = open_node(home)
    content = {**(read_json(body) if body else {}), **fields_of(set or [])}
    instrument, word = split_form(quota)
    deliver(node, request(node, instrument, word, of, content, (officer, second), even_so=even_so))


@inspect_app.command("step")
def inspect_step(
    inspection: str,
    step: Annotated[
        str, typer.Argument(help="choice, escort_report, findings, ambiguity, consultation, closure.")
    ],
    body: BodyFlag = None,
    set: SetFlag = None,
    officer: OfficerFlag = "duty-1",
    second: Annotated[str, typer.Option("--second", help="The second officer.")] = "duty-2",
    home: HomeFlag = None,
) -> None:
    """Take the next step of an inspection; a choice carries a joint pick that is settled here again."""
    from detente.exchange.inspection import step as take

    node = open_node(home)
    content = {**(read_json(body) if body else {}), **fields_of(set or [])}
    deliver(node, take(node, inspection, step, content, (officer, second)))

"""Shared by the node's commands: where the node is, its peers, JSON and time on the screen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from detente.exchange.node import Act, Node
    from detente.exchange.peer import Peers

HomeFlag = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="The node's folder; DETENTE_NODE, or ./node, if left out."),
]
OfficerFlag = Annotated[str, typer.Option("--officer", help="Who signs.")]
ToFlag = Annotated[list[str], typer.Option("--to", metavar="PARTY", help="A recipient; repeat for more.")]


def home_of(home: Path | None) -> Path:
    """The node's folder."""
    return home or Path(os.environ.get("DETENTE_NODE", "node"))


def open_node(home: Path | None) -> Node:
    """The node in its folder. Raises DetenteError where the extra `node` is missing."""
    from detente.errors import DetenteError

    try:
        from detente.exchange.node import Node
    except ImportError as bad:
        raise DetenteError(f"a node needs {bad.name}", fix="pip install 'detente[node]'") from None
    return Node.open(home_of(home))


def peers_of(node: Node) -> Peers:
    """The other parties over HTTPS."""
    from detente.exchange.peer import Peers
    from detente.exchange.transport import HttpsTransport

    return Peers(node, HttpsTransport(node))


def read_json(path: Path) -> Any:
    """A JSON file, or standard input for ``-``. Raises DetenteError."""
    import sys

    import msgspec

    from detente.errors import DetenteError

    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return msgspec.json.decode(data)
    except OSError:
        raise DetenteError("cannot be read", where=str(path), fix="check the path") from None
    except msgspec.DecodeError as bad:
        raise DetenteError(f"not JSON: {bad}", where=str(path)) from None


def fields_of(pairs: list[str]) -> dict[str, Any]:
    """``name=value`` pairs as an object; a value that is JSON is read as JSON."""
    import msgspec

    from detente.errors import DetenteError

    found: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise DetenteError(f"'{pair}' is not name=value")
        try:
            found[name] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[name] = value
    return found


def act_row(node: Node, act: Act) -> tuple[str, ...]:
    """One act as a row: label, kind, form, from, to, both clocks, state."""
    from detente.exchange.records import trace, utc

    way = trace(node, act)
    return (
        act.label,
        act.envelope.act,
        act.envelope.form,
        " ".join(act.envelope.to),
        act.envelope.at,
        utc(act.received),
        way.state,
    )


ACT_COLUMNS = ("act", "kind", "form", "to", "sent (sender's clock)", "received (ours)", "state")

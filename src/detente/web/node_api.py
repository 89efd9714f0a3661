"""The node's paths under /api/v1/node: for who sends its token, and nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, FromQuery, QueryParameter

from detente.web import node as answers
from detente.web.answer import Answer
from detente.web.api import Any_, Form, Table, given

Language = Annotated[str, QueryParameter(description="en, fr, ru or zh: the templates' languages.")]


def routes(home: Path | None) -> list[Any]:
    """The handlers; without a node all but one are missing."""

    @get("/api/v1/node", sync_to_thread=False)
    def whether() -> dict[str, bool]:
        """Does a node stand behind this server?"""
        return {"node": home is not None}

    if home is None:
        return [whether]
    lock = threading.Lock()  # a node's store is used by one at a time here

    def call(request: Any_, ask: Callable[[Any], Answer], form: str = "", table: str = "") -> Response[bytes]:
        if not answers.allowed(home, request.headers.get("authorization", "")):
            raise NotAuthorizedException(
                "send the node's token: Authorization: Bearer ...", headers=CHALLENGE
            )
        from detente.exchange.node import Node

        with lock:
            node = Node.open(home)
            try:
                return given(lambda: ask(node), form, table, "node")
            finally:
                node.close()

    @get("/api/v1/node/inbox", sync_to_thread=True)
    def inbox(
        request: Any_, language: Language = "en", form: Form = "", table: Table = ""
    ) -> Response[bytes]:
        """What the others sent and this node has not acknowledged."""
        return call(request, lambda n: answers.inbox(n, language), form, table)

    @get("/api/v1/node/due", sync_to_thread=True)
    def due(
        request: Any_, every: FromQuery[bool] = False, form: Form = "", table: Table = ""
    ) -> Response[bytes]:
        """The duties, with the clock."""
        return call(request, lambda n: answers.due(n, every=every), form, table)

    @get("/api/v1/node/log", sync_to_thread=True)
    def log(
        request: Any_, party: FromQuery[str] = "", start: FromQuery[int | None] = None,
        form: Form = "", table: Table = "",
    ) -> Response[bytes]:  # fmt: skip
        """A page of a log, newest first."""
        return call(request, lambda n: answers.log(n, party, start), form, table)

    @get("/api/v1/node/log/{label:str}", sync_to_thread=True)
    def entry(request: Any_, label: FromPath[str]) -> Response[bytes]:
        """One entry (RU:12) with all that proves it."""
        return call(request, lambda n: answers.entry(n, label))

    @post("/api/v1/node/ack/{label:str}", sync_to_thread=True, status_code=200)
    def ack(request: Any_, label: FromPath[str]) -> Response[bytes]:
        """Acknowledge an act of another party: receipt and form, not agreement."""
        return call(request, lambda n: answers.acknowledge(n, label))

    return [whether, inbox, due, log, entry, ack]


CHALLENGE = {"WWW-Authenticate": 'Bearer realm="detente node"'}

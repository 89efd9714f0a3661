"""The channel between duty officers: templates in four languages, delivered at once, witnessed or not."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from detente.errors import DetenteError, nearest
from detente.exchange.expiry import SKEW
from detente.exchange.forms import UNREVIEWED
from detente.exchange.node import Act, Node
from detente.exchange.peer import Peers
from detente.exchange.records import first_cosigned, utc

LANGUAGES = ("en", "fr", "ru", "zh")


class Template(msgspec.Struct, frozen=True):
    """A message that needs no translator: its code, what it must be told, its text in each language."""

    code: str
    args: tuple[str, ...]
    texts: dict[str, str]
    terms: tuple[str, ...] = ()  # of the glossary
    reviewed: tuple[str, ...] = ("en",)  # languages whose wording a native speaker has read

    def mark(self, language: str) -> str:
        """What the reader must be told of the wording; empty where it has been reviewed."""
        return "" if language in self.reviewed else UNREVIEWED

    def text(self, language: str, args: dict[str, str]) -> str:
        """The message in a language. Raises DetenteError for an unknown language or a missing part."""
        if language not in self.texts:
            raise DetenteError(f"no text in '{language}'", where=self.code, fix=nearest(language, self.texts))
        if set(args) != set(self.args):
            raise DetenteError(f"{self.code} needs: {', '.join(self.args) or 'nothing'}", where="message")
        out = self.texts[language]
        for name, value in args.items():  # not str.format: the values are another party's text
            out = out.replace("{" + name + "}", value)
        return out


@cache
def templates() -> dict[str, Template]:
    """The templates by code, from ``messages.csv``."""
    text = files("detente.exchange").joinpath("messages.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        r["code"]: Template(
            r["code"],
            tuple(filter(None, r["args"].split("|"))),
            {k: r[k] for k in LANGUAGES},
            tuple(filter(None, r["terms"].split("|"))),
            tuple(filter(None, r["reviewed"].split("|"))),
        )
        for r in rows
    }


def template(code: str) -> Template:
    """A template. Raises DetenteError with the nearest code."""
    if code not in templates():
        raise DetenteError(f"no message '{code}'", fix=nearest(code, templates()))
    return templates()[code]


class Sent(msgspec.Struct, frozen=True):
    """A message as delivered: each recipient's clock at receipt, None where it is silent."""

    act: Act
    delivered: dict[str, int | None]


def send(
    node: Node, peers: Peers | None, code: str, to: list[str], args: dict[str, str], free: str = ""
) -> Sent:
    """Log a message and deliver it at once to each recipient, ahead of any backlog and of any witness.

    One officer suffices: a crisis does not wait for a second signature.
    """
    template(code).text("en", args)
    if len(free) > 20_000:
        raise DetenteError("the free text is too long", fix="20000 characters at most")
    act = node.publish("message", f"channel/{code}", to, {"code": code, "args": args, "free": free})
    delivered = {p: peers.urgent(act, p) if peers else None for p in to}
    return Sent(act, delivered)


def read(node: Node, act: Act, language: str = "en") -> str:
    """The text of a received message in a language, marked where that wording is unreviewed, with its free text.

    Raises DetenteError if malformed.
    """
    body: Any = node.body(act)
    try:
        code, args, free = str(body["code"]), dict(body["args"]), str(body["free"])
    except (KeyError, TypeError, ValueError):
        raise DetenteError("not a message", where=act.label) from None
    chosen = template(code)
    text = chosen.text(language, {str(k): str(v) for k, v in args.items()})
    mark = f" ({chosen.mark(language)})" if chosen.mark(language) else ""
    return f"{text}{mark}\n{free}" if free else f"{text}{mark}"


def witnessed_mark(node: Node, act: Act) -> str:
    """``unwitnessed since T`` for a message without every other party's cosignature; empty otherwise.

    A message under keys that are not valid says so too: it is delivered all the same.
    """
    keys = node.keys_at(act.party, act.index) if act.index >= 0 else node.keys_now(act.party)
    seen = first_cosigned(node, act.party, act.index) if act.index >= 0 else {}
    held = min([act.received, *seen.values()])
    lapsed = keys.outside(act.envelope.moment) or keys.outside_at(held - SKEW.total_seconds())
    silent = sorted(set(node.annex.parties) - {act.party, *seen})
    by = f" by {', '.join(silent)}" if act.index >= 0 else ""
    unwitnessed = f"unwitnessed since {act.envelope.at}{by}" if silent else ""
    return "; ".join(filter(None, (lapsed, unwitnessed)))


def messages(node: Node) -> list[Act]:
    """Messages to and from us, in the order we had them, urgent ones that wait for their log included."""
    held = [a for a in node.acts(act="message") if node.readable(a)]
    return sorted([*held, *(a for a in node.urgent_acts() if node.readable(a))], key=lambda a: a.received)


def since(node: Node, party: str) -> str:
    """Since when a party is silent, as a UTC text; empty where it answers."""
    row = node.store.one("SELECT silent_since FROM peer WHERE party = ?", (party,))
    return utc(int(row[0])) if row else ""

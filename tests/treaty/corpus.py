"""What the fuzzers start from: sound instruments, hostile scalars, and ways to damage both."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from detente.asof import AsOf
from detente.errors import DetenteError
from detente.treaty.load import LIBRARY, loads
from detente.treaty.resolve import change_points, resolve

SEEDS = [p.read_bytes() for p in sorted(LIBRARY.glob("*/treaty.yaml"))[:4]]

SMALL = Path(__file__).with_name("small.yaml").read_bytes()

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    2**53 - 1,
    "",
    " ",
    "\n",
    "\x1b[31m",
    "a\x00b",
    "\u202e",
    "é" * 300,
    "x" * 70000,
    "P99999999Y",
    "-P99999999999D",
    "P" + "9" * 5000 + "Y",
    "9999-12-31",
    "0001-01-01",
    "0000",
    "2011-02-30",
    "entry_into_force + P9999Y",
    "term_end - P9999Y",
    "first_of_next_month(entry_into_force)",
    "term_end",
    "a",
    "first_of_next_month(term_end) - P1M + P1D",
    "limits/A",
    "../../etc/passwd",
    "P1M",
    "PT1H",
    "P0D",
    "-P1D",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"a": {"b": {}}},
    ["US", "US"],
    {"min": 3},
    {"above": 1, "below": 0},
    "declared_total",
)

TOKENS = [
    b"&a ",
    b"*a",
    b"!!int ",
    b"!x ",
    b"? ",
    b": ",
    b"- ",
    b"{",
    b"}",
    b"[",
    b"]",
    b"|",
    b">",
    b"'",
    b'"',
    b"#",
    b"%",
    b"\t",
    b"\n",
    b"\n\n",
    b"  ",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"---\n",
    b"...\n",
    b"<<: ",
    b"~",
    b"null",
    b".inf",
    b"1e999",
    b"99999999999999999999",
    b"P99999999Y",
    b"9999-12-31",
    b"\\ud800",
    b"\xe2\x80\xa8",
    b"term_end",
    b"entry_into_force",
]


def attempt(data: bytes) -> None:
    """Load; only DetenteError may come out. What loads has a law on every day, without any error."""
    try:
        loaded = loads(data, "fuzz.yaml")
    except DetenteError as bad:
        assert str(bad)
        return
    for day in (*change_points(loaded)[:3], date(1, 1, 1), date(2015, 6, 1), date(9999, 12, 30)):
        law = resolve(loaded, AsOf.on(day))
        for party in loaded.instrument.parties[:3]:
            law.status(party)
            for limit in loaded.instrument.limits:
                law.bound(limit, party)
        law.exceptions()
        law.obligations()


def paths(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a tree, the root left out."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [p for key, value in inner for p in ((*at, key), *paths(value, (*at, key)))]


def put(tree: Any, at: tuple[Any, ...], value: Any) -> Any:
    """`tree` with another value at a place; the value ``...`` removes it."""
    if not at:
        return value
    new = dict(tree) if isinstance(tree, dict) else list(tree)
    if len(at) == 1 and value is ...:
        del new[at[0]]
    else:
        new[at[0]] = put(tree[at[0]], at[1:], value)
    return new

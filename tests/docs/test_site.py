"""The site's table of contents holds every page once, and every command has its line in the reference."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from detente import cli
from tests.docs.console import ROOT

DOCS = ROOT / "docs"


def pages_of(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for part in nav.values():
            yield from pages_of(part)
    else:
        for part in nav:
            yield from pages_of(part)


def test_every_page_stands_once_in_the_table_of_contents() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
    listed = sorted(pages_of(site["nav"]))
    decisions = {p.name for p in (DOCS / "decisions").glob("0*.md")}
    assert listed == sorted(str(p.relative_to(DOCS)) for p in DOCS.rglob("*.md") if p.name not in decisions)
    index = (DOCS / "decisions" / "index.md").read_text()
    assert decisions == set(re.findall(r"\((0[^)]+)\)", index))


def test_every_command_is_in_the_reference() -> None:
    text = (DOCS / "commands.md").read_text()
    missing = [name for name in cli.command_names() if f"`{name}" not in text]
    assert not missing

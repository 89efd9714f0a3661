"""What the documentation says that a command prints, it prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.console import ROOT, Example, examples, fits, pages, run, workplace


@pytest.mark.parametrize("page", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_examples_of_a_page(page: Path) -> None:
    with workplace():
        for example in examples(page):
            code, printed = run(example.command)
            where = f"{page.name}:{example.line}: {example.command}"
            assert code == example.exit_code, f"{where}: exit {code}\n" + "\n".join(printed)
            assert fits(example.expected, printed), where + "\nnow prints\n" + "\n".join(printed)


def test_the_comparison_can_fail() -> None:
    assert fits(["a", "...", "d"], ["a", "b", "c", "d"])
    assert not fits(["a", "...", "d"], ["a", "b"])
    assert not fits(["a"], ["a", "b"])
    assert Example(ROOT, 1, "detente x  # exit 2", []).exit_code == 2


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken

"""The page on claims keeps its promises: its example file is read, its kinds of question are all there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detente.assess.claims import claim, read_claims, words
from detente.assess.judge import Word
from detente.assess.questions import Asked

PAGE = Path(__file__).parents[2] / "docs" / "claims.md"


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text("utf-8")


def test_the_example_file_is_the_claim_itself(text: str, tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "claims-page.yaml"
    path.write_text(block, "utf-8")
    (made,) = read_claims(path)
    kept = claim("C049")
    assert (made.text, made.date, made.tests, made.untested) == (
        kept.text,
        kept.date,
        kept.tests,
        kept.untested,
    )


def test_every_kind_of_question_and_every_word_is_told(text: str) -> None:
    for kind in Asked.__subclasses__():
        assert f"`{kind.__struct_config__.tag}`" in text
    for word in Word:
        assert f"| {word} |" in text
    assert f"{words().supported_from:g}" in text and f"{words().contradicted_to:g}" in text

"""Templates in four languages against a glossary whose every term says where its wording was read."""

from __future__ import annotations

import csv
import re
from importlib.resources import files

import pytest

from detente.exchange.channel import LANGUAGES, templates
from detente.exchange.forms import UNREVIEWED, forms, title_of
from detente.sources import Quality

ROWS = list(
    csv.DictReader(files("detente.exchange").joinpath("glossary.csv").read_text("utf-8").splitlines())
)
TERMS = {r["term"] for r in ROWS}
WORDINGS = [(f"message {t.code}", t.terms, t.texts, t.reviewed) for t in templates().values()] + [
    (f"form {name}", f.terms, f.title, f.reviewed) for name, f in forms().items()
]


def row(term: str, language: str) -> dict[str, str]:
    (found,) = [r for r in ROWS if (r["term"], r["language"]) == (term, language)]
    return found


@pytest.mark.parametrize("wording", WORDINGS, ids=lambda w: w[0])
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_template_uses_the_glossarys_words(
    wording: tuple[str, tuple[str, ...], dict[str, str], tuple[str, ...]], language: str
) -> None:
    _, terms, texts, _ = wording
    assert terms and set(terms) <= TERMS
    for term in terms:
        stem = row(term, language)["stem"]
        assert re.search(stem, texts[language]), f"{term}: no '{stem}' in '{texts[language]}'"


@pytest.mark.parametrize("term", sorted(TERMS))
def test_each_term_has_four_languages_and_the_source_of_each(term: str) -> None:
    for language in LANGUAGES:
        found = row(term, language)
        assert re.search(found["stem"], found["wording"]), "the check looks for the word that was read"
        assert bool(found["source"]) is not Quality(found["quality"]).doubtful
        assert found["source"].startswith("http") or not found["source"]


def test_every_term_is_used_and_every_word_of_no_source_is_in_an_unreviewed_text() -> None:
    used = {t for _, terms, _, _ in WORDINGS for t in terms}
    assert used == TERMS
    for name, terms, _, reviewed in WORDINGS:
        assert set(reviewed) <= set(LANGUAGES) and "en" in reviewed
        for language in set(reviewed) - {
            "en"
        }:  # a review may stand in for a source; English is what was written
            assert all(Quality(row(t, language)["quality"]) for t in terms), name


def test_a_foreign_word_is_caught() -> None:
    """The check can fail: `необъяснимый` (inexplicable) is not the `необъясненный` of the 1977 agreement."""
    stem = row("unexplained", "ru")["stem"]
    assert not re.search(stem, "необъяснимый инцидент") and re.search(stem, "необъяснённый инцидент")


def test_unreviewed_wording_says_so_wherever_it_is_shown() -> None:
    for t in templates().values():
        assert t.mark("en") == "" and all("not yet reviewed" in t.mark(k) for k in ("fr", "ru", "zh"))
    assert title_of("new-start/inspection_notice", "ru") == ("Намерение провести инспекцию", UNREVIEWED)
    assert title_of("new-start/inspection_notice", "en") == ("Intent to inspect", "")
    assert title_of("exercise/unheard_of", "zh") == ("exercise/unheard_of", "")

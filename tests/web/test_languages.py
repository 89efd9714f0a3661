"""The page's words: the same keys and blanks in every language, plurals in full."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from litestar.testing import TestClient

FOLDER = Path(__file__).parents[2] / "web/src/lib/languages"
CATALOGUES = {p.stem: json.loads(p.read_text("utf-8")) for p in sorted(FOLDER.glob("*.json"))}
BLANK = re.compile(r"\{(\w+)\}")
FORMS = {
    "en": 2,
    "fr": 2,
    "ru": 4,
    "zh-Hans": 1,
    "zh-Hant": 1,
}  # plural forms, as CLDR names them for integers


def test_five_languages() -> None:
    assert set(CATALOGUES) == set(FORMS)


@pytest.mark.parametrize("language", [x for x in FORMS if x != "en"])
def test_the_same_keys_and_blanks(language: str) -> None:
    english, other = CATALOGUES["en"], CATALOGUES[language]
    assert list(other) == list(english)
    for key, text in other.items():
        assert text.strip() or not english[key], key
        for form in text.split("|"):
            assert set(BLANK.findall(form)) == set(BLANK.findall(english[key])), key


@pytest.mark.parametrize("language", FORMS)
def test_plurals_are_whole(language: str) -> None:
    for key, text in CATALOGUES[language].items():
        if "|" in CATALOGUES["en"][key]:
            assert len(text.split("|")) in (FORMS[language], 3 if language == "fr" else FORMS[language]), key
        else:
            assert "|" not in text, key


def test_the_sentences_of_an_answer_come_in_the_language(client: TestClient) -> None:
    params = {"as_of": "2024-06-01"}
    english = client.get("/api/v1/overview", params=params).json()
    french = client.get("/api/v1/overview", params={**params, "lang": "fr"}).json()
    assert english.pop("said") == {} and len(french["said"]) > 50
    assert {k: v for k, v in french.items() if k != "said"} == english, "the data speak no language"
    told = french["said"]
    assert told[english["data"]["summary"]].startswith("Les armements stratégiques")
    first = english["data"]["headlines"][2]
    assert told[f"{first['value']} | {first['label']}"].endswith("1er mars 2023")
    assert client.get("/api/v1/overview", params={"lang": "xx"}).status_code == 400


def test_every_key_is_used() -> None:
    sources = "".join(
        p.read_text("utf-8") for p in FOLDER.parents[1].rglob("*") if p.suffix in (".svelte", ".ts")
    )
    spoken = set(re.findall(r"word\('(\w+)'", sources)) | {"drawer", "quality", "state", "outcome", "word"}
    for key in CATALOGUES["en"]:
        assert f"'{key}'" in sources or key.partition(".")[0] in spoken, key

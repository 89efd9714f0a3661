"""The catalogues: the same messages everywhere, right plurals, the glossary's terms, one writing system each."""

from __future__ import annotations

import re

import pytest
from babel import Locale

from detente.brief.catalogue import FOLDER, LANGUAGES, SLOT, TYPES, language, languages, messages, types
from detente.brief.glossary import glossary
from detente.brief.tongue import tongue
from detente.errors import DetenteError

OTHERS = [code for code in LANGUAGES if code != "en"]


@pytest.mark.parametrize("code", OTHERS)
def test_each_catalogue_has_the_messages_and_slots_of_english(code: str) -> None:
    mine, english = messages(code), messages("en")
    assert mine.keys() == english.keys()
    assert [k for k in english if mine[k].slots != english[k].slots] == []


def test_english_types_every_slot_and_only_english_does() -> None:
    assert {how for kinds in types().values() for how in kinds.values()} <= set(TYPES)
    for code in OTHERS:
        for m in messages(code).values():
            assert not [s for text in m.forms.values() for s in SLOT.finditer(text) if ":" in s[0]]


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_form_uses_every_slot_of_its_message(code: str) -> None:
    for key, m in messages(code).items():
        for form in m.forms.values():
            used = {s["name"] for s in SLOT.finditer(form)}
            assert used | {m.by} - {""} == m.slots, key
            assert not re.search(r"[{}]", SLOT.sub("", form)), key


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_message_with_plurals_has_the_categories_of_its_language(code: str) -> None:
    tags = set(Locale.parse(code.replace("-", "_")).plural_form.tags) | {"other"}
    tags -= {"many"} if code == "fr" else set()  # French: only for millions in full, which no page prints
    for key, m in messages(code).items():
        assert m.forms.keys() == (tags if m.by else {"other"}), key


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ru", {0: "0 дней", 1: "1 день", 2: "2 дня", 5: "5 дней", 11: "11 дней", 21: "21 день", 22: "22 дня"}),
        ("fr", {0: "0 jour", 1: "1 jour", 2: "2 jours", 21: "21 jours"}),
        ("en", {0: "0 days", 1: "1 day", 2: "2 days"}),
        ("zh-Hans", {1: "1天", 5: "5天"}),
        ("zh-Hant", {1: "1天", 5: "5天"}),
    ],
)  # fmt: skip
def test_plurals(code: str, said: dict[int, str]) -> None:
    assert {n: tongue(code).say("law.days", n=n) for n in said} == said


def test_languages_are_found_by_any_case_and_unknown_ones_refused() -> None:
    assert language("ZH-hant") == "zh-Hant"
    assert languages("all") == tuple(LANGUAGES) and languages("ru, fr,ru") == ("ru", "fr")
    with pytest.raises(DetenteError, match="no language 'de'"):
        languages("en,de")


def test_a_catalogue_file_for_each_language_and_no_other() -> None:
    assert {p.stem for p in FOLDER.glob("*.yaml")} == set(LANGUAGES)


# Term by term: a message that holds the English term holds the term of its own language.


def test_the_glossary_is_whole() -> None:
    assert len(glossary()) >= 30
    for t in glossary():
        assert set(t.recalled) <= set(OTHERS) and all(t.forms[c][0] for c in LANGUAGES), t.term
        assert bool(t.sources) == (t.quality != "recalled"), t.term
        assert (set(t.recalled) == set(OTHERS)) == (t.quality == "recalled"), t.term


@pytest.mark.parametrize("code", OTHERS)
def test_messages_use_the_terms_of_the_glossary(code: str) -> None:
    wrong, held = [], 0
    for t in glossary():
        for key, m in messages("en").items():
            if any(t.stands_in(form, "en") for form in m.forms.values()):
                held += 1
                wrong += [
                    (t.term, key)
                    for form in messages(code)[key].forms.values()
                    if not t.stands_in(form, code)
                ]
    assert wrong == [] and held > 200


def test_every_term_of_the_glossary_is_used() -> None:
    said = [form for m in messages("en").values() for form in m.forms.values()]
    assert [t.term for t in glossary() if not any(t.stands_in(x, "en") for x in said)] == []


# The two Chinese writings: the national character sets are the judges, and words that differ, not only characters.


@pytest.mark.parametrize(("code", "charset"), [("zh-Hans", "gb2312"), ("zh-Hant", "cp950")])
def test_chinese_keeps_to_the_characters_of_its_writing(code: str, charset: str) -> None:
    text = "".join(form for m in messages(code).values() for form in m.forms.values())
    for character in {c for c in text if c > "\u2e80"}:
        character.encode(charset)


def test_traditional_chinese_is_no_conversion_of_characters() -> None:
    text = "".join(form for m in messages("zh-Hant").values() for form in m.forms.values())
    for mainland in (
        "導彈",
        "概率",
        "數據",
        "信息",
        "震級",
        "閾值",
        "北約組織",
        "五角大樓",
        "普京",
        "特朗普",
    ):
        assert mainland not in text, mainland
    for here in ("飛彈", "機率", "資料", "資訊", "規模"):
        assert here in text, here

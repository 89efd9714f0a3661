"""Tongues: numbers, dates and sentences by locale, English recognised by its pattern, the unknown left and marked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detente.assess.claims import all_claims
from detente.brief.catalogue import LANGUAGES, messages, types
from detente.brief.counts import trees
from detente.brief.law import deadline_words
from detente.brief.record import Brief
from detente.brief.speech import spoken, spoken_plain, spoken_tree
from detente.brief.text import fill, terminal
from detente.brief.tongue import FOREIGN, HOME, plain, tongue
from detente.treaty import instrument_ids, load

OTHERS = [code for code in LANGUAGES if code != "en"]
DAYS = ("2026-11-23", "2022-06-01", "2010-01-01", "1970-01-01")
NARROW, HARD = "\u202f", "\xa0"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", ["1 419", "+20", "0.07", "6.03e+03"]),
        ("fr", [f"1{NARROW}419", "+20", "0,07", f"6{NARROW}030"]),
        ("ru", [f"1{HARD}419", "+20", "0,07", f"6{HARD}030"]),
        ("zh-Hans", ["1,419", "+20", "0.07", "6,030"]),
        ("zh-Hant", ["1,419", "+20", "0.07", "6,030"]),
    ],
)
def test_numbers_by_locale(code: str, said: list[str]) -> None:
    assert [tongue(code).number(x) for x in ("1 419", "+20", "0.07", "6.03e+03")] == said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", ["2026-02-05", "2026-01", "2023-03-01"]),
        ("fr", ["5 février 2026", "janvier 2026", "1er mars 2023"]),
        ("ru", [f"5 февраля 2026{NARROW}г.", f"январь 2026{NARROW}г.", f"1 марта 2023{NARROW}г."]),
        ("zh-Hans", ["2026年2月5日", "2026年1月", "2023年3月1日"]),
        ("zh-Hant", ["2026年2月5日", "2026年1月", "2023年3月1日"]),
    ],
)
def test_dates_by_locale(code: str, said: list[str]) -> None:
    found = [tongue(code).day(x).replace(HARD, NARROW) for x in ("2026-02-05", "2026-01", "2023-03-01")]
    assert found == said


SAMPLES = {
    "number": "1 234", "date": "2026-02-05", "year": "2030", "party": "Russia", "text": "in force",
    "list": "New START, START I", "ref": "II.1(b)", "raw": "ev1",
}  # fmt: skip


@pytest.mark.parametrize("code", OTHERS)
def test_each_message_said_in_english_is_heard_in_the_language(code: str) -> None:
    said = tongue(code)
    for key in messages("en"):
        if not key.startswith(("join.", "page.", "party.")):
            text = tongue("en").say(key, **{name: SAMPLES[kind] for name, kind in types()[key].items()})
            assert FOREIGN not in said.hear(text), (key, text)


def test_what_no_catalogue_knows_stays_and_is_marked() -> None:
    assert tongue("ru").hear("A sentence nobody wrote.") == f"{FOREIGN}A sentence nobody wrote{HOME}."
    assert tongue("ru").hear("in force; a thing unheard") == f"действует; {FOREIGN}a thing unheard{HOME}"
    assert tongue("fr").hear("MKAR (PS23)") == "MKAR (PS23)"  # names without words are the same everywhere


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("day", DAYS)
def test_nothing_on_a_page_stays_english(code: str, day: str, brief_of: Callable[[str], Brief]) -> None:
    found = brief_of(day)
    told = spoken(found, tongue(code))
    reasons = [spoken_tree(t, tongue(code)) for t in trees(found.as_of).values()]
    assert told.as_of == found.as_of and told.title != found.title
    assert [x for x in str((told, reasons)).split("'") if FOREIGN in x or "\\ue000" in x] == []


@pytest.mark.parametrize("code", OTHERS)
def test_the_library_and_the_claims_have_words_in_each_language(code: str) -> None:
    said = tongue(code)
    texts = [c.text for c in all_claims()] + [f"{c.speaker}, {c.party}" for c in all_claims()]
    for name in instrument_ids():
        i = load(name).instrument
        texts += [i.title, i.summary]
        notified = i.topic in ("notification", "communication")
        for o in i.obligations if notified else ():
            texts += [o.title, deadline_words(o)]
    assert [x for x in texts if FOREIGN in said.hear(x)] == []


def test_the_four_numbers_agree_with_their_labels(brief_of: Callable[[str], Brief]) -> None:
    told = {code: spoken(brief_of("2026-11-23"), tongue(code)).headlines for code in OTHERS}
    assert {plain(t[0].value) for t in told.values()} == {"0"}
    assert told["ru"][1].value == "291" and told["ru"][1].label.startswith("день ")
    assert told["fr"][0].label.startswith("traité ") and told["fr"][1].label.startswith("jours ")
    assert told["zh-Hant"][2].value == "1,419" and "美國" in told["zh-Hant"][2].label


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_terminal_text_keeps_its_width(code: str, brief_of: Callable[[str], Brief]) -> None:
    from rich.cells import cell_len

    lines = terminal(brief_of("2026-11-23"), tongue(code)).splitlines()
    assert len(lines) > 40
    assert [x for x in lines if cell_len(x) > 100 and "://" not in x and not x.startswith("  ")] == []
    assert [x for x in lines if cell_len(x) > 104 and "://" not in x] == []
    assert FOREIGN not in "".join(lines)


def test_a_chinese_line_ends_between_characters_and_not_before_a_stop() -> None:
    made = fill("一二三四五，六七八九十。", 11)
    assert made.splitlines() == ["一二三四", "五，六七八", "九十。"]


def test_json_values_are_said_and_their_keys_and_ids_left() -> None:
    value = {"id": "new-start", "status": {"state": "in force"}, "days": ["2026-02-05", 3]}
    assert spoken_plain(value, tongue("fr")) == {
        "id": "new-start", "status": {"state": "en vigueur"}, "days": ["5 février 2026", 3],
    }  # fmt: skip


def test_every_word_in_a_figure_is_heard(brief_of: Callable[[str], Brief]) -> None:
    from matplotlib.text import Text

    from detente.brief.page import figures

    drawn = figures(brief_of("2026-11-23"))
    assert len(drawn) == 9
    lines = set()
    for figure in drawn.values():
        figure.draw_without_rendering()
        lines |= {
            x for t in figure.findobj(Text) if "$" not in t.get_text() for x in t.get_text().split("\n")
        }
    assert len(lines) > 200
    assert sorted(x for x in lines if FOREIGN in tongue("ru").hear(x)) == []

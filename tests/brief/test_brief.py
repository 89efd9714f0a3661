"""The briefing: right numbers for its day, self-contained, whole or not written."""

from __future__ import annotations

import json
import re
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from detente.brief.content import gather
from detente.brief.page import files, write
from detente.brief.record import Brief
from detente.brief.text import terminal
from detente.errors import DetenteError
from detente.treaty.life import State


@cache
def brief(day: str) -> Brief:
    return gather(date.fromisoformat(day))


def numbers(day: str) -> list[str]:
    return [h.value for h in brief(day).headlines]


def test_the_four_numbers_of_today() -> None:
    assert numbers("2026-11-23") == ["0", "291", "1 419", "1 549"]


def test_the_four_numbers_as_they_were_known_in_june_2022() -> None:
    assert numbers("2022-06-01") == ["1", "1 345", "1 515", "1 474"]


def test_a_page_of_the_past_knows_nothing_later() -> None:
    past = brief("2022-06-01")
    assert all(p.day <= past.as_of for p in past.points)
    text = terminal(past)
    assert "suspen" not in text and "2023" not in text and "Lavrov" not in text


def test_today_says_what_is_unknown_and_what_is_disputed() -> None:
    found = brief("2026-11-23")
    assert len(found.unknowns) == 2
    assert any("suspended" in d.title for d in found.disputes)
    assert any(dict(d.sides).get("RU", "").startswith("901") for d in found.disputes)
    assert any("501 or 505" in side for d in found.disputes for _, side in d.sides)


def test_notices_of_1988_and_1989_are_alive() -> None:
    found = {n.deadline for n in brief("2026-11-23").notices}
    assert {"at least 24 hours before", "at least 14 days before"} <= found


def test_new_start_is_ended_and_the_voluntary_statement_is_conditional() -> None:
    rows = {r.id: r for r in brief("2026-11-23").law}
    assert rows["new-start"].state is State.expired
    assert rows["lavrov-statement-2026"].state is State.observed
    assert rows["lavrov-statement-2026"].condition
    assert rows["putin-offer-2025"].state is State.declined


def test_every_number_has_a_door_with_a_command() -> None:
    found = brief("2026-11-23")
    doors = [
        x.door
        for group in (found.headlines, found.law, found.disputes, found.unknowns, found.notices)
        for x in group
    ]  # type: ignore[attr-defined]
    assert all(d.command.startswith("detente ") and d.method for d in doors)


def test_the_page_needs_no_network_and_no_script() -> None:
    made = files(brief("2026-11-23"))
    page = made["index.html"].decode()
    assert "<script" not in page and "@import" not in page and "<link" not in page
    assert not re.findall(r'(?:src|srcset)="(?!data:)', page)
    assert not re.findall(r"url\((?!data:)", page)
    assert {"brief.json", "index.html", "new-start-counts.svg", "new-start-counts.png"} <= set(made)


def test_the_json_has_everything() -> None:
    data = json.loads(files(brief("2026-11-23"))["brief.json"])
    assert data["as_of"] == "2026-11-23"
    assert len(data["points"]) == len(brief("2026-11-23").points) >= 42 * 3
    assert data["headlines"][0]["door"]["command"]


def test_the_same_day_gives_the_same_files() -> None:
    assert files(brief("2026-11-23"))["index.html"] == files(gather(date(2026, 11, 23)))["index.html"]


def test_a_folder_that_cannot_be_written_is_one_error_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DetenteError, match="cannot be written"):
        write(brief("2026-11-23"), tmp_path / "taken")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("day", ["1980-01-01", "2010-01-01", "2011-02-05", "2026-02-05", "2050-01-01"])
def test_any_day_makes_a_page(day: str) -> None:
    assert b"</html>" in files(brief(day))["index.html"]
    assert terminal(brief(day))

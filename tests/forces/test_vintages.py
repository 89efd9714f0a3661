"""What was known when: the same party-year as it was printed on different days."""

from __future__ import annotations

from datetime import date

import pytest

from detente.asof import AsOf, Span
from detente.errors import DetenteError
from detente.forces import views
from detente.forces.catalogue import all_counts, as_known
from detente.forces.line import stockpile_line, truth


def fas(party: str, year: int, known: str) -> float:
    rows = [
        c
        for c in as_known(date.fromisoformat(known))
        if (c.party, c.year, c.series, c.status) == (party, year, "FAS", "stockpile")
    ]
    (row,) = rows
    return row.mid


@pytest.mark.parametrize(
    ("party", "year", "then", "was", "now", "rise"),
    [
        ("CN", 2022, "2023-06-15", 350, 390, 0.11),
        ("UK", 2022, "2022-12-31", 180, 225, 0.25),
        ("KP", 2022, "2022-12-31", 20, 25, 0.25),
        ("RU", 2014, "2016-01-01", 4300, 4600, 0.07),
    ],
)
def test_revisions_as_published(
    party: str, year: int, then: str, was: float, now: float, rise: float
) -> None:
    """arsenals.md: China 2022 350 to 390 (+11 %), UK 180 to 225 (+25 %), DPRK 20 to 25, Russia 2014 +7 %."""
    assert fas(party, year, then) == was
    assert fas(party, year, "2026-11-23") == now
    assert now / was - 1 == pytest.approx(rise, abs=0.005)


def test_nothing_from_after_the_day_is_used() -> None:
    for known in ("1990-01-01", "2012-07-01", "2018-07-01", "2023-06-15"):
        day = date.fromisoformat(known)
        assert all(Span.parse(c.published).reached(day) for c in as_known(day))


def test_a_line_marks_the_years_whose_print_of_the_day_is_not_held() -> None:
    day = date(2018, 7, 1)
    line = stockpile_line("CN", day)
    for row, approximate in zip(line.rows, line.approximate, strict=True):
        assert approximate or Span.parse(row.published).reached(day)
    assert line.years[-1] == 2018
    assert line.last == 280  # SIPRI Yearbook 2018
    assert not any(line.approximate[-6:])


def test_the_line_of_2023_is_not_the_truth_of_2026() -> None:
    assert dict(zip(*_pairs("CN", "2022-07-01"), strict=True))[2022] == 350
    assert truth("CN", date(2026, 11, 23))[2022] == 390
    assert truth("CN", date(2026, 11, 23))[2026] == 620


def _pairs(party: str, known: str) -> tuple[list[int], list[float]]:
    line = stockpile_line(party, date.fromisoformat(known))
    return line.years.tolist(), line.warheads.tolist()


def test_a_view_shows_each_series_by_itself_with_its_source() -> None:
    rows = views.forces("CN", AsOf.on("2022-12-31", known="2023-06-15"))
    stock = {r.series: (r.best, r.low) for r in rows if r.status == "stockpile"}
    assert stock["SIPRI"] == (350, None)
    assert stock["FAS"] == (350, None)
    assert stock["US_DOD_CMPR"] == (None, 400)  # more than 400, end of 2021: no best is made up
    assert all(r.source and r.published <= "2023-06" for r in rows)


def test_recalled_rows_carry_their_mark() -> None:
    rows = views.forces("RU", AsOf.on("2026-11-23"), "type")
    assert any(r.mark for r in rows)
    assert all(bool(r.mark) == (r.quality == "recalled") for r in rows)


def test_a_type_that_a_later_table_drops_is_gone() -> None:
    older = {r.what for r in views.forces("RU", AsOf.on("2023-12-31"), "type")}
    newer = {r.what for r in views.forces("RU", AsOf.on("2025-12-31"), "type")}
    assert "Topol (RS-12M)" in older - newer


def test_every_print_of_one_year() -> None:
    prints = [(r.published, r.best) for r in views.vintages("UK", 2022) if r.series == "FAS"]
    assert prints == [("2022-03", 180), ("2022-11", 180), ("2024", 225)]


def test_nothing_known_is_an_error_not_a_zero() -> None:
    with pytest.raises(DetenteError, match="no stockpile of DE"):
        stockpile_line("DE", date(2026, 1, 1))


def test_ids_open_to_one_row() -> None:
    ids = [c.id for c in all_counts()]
    assert len(ids) == len(set(ids))

"""Time: durations, month ends, spans and moments against ISO 8601, the calendar and slow references."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.asof import AsOf, Duration, Span, parse_day, parse_moment, shift, shift_span
from detente.errors import DetenteError

days = st.dates(date(1900, 1, 1), date(2200, 12, 31))
few_months = st.integers(-600, 600)


@pytest.mark.parametrize(
    ("text", "months", "more_days", "minutes"),
    [
        ("P7Y", 84, 0, 0),
        ("P6M", 6, 0, 0),
        ("P45D", 0, 45, 0),
        ("P2W", 0, 14, 0),
        ("PT24H", 0, 0, 1440),
        ("P1Y2M3DT4H5M", 14, 3, 245),
        ("-P1M", -1, 0, 0),
        ("P0D", 0, 0, 0),
    ],
)
def test_durations_read(text: str, months: int, more_days: int, minutes: int) -> None:
    assert Duration.parse(text) == Duration(months, more_days, minutes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "7Y",
        "P7",
        "PY",
        "P1.5Y",
        "p7y",
        "P7Y\n",
        "P1D1Y",
        "PT1D",
        "P٧Y",
        "--P1D",
        "P 7Y",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(DetenteError, match="not a duration"):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["P" + "9" * 10 + "Y", "P" + "9" * 5000 + "D", "PT" + "1" * 10 + "H"])
def test_a_duration_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(DetenteError, match="beyond the calendar"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("P7Y", "7 years"),
        ("P1Y", "1 year"),
        ("P18M", "18 months"),
        ("P1M", "1 month"),
        ("-P1M", "-1 month"),
        ("PT24H", "24 hours"),
        ("PT90M", "90 minutes"),
        ("P1DT1H", "1 day 1 hour"),
        ("P0D", "0 days"),
    ],
)
def test_durations_say_themselves(text: str, words: str) -> None:
    assert str(Duration.parse(text)) == words


@pytest.mark.parametrize(
    ("day", "by", "expected"),
    [
        ("2011-02-05", "P7Y", "2018-02-05"),
        ("2011-01-31", "P1M", "2011-02-28"),
        ("2012-01-31", "P1M", "2012-02-29"),
        ("2011-03-31", "-P1M", "2011-02-28"),
        ("2012-02-29", "P1Y", "2013-02-28"),
        ("2012-02-29", "P4Y", "2016-02-29"),
        ("2011-12-31", "P2M", "2012-02-29"),
        ("2011-02-05", "P45D", "2011-03-22"),  # New START: the first database, 45 days after entry into force
        ("1988-06-01", "P29M", "1990-11-01"),  # INF Art. V: 29 months after entry into force
        ("2011-02-05", "PT48H", "2011-02-05"),
    ],
)
def test_a_day_moves_by_the_calendar(day: str, by: str, expected: str) -> None:
    assert shift(date.fromisoformat(day), Duration.parse(by)).isoformat() == expected


@given(days, few_months)
def test_months_move_one_at_a_time_by_hand(day: date, months: int) -> None:
    year, month = day.year, day.month
    for _ in range(abs(months)):
        month += 1 if months > 0 else -1
        if month == 13:
            year, month = year + 1, 1
        if month == 0:
            year, month = year - 1, 12
    last = calendar.monthrange(year, month)[1]
    assert shift(day, Duration(months=months)) == date(year, month, min(day.day, last))


@given(days, st.integers(-40000, 40000), st.integers(-100000, 100000))
def test_days_and_minutes_are_exact(day: date, more: int, minutes: int) -> None:
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert shift(moment, Duration(0, more, minutes)) == moment + timedelta(days=more, minutes=minutes)
    assert shift(day, Duration(0, more, minutes)) == day + timedelta(days=more)


@pytest.mark.parametrize(
    ("day", "by"),
    [
        ("9999-12-31", "P1D"),
        ("9999-12-01", "P1M"),
        ("2011-02-05", "P99999999Y"),
        ("2011-02-05", "P999999999D"),
        ("0001-01-01", "-P1D"),
        ("0001-01-31", "-P1M"),
        ("2011-02-05", "-P99999Y"),
    ],
)
def test_no_day_lies_beyond_the_calendar(day: str, by: str) -> None:
    with pytest.raises(DetenteError, match="beyond the calendar"):
        shift(date.fromisoformat(day), Duration.parse(by))
    with pytest.raises(DetenteError, match="beyond the calendar"):
        shift_span(
            Span(date.fromisoformat(day), date.fromisoformat(day) + timedelta(days=1)), Duration.parse(by)
        ) if day != "9999-12-31" else Span.parse(day)


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("1977", "1977-01-01", "1978-01-01"),
        ("1977-10", "1977-10-01", "1977-11-01"),
        ("1977-12", "1977-12-01", "1978-01-01"),
        ("1977-10-03", "1977-10-03", "1977-10-04"),
        ("2012-02-29", "2012-02-29", "2012-03-01"),
        ("0001", "0001-01-01", "0002-01-01"),
    ],
)
def test_spans_are_half_open_and_say_themselves(text: str, earliest: str, latest: str) -> None:
    span = Span.parse(text)
    assert (span.earliest.isoformat(), span.latest.isoformat()) == (earliest, latest)
    assert str(span) == text


@pytest.mark.parametrize(
    "text",
    ["", "77", "20111", "2011-1", "2011-13", "2011-02-30", "2011-00", "20110205", "2011-W05-1", "2011-02-05T00:00",
     " 2011", "+201", "2_01", "٢٠١١", "0000", "9999", "9999-12", "9999-12-31", "2011-02-", "heute"],
)  # fmt: skip
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(DetenteError):
        Span.parse(text)


def test_a_moved_span_that_is_no_calendar_unit_shows_both_ends() -> None:
    assert str(shift_span(Span.parse("2011-01"), Duration.parse("P15D"))) == "2011-01-16 to 2011-02-15"
    assert str(shift_span(Span.parse("2011"), Duration.parse("P1M"))) == "2011-02-01 to 2012-01-31"
    assert str(shift_span(Span.parse("2011"), Duration.parse("P7Y"))) == "2018"


@given(days, st.sampled_from(("day", "month", "year")), days)
def test_reached_is_what_every_day_of_the_span_says(day: date, precision: str, asked: date) -> None:
    text = day.isoformat()[: {"day": 10, "month": 7, "year": 4}[precision]]
    span = Span.parse(text)
    possible = [span.earliest + timedelta(days=n) for n in range((span.latest - span.earliest).days)]
    answers = {asked >= d for d in possible}
    assert span.reached(asked) == (answers.pop() if len(answers) == 1 else None)
    assert span.exact == (precision == "day")


def test_a_time_of_day_is_dropped_where_a_day_is_asked() -> None:
    noon = datetime(2011, 2, 5, 12, tzinfo=UTC)
    assert type(parse_day(noon)) is date
    assert Span.parse(noon) == Span.parse("2011-02-05")


@pytest.mark.parametrize(
    "text", ["2011-2-5", "20110205", "2011-W05-6", "05.02.2011", "2011-02-30", "", None, 7]
)
def test_what_is_no_day_is_refused(text: object) -> None:
    with pytest.raises(DetenteError, match="write YYYY-MM-DD"):
        parse_day(text)  # type: ignore[arg-type]


def test_three_clocks_default_to_the_day_and_to_what_is_known_now() -> None:
    clocks = AsOf.on("2017-09-01", known="2018-01-01")
    assert (clocks.law, clocks.facts, clocks.known) == (date(2017, 9, 1), date(2017, 9, 1), date(2018, 1, 1))
    assert AsOf.on("2017-09-01", facts="2017-03-01").facts == date(2017, 3, 1)
    assert AsOf.on("2017-09-01").known == date.today()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-02-05", "2011-02-05T00:00:00+00:00"),
        ("2011-02-05T10:00", "2011-02-05T10:00:00+00:00"),
        ("2011-02-05T10:00Z", "2011-02-05T10:00:00+00:00"),
        ("2011-02-05T10:00+03:00", "2011-02-05T07:00:00+00:00"),
        ("2011-02-05T01:00+03:00", "2011-02-04T22:00:00+00:00"),
    ],
)
def test_moments_are_in_universal_time(text: str, expected: str) -> None:
    assert parse_moment(text).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["noon", "2011-02-05T25:00", "0001-01-01T00:00+14:00", "9999-12-31T23:00-14:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(DetenteError):
        parse_moment(text)

"""Time: three clocks, dates known to the day, month or year, and half-open intervals."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TypeVar

import msgspec

from detente.errors import DetenteError

Day = TypeVar("Day", date, datetime)

_DURATION = re.compile(
    r"^(?P<sign>-?)P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?",
    re.ASCII,
)
_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?", re.ASCII)
_LONGEST = 9  # digits of one number in a duration: more is beyond the calendar in every unit


class AsOf(msgspec.Struct, frozen=True):
    """Which text (`law`), which day's forces (`facts`), what had been published by then (`known`)."""

    law: date
    facts: date
    known: date

    @classmethod
    def on(cls, law: str | date, *, facts: str | date | None = None, known: str | date | None = None) -> AsOf:
        """The three clocks; `facts` defaults to `law`, `known` to today (everything published so far).

        Raises DetenteError for a date that is not ISO 8601 ``YYYY-MM-DD``.
        """
        day = parse_day(law)
        return cls(day, parse_day(facts or day), parse_day(known or date.today()))


def parse_day(text: str | date, *, where: str = "") -> date:
    """An ISO 8601 calendar date. Raises DetenteError with the expected form."""
    if isinstance(text, date):
        return text.date() if isinstance(text, datetime) else text
    try:
        if len(text) != 10 or not _DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except (ValueError, TypeError):
        raise DetenteError(f"'{text}' is not a date", where=where, fix="write YYYY-MM-DD") from None


class Span(msgspec.Struct, frozen=True):
    """A day known to some precision: it lies in the half-open interval [earliest, latest).

    >>> Span.parse("1977-10")
    Span(earliest=datetime.date(1977, 10, 1), latest=datetime.date(1977, 11, 1))
    """

    earliest: date
    latest: date

    @classmethod
    def parse(cls, text: str | date, *, where: str = "") -> Span:
        """From ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``. Raises DetenteError otherwise."""
        if isinstance(text, date):
            return cls.of(parse_day(text))
        try:
            return _span(text)
        except (ValueError, TypeError):
            raise DetenteError(
                f"'{text}' is not a date", where=where, fix="write YYYY-MM-DD, YYYY-MM or YYYY"
            ) from None

    @classmethod
    def of(cls, day: date) -> Span:
        """The span of one exactly known day. Raises DetenteError for the calendar's last, which has no end."""
        return cls(day, shift(day, Duration(days=1)))

    @property
    def exact(self) -> bool:
        return self.latest - self.earliest == timedelta(days=1)

    def reached(self, day: date) -> bool | None:
        """Has it happened by `day`? None where the precision does not decide."""
        if day >= self.latest - timedelta(days=1):
            return True
        return None if day >= self.earliest else False

    def __str__(self) -> str:
        first, last = self.earliest.isoformat(), (self.latest - timedelta(days=1)).isoformat()
        if self.exact:
            return first
        for length, months in ((7, 1), (4, 12)):
            begins = first[length:] == "-01" * (1 + (months == 12)) and self.latest.year < 9999
            if begins and last == (shift(self.earliest, Duration(months, -1))).isoformat():
                return first[:length]
        return f"{first} to {last}"


@lru_cache(maxsize=8192)
def _span(text: str) -> Span:
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    numbers = [int(part) for part in text.split("-")]
    first = date(*[*numbers, 1, 1][:3])
    if len(numbers) == 3:
        return Span.of(first)
    return Span(first, shift(first, Duration(months=1 if len(numbers) == 2 else 12)))


class Duration(msgspec.Struct, frozen=True):
    """An ISO 8601 duration with calendar years and months kept apart from days and minutes."""

    months: int = 0
    days: int = 0
    minutes: int = 0

    @classmethod
    def parse(cls, text: str, *, where: str = "") -> Duration:
        """From ``P7Y``, ``P6M``, ``P45D``, ``PT24H``, ``-P1M``. Raises DetenteError otherwise."""
        match = _DURATION.fullmatch(str(text))
        numbers = [v for k, v in match.groupdict().items() if v and k != "sign"] if match else []
        if not match or not numbers:
            raise DetenteError(
                f"'{text}' is not a duration", where=where, fix="write ISO 8601: P7Y, P6M, P45D, PT24H"
            )
        if max(map(len, numbers)) > _LONGEST:
            raise DetenteError(f"the duration '{text[:24]}' is beyond the calendar", where=where)
        n = {k: int(v or 0) for k, v in match.groupdict().items() if k != "sign"}
        sign = -1 if match["sign"] else 1
        return cls(
            sign * (12 * n["years"] + n["months"]),
            sign * (7 * n["weeks"] + n["days"]),
            sign * (60 * n["hours"] + n["minutes"]),
        )

    def __neg__(self) -> Duration:
        return Duration(-self.months, -self.days, -self.minutes)

    def __str__(self) -> str:
        years, months = divmod(abs(self.months), 12) if self.months % 12 == 0 else (0, abs(self.months))
        hours, minutes = divmod(abs(self.minutes), 60) if self.minutes % 60 == 0 else (0, abs(self.minutes))
        parts = (
            (years, "year", self.months), (months, "month", self.months), (abs(self.days), "day", self.days),
            (hours, "hour", self.minutes), (minutes, "minute", self.minutes),
        )  # fmt: skip
        words = [f"{'-' if sign < 0 else ''}{n} {unit}{'s' * (n != 1)}" for n, unit, sign in parts if n]
        return " ".join(words) or "0 days"


def shift(day: Day, by: Duration) -> Day:
    """`day` plus a duration; a month without that day ends on its last (31 January + P1M = 28 February).

    A plain date ignores the minutes of `by`. Raises DetenteError beyond the calendar (years 1 to 9999).
    """
    year, month0 = divmod(day.year * 12 + day.month - 1 + by.months, 12)
    try:
        last = calendar.monthrange(year, month0 + 1)[1]
        moved = day.replace(year=year, month=month0 + 1, day=min(day.day, last)) + timedelta(days=by.days)
        return moved + timedelta(minutes=by.minutes) if isinstance(moved, datetime) else moved
    except (ValueError, OverflowError):
        raise DetenteError(f"{day} and {by} are beyond the calendar", fix="the years are 1 to 9999") from None


@lru_cache(maxsize=8192)
def shift_span(span: Span, by: Duration) -> Span:
    """Both ends of `span` moved by a duration; the precision stays."""
    last = span.latest - timedelta(days=1)
    return Span(shift(span.earliest, by), shift(shift(last, by), Duration(days=1)))


def parse_moment(text: str | date | datetime, *, where: str = "") -> datetime:
    """An ISO 8601 date or date-time; without a zone it is UTC, as treaty notifications are.

    Raises DetenteError with the expected form.
    """
    if isinstance(text, datetime):
        moment = text
    elif isinstance(text, date):
        moment = datetime(text.year, text.month, text.day)
    else:
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError:
            raise DetenteError(
                f"'{text}' is not a time", where=where, fix="write YYYY-MM-DD or YYYY-MM-DDTHH:MMZ"
            ) from None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise DetenteError(f"'{text}' is beyond the calendar", where=where) from None

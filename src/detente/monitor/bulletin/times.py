"""Times as bulletins write them: seconds UTC since 1970 to text and back, rounded once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from detente.errors import DetenteError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(time: float, decimals: int = 6) -> datetime:
    """The time rounded to `decimals` of a second. Raises DetenteError outside the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(microseconds=round(time * 10**decimals) * 10 ** (6 - decimals))
    except (OverflowError, ValueError):
        raise DetenteError(f"{time} s is no time that a calendar holds") from None


def iso(time: float) -> str:
    """ISO 8601 in UTC to the microsecond."""
    return moment(time).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def from_iso(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 time; UTC where no zone is given. Raises DetenteError."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise DetenteError(f"'{text[:40]}' is no ISO 8601 time") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def julian(time: float) -> int:
    """The day as CSS tables write it, yyyyddd."""
    return int(moment(time).strftime("%Y%j"))

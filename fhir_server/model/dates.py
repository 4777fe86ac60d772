"""Partial dates: the first and the last microsecond that a FHIR date, dateTime or instant covers.

`2020` covers a year, `2020-03` a month, `2020-03-01T10:30` a minute, `…:05.2` a tenth of a second.
A value without time zone is read in the zone given, by default UTC.

Source: FHIR R4 §3.1.1.4.7 (date search), https://hl7.org/fhir/R4/search.html#date
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

EARLIEST = -(1 << 63)
"""The first instant of an open period."""
LATEST = (1 << 63) - 1
"""The last instant of an open period."""

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_DAY = 86_400 * _SECOND
_UNIX_EPOCH_DAY = date(1970, 1, 1).toordinal()

_PARTIAL_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)


class InstantRange(NamedTuple):
    """The first and the last instant covered. Units: microseconds since 1970 UTC, both inclusive."""

    low: int
    high: int


def as_meant(text: str) -> str:
    """A date as its sender meant it: in a URL the `+` of an offset, not escaped, has become a space, and no
    other space can stand within a date.
    """
    return text.replace(" ", "+")


def instant_range(text: str, zone: tzinfo = UTC) -> InstantRange:
    """What a partial date covers. Errors: ValueError where the text is no date."""
    match = _PARTIAL_DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"no FHIR date: {text!r}")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    if hour is None:
        return _days(int(year), month, day, zone)
    start = _local_day(int(year), int(month), int(day))
    if not (int(hour) < 24 and int(minute) < 60 and int(second or 0) <= 60):
        raise ValueError(f"no time of day: {text!r}")
    start += int(hour) * 60 * _MINUTE + int(minute) * _MINUTE + int(second or 0) * _SECOND
    width = _MINUTE if second is None else _SECOND
    if fraction is not None:
        start += int(fraction[:6].ljust(6, "0"))
        width = 10 ** max(0, 6 - len(fraction))
    start -= _offset_us(offset) if offset is not None else _zone_us(start, zone)
    return InstantRange(start, start + width - 1)


def instant_us(moment: datetime) -> int:
    """A moment with time zone. Units: microseconds since 1970 UTC."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds


def moment_of(us: int) -> datetime:
    """The moment of microseconds since 1970 UTC, kept within the years 1 to 9999."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    except OverflowError:
        return datetime(1, 1, 1, tzinfo=UTC) if us < 0 else datetime(9999, 12, 31, tzinfo=UTC)


def _days(year: int, month: str | None, day: str | None, zone: tzinfo) -> InstantRange:
    first = _local_day(year, int(month or 1), int(day or 1))
    if day is not None:
        after = first + _DAY
    elif month == "12" or month is None:
        after = first + (31 if month else 366 if _is_leap(year) else 365) * _DAY
    else:
        after = _local_day(year, int(month) + 1, 1)
    if zone is UTC:
        return InstantRange(first, after - 1)
    return InstantRange(first - _zone_us(first, zone), after - _zone_us(after, zone) - 1)


def _local_day(year: int, month: int, day: int) -> int:
    return (date(year, month, day).toordinal() - _UNIX_EPOCH_DAY) * _DAY


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _offset_us(offset: str) -> int:
    if offset == "Z":
        return 0
    size = (int(offset[1:3]) * 60 + int(offset[4:6])) * _MINUTE
    return -size if offset[0] == "-" else size


def _zone_us(local_us: int, zone: tzinfo) -> int:
    if zone is UTC:
        return 0
    try:
        moment = datetime(1970, 1, 1, tzinfo=zone) + timedelta(microseconds=local_us)
    except OverflowError:
        return 0
    return (moment.utcoffset() or timedelta()) // timedelta(microseconds=1)

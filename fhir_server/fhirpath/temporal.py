"""Dates, dates with time and times, each with the precision it was written in.

Source: FHIRPath N1 §4.1 (literals), §6.1, §6.2 (comparison), §6.6.7 (arithmetic);
FHIR R4 §2.24.0.1 (date, dateTime, instant, time).
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from math import floor
from typing import Literal

Kind = Literal["Date", "DateTime", "Time"]

CALENDAR_UNITS: Mapping[str, str] = {
    name: unit
    for unit in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for name in (unit, unit + "s")
}
"""Keywords for calendar durations → the singular. Source: FHIRPath N1 §2.8."""

_FIRST = (1, 1, 1, 0, 0, Decimal(0))
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_TIME = re.compile(r"T?(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?")
_DATETIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?"
    r"(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?(Z|[+-]\d\d:\d\d)?)?)?"
)


@dataclass(frozen=True, slots=True)
class Temporal:
    """A point in time, known to a precision.

    Shape: `parts` are year, month, day, hour, minute and second (with its fraction) as far as they
    are known; for a time only the last three. `offset` is the time zone in minutes, None where
    none was given. `kind` names the System type.
    """

    kind: Kind
    parts: tuple[int | Decimal, ...]
    offset: int | None = None

    def __str__(self) -> str:
        return _text(self)

    @property
    def is_utc_comparable(self) -> bool:
        """Whether the value is placed on the time line by its zone."""
        return self.offset is not None and len(self.parts) > 3


@lru_cache(maxsize=1024)
def parse_date(text: str) -> Temporal | None:
    """A date of FHIR or FHIRPath; None where the text is none."""
    match = _DATE.fullmatch(text)
    return _checked("Date", tuple(int(part) for part in match.groups() if part)) if match else None


@lru_cache(maxsize=1024)
def parse_datetime(text: str) -> Temporal | None:
    """A dateTime or instant; None where the text is none."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        return None
    numbers: list[int | Decimal] = [int(part) for part in match.groups()[:5] if part]
    if match[6]:
        numbers.append(Decimal(match[6]))
    return _checked("DateTime", tuple(numbers), _offset(match[7]))


@lru_cache(maxsize=1024)
def parse_time(text: str) -> Temporal | None:
    """A time of the day; None where the text is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    numbers: list[int | Decimal] = [int(part) for part in match.groups()[:2] if part]
    if match[3]:
        numbers.append(Decimal(match[3]))
    return _checked("Time", tuple(numbers))


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _checked(
    kind: Kind, parts: tuple[int | Decimal, ...], offset: int | None = None
) -> Temporal | None:
    clock = parts if kind == "Time" else parts[3:]
    if kind != "Time":
        year, month, day = _filled(parts)[:3]
        if year < 1 or not 1 <= month <= 12:
            return None
        if not 1 <= day <= monthrange(int(year), int(month))[1]:
            return None
    # 60 is a leap second (FHIR R4 §2.24.0.1).
    if any(not 0 <= value < top for value, top in zip(clock, (24, 60, 61), strict=False)):
        return None
    if offset is not None and abs(offset) > 14 * 60:
        return None
    return Temporal(kind, parts, offset)


def _filled(parts: tuple[int | Decimal, ...]) -> tuple[int | Decimal, ...]:
    return parts + _FIRST[len(parts) :]


def _text(value: Temporal) -> str:
    if value.kind == "Time":
        return _clock(value.parts)
    parts = value.parts
    text = f"{parts[0]:04d}" + "".join(f"-{part:02d}" for part in parts[1:3])
    if value.kind == "Date":
        return text
    if len(parts) > 3:
        text += "T" + _clock(parts[3:])
    return text + zone_text(value.offset)


def _clock(parts: tuple[int | Decimal, ...]) -> str:
    text = ":".join(f"{part:02d}" for part in parts[:2])
    if len(parts) > 2:
        whole, _, fraction = f"{parts[2]:f}".partition(".")
        text += ":" + whole.zfill(2) + ("." + fraction if fraction else "")
    return text


def zone_text(offset: int | None) -> str:
    """A zone as it is written; empty for none."""
    if offset is None:
        return ""
    if offset == 0:
        return "Z"
    sign = "-" if offset < 0 else "+"
    return f"{sign}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"


def compare(left: Temporal, right: Temporal) -> int | None:
    """-1, 0 or 1; None where the precision or a missing zone leaves it open.

    Seconds and their fraction count as one precision.
    Source: FHIRPath N1 §6.1.1, §6.2 (“date/time comparison”).
    """
    if (left.kind == "Time") != (right.kind == "Time"):
        raise ValueError("a time and a date have no order")
    if left.is_utc_comparable and right.is_utc_comparable:
        left, right = _in_utc(left), _in_utc(right)
    elif left.is_utc_comparable != right.is_utc_comparable and len(left.parts) > 3 < len(
        right.parts
    ):
        return _compare_over_zones(left, right)
    for a, b in zip(left.parts, right.parts, strict=False):
        if a != b:
            return -1 if a < b else 1
    return 0 if len(left.parts) == len(right.parts) else None


def _compare_over_zones(left: Temporal, right: Temporal) -> int | None:
    """One side has a zone and the other none: decided only where no zone could turn the answer.

    Zones reach from -12:00 to +14:00, and so the side without stands within that window.
    """
    if left.offset is None:
        outcome = _compare_over_zones(right, left)
        return None if outcome is None else -outcome
    known = instant(_in_utc(left))
    try:
        earliest = instant(right) - timedelta(hours=14)
        latest = instant(right) + timedelta(hours=12, minutes=1)
    except OverflowError:
        return None
    if known < earliest:
        return -1
    return 1 if known > latest else None


def instant(value: Temporal) -> datetime:
    """The first instant of the value, without zone."""
    year, month, day, hour, minute, second = _filled(value.parts)
    whole = min(int(second), 59)
    micro = int((Decimal(second) % 1 * 1_000_000).to_integral_value(ROUND_DOWN))
    return datetime(int(year), int(month), int(day), int(hour), int(minute), whole, micro)  # noqa: DTZ001 — the zone is held apart


def _in_utc(value: Temporal) -> Temporal:
    if not value.offset:
        return value
    try:
        moved = instant(value) - timedelta(minutes=value.offset)
    except OverflowError:
        return value
    numbers: tuple[int | Decimal, ...] = (
        moved.year,
        moved.month,
        moved.day,
        moved.hour,
        moved.minute,
    )
    seconds = value.parts[5:]
    return Temporal("DateTime", (*numbers[: len(value.parts)], *seconds), 0)


def equal(left: Temporal, right: Temporal) -> bool | None:
    """Whether two values are the same; None where precision or zone leave it open."""
    if (left.kind == "Time") != (right.kind == "Time"):
        return False
    order = compare(left, right)
    return None if order is None else order == 0


def equivalent(left: Temporal, right: Temporal) -> bool:
    """As `equal`, where open counts as different. Source: FHIRPath N1 §6.1.2."""
    return equal(left, right) is True


def add(value: Temporal, amount: Decimal, unit: str) -> Temporal | None:
    """The value moved by a calendar duration; None where the result leaves the years 1 to 9999.

    For precisions above seconds the fraction of the amount is ignored; a duration finer than the
    value's precision is converted to that precision first.
    Source: FHIRPath N1 §6.6.7.
    """
    if value.kind == "Time":
        return _add_to_time(value, amount, unit)
    precision = len(value.parts)
    if unit in {"year", "month"}:
        months = int(amount) * (12 if unit == "year" else 1)
        return _add_months(value, _whole(months, 12) * 12 if precision == 1 else months)
    if precision < 3:
        days = int(_seconds(amount, unit) // 86_400 if unit != "week" else amount * 7)
        # A month counts 30 days and a year 365, as the specification converts them.
        return _add_months(value, _whole(days, 30) if precision == 2 else _whole(days, 365) * 12)
    seconds = _seconds(amount, unit)
    step = (86_400, 3_600, 60)[precision - 3] if precision < 6 else None
    if step is not None:
        seconds = Decimal(int(seconds / step) * step)
    return _add_seconds(value, seconds)


def _whole(number: int, unit: int) -> int:
    """How many units there are, the rest cut off towards zero."""
    return number // unit if number >= 0 else -(-number // unit)


_SECONDS = {
    "week": Decimal(604_800), "day": Decimal(86_400), "hour": Decimal(3_600),
    "minute": Decimal(60), "second": Decimal(1), "millisecond": Decimal("0.001"),
}  # fmt: skip


def _seconds(amount: Decimal, unit: str) -> Decimal:
    whole = amount if unit in {"second", "millisecond"} else amount.to_integral_value(ROUND_DOWN)
    return whole * _SECONDS[unit]


def _add_months(value: Temporal, months: int) -> Temporal | None:
    year, month, *rest = _filled(value.parts)
    count = int(year) * 12 + int(month) - 1 + months
    new_year, new_month = divmod(count, 12)
    if not 1 <= new_year <= 9999:
        return None
    parts: list[int | Decimal] = [new_year, new_month + 1, *rest]
    # The last day of the month stands in for a day it lacks.
    parts[2] = min(int(rest[0]), monthrange(new_year, new_month + 1)[1])
    return Temporal(value.kind, tuple(parts[: len(value.parts)]), value.offset)


def _add_seconds(value: Temporal, seconds: Decimal) -> Temporal | None:
    fraction = Decimal(value.parts[5]) if len(value.parts) == 6 else Decimal(0)
    total = fraction + seconds
    # Not //, which cuts off a Decimal towards zero.
    whole = floor(total)
    base = Temporal(value.kind, value.parts[:5])
    try:
        moved = instant(base) + timedelta(seconds=whole)
    except OverflowError:
        return None
    numbers: list[int | Decimal] = [moved.year, moved.month, moved.day, moved.hour, moved.minute]
    numbers.append(moved.second + _fraction_of(total, fraction))
    return Temporal(value.kind, tuple(numbers[: len(value.parts)]), value.offset)


def _fraction_of(total: Decimal, like: Decimal) -> Decimal:
    fraction = total - floor(total)
    shown = max(-_exponent(like), -_exponent(fraction.normalize()), 0)
    return fraction.quantize(Decimal(1).scaleb(-shown))


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _add_to_time(value: Temporal, amount: Decimal, unit: str) -> Temporal | None:
    """Times run around the clock. Source: FHIRPath N1 §6.6.7."""
    if unit in {"year", "month"}:
        return None
    day = Temporal("DateTime", (2000, 1, 1, *value.parts))
    seconds = _seconds(amount, unit) % 86_400
    moved = add(day, seconds, "second")
    return Temporal("Time", moved.parts[3:]) if moved else None


def as_datetime(value: Temporal) -> Temporal:
    """A date as a DateTime of the same precision (implicit conversion, FHIRPath N1 §5.5)."""
    return Temporal("DateTime", value.parts, value.offset) if value.kind == "Date" else value


def from_clock(now: datetime, kind: Kind) -> Temporal:
    """A clock reading as a Date, DateTime or Time in milliseconds."""
    seconds = Decimal(now.second) + Decimal(now.microsecond // 1000).scaleb(-3)
    delta = now.utcoffset() or timedelta(0)
    clock: tuple[int | Decimal, ...] = (now.hour, now.minute, seconds)
    if kind == "Time":
        return Temporal("Time", clock)
    day: tuple[int | Decimal, ...] = (now.year, now.month, now.day)
    if kind == "Date":
        return Temporal("Date", day)
    return Temporal("DateTime", day + clock, int(delta.total_seconds() // 60))


def clock_now() -> datetime:
    """The present, with the local zone."""
    return datetime.now(UTC).astimezone()

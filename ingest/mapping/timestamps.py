"""HL7 v2 dates and times to FHIR, with the precision they came with.

Source: HL7 v2.5.1 §2A.89 (TS), v2.8 §2A.3.22 (DTM) `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`;
FHIR R4 https://hl7.org/fhir/R4/datatypes.html#dateTime (a time needs minutes and an offset).
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

_TIMESTAMP = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d{2})(?:(?P<day>\d{2})(?:(?P<hour>\d{2})(?:(?P<minute>\d{2})"
    r"(?:(?P<second>\d{2})(?:\.(?P<fraction>\d{1,4}))?)?)?)?)?)?(?P<offset>[+-]\d{4})?"
)
_TIME = re.compile(r"(\d{2})(\d{2})?(?:(\d{2})(?:\.(\d{1,4}))?)?(?:[+-]\d{4})?")


class UnreadableError(ValueError):
    """A value that cannot become what the element takes; `reason` is a stable word, never the value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[str, re.Match[str]]:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise UnreadableError("not-a-timestamp")
    date = match["year"]
    if match["month"]:
        date += f"-{match['month']}"
    if match["day"]:
        date += f"-{match['day']}"
    try:
        datetime(
            int(match["year"]),
            int(match["month"] or 1),
            int(match["day"] or 1),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            min(int(match["second"] or 0), 59),
            tzinfo=UTC,
        )
    except ValueError:
        raise UnreadableError("no-such-day-or-time") from None
    return date, match


def fhir_date(text: str) -> str:
    """`19870412103000` → `1987-04-12`; `1987` → `1987`."""
    return _parts(text)[0]


def fhir_date_time(text: str, zone: tzinfo) -> str:
    """A FHIR dateTime in the time zone of the centre unless the value names its offset.

    Shape: an hour without minutes cannot be said in FHIR; minutes 00 are added as the standard reads it.
    """
    date, match = _parts(text)
    if not match["hour"]:
        return date
    return _with_time(match, zone)


def fhir_instant(text: str, zone: tzinfo) -> str:
    """A FHIR instant.

    Errors: UnreadableError for a value without a time: an instant must not be invented.
    """
    _, match = _parts(text)
    if not match["hour"]:
        raise UnreadableError("no-time-of-day")
    return _with_time(match, zone)


def fhir_time(text: str) -> str:
    """A v2 TM as a FHIR time."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise UnreadableError("not-a-time")
    hour, minute, second, fraction = match.groups()
    if int(hour) > 23 or int(minute or 0) > 59 or int(second or 0) > 59:
        raise UnreadableError("no-such-day-or-time")
    return f"{hour}:{minute or '00'}:{second or '00'}" + (f".{fraction}" if fraction else "")


def _with_time(match: re.Match[str], zone: tzinfo) -> str:
    moment = datetime(
        int(match["year"]),
        int(match["month"]),
        int(match["day"]),
        int(match["hour"]),
        int(match["minute"] or 0),
        min(int(match["second"] or 0), 59),
        tzinfo=_offset(match["offset"]) or zone,
    )
    text = moment.isoformat(timespec="seconds")
    if match["fraction"]:
        text = f"{text[:19]}.{match['fraction']}{text[19:]}"
    return text


@lru_cache(maxsize=64)
def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    if minutes > 14 * 60:
        raise UnreadableError("no-such-offset")
    return timezone(timedelta(minutes=minutes if text[0] == "+" else -minutes))


@lru_cache(maxsize=1024)
def sortable(moment: str) -> str:
    """A FHIR time as sortable text in UTC; a date alone sorts before the times of its day."""
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    if parsed.tzinfo is None:
        return parsed.strftime("%Y%m%d")
    return parsed.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fhir_server.model.dates import instant_range, instant_us, moment_of

SECOND = 1_000_000


def _us(text: str) -> int:
    return instant_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2020", "2020-01-01", "2021-01-01"),
        ("2020-02", "2020-02-01", "2020-03-01"),
        ("2019-12", "2019-12-01", "2020-01-01"),
        ("2020-02-29", "2020-02-29", "2020-03-01"),
        ("9999", "9999-01-01", "9999-12-31T23:59:60"),
        ("2020-01-01T10:30Z", "2020-01-01T10:30", "2020-01-01T10:31"),
        ("2020-01-01T10:30:05Z", "2020-01-01T10:30:05", "2020-01-01T10:30:06"),
        ("2020-01-01T10:30:05.2Z", "2020-01-01T10:30:05.2", "2020-01-01T10:30:05.3"),
        ("2020-01-01T10:30:05+02:00", "2020-01-01T08:30:05", "2020-01-01T08:30:06"),
        ("2020-01-01T10:30:05-05:30", "2020-01-01T16:00:05", "2020-01-01T16:00:06"),
    ],
)
def test_instant_range__covers_what_the_digits_leave_open(
    text: str, first: str, after: str
) -> None:
    last = _us("9999-12-31T23:59:59.999999") if text == "9999" else _us(after) - 1
    assert instant_range(text) == (_us(first), last)


def test_instant_range__microsecond_is_a_point() -> None:
    low, high = instant_range("2020-01-01T00:00:00.0000004Z")
    assert low == high == _us("2020-01-01")


def test_instant_range__without_zone_is_read_in_the_zone_given() -> None:
    paris = ZoneInfo("Europe/Paris")
    assert instant_range("2020-07-01", paris).low == _us("2020-06-30T22:00")
    assert instant_range("2020-07-01T10:00:00", paris).low == _us("2020-07-01T08:00")
    assert instant_range("2020-07-01T10:00:00Z", paris).low == _us("2020-07-01T10:00")


def test_instant_range__day_of_summer_time_change_has_23_hours() -> None:
    low, high = instant_range("2020-03-29", ZoneInfo("Europe/Paris"))
    assert high + 1 - low == 23 * 3600 * SECOND


@pytest.mark.parametrize(
    "text",
    ["", "20", "2020-13", "2020-02-30", "0000", "2020-01-01T25:00Z", "2020-01-01T10", "now",
     "2020-1-1", "2020-01-01T10:60Z", "2020-01-01 10:30", "٢٠٢٠"],
)  # fmt: skip
def test_instant_range__no_date_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        instant_range(text)


def test_moment_of__gives_back_the_moment() -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    assert moment_of(instant_us(moment)) == moment


def test_moment_of__stays_within_the_calendar() -> None:
    assert moment_of(1 << 62).year == 9999
    assert moment_of(-(1 << 62)).year == 1

"""The rules of `validation/rules/bounds.py`: what keeps them, and what breaks them.

Source: FHIR R4 ElementDefinition minValue[x] and maxValue[x],
https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.minValue_x_
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import claiming, observation, profile

BELOW, ABOVE = "primitive-below-minimum", "primitive-above-maximum"
UCUM = "http://unitsofmeasure.org"


def found_of(judge: Judge, kind: str, value: Any, **bounds: Any) -> set[str]:
    bound = profile(
        "Observation", {"path": "Observation.value[x]", "type": [{"code": kind}], **bounds}
    )
    name = f"value{kind[0].upper()}{kind[1:]}"
    return {issue_id for issue_id, _ in judge(claiming(observation(**{name: value})), bound)}


@pytest.mark.parametrize(
    ("value", "minimum", "is_below"),
    [
        ("2019", "2020-06-15", True),
        ("2020-05", "2020-06-15", True),
        ("2020-06-14", "2020-06-15", True),
        ("2020-06-15", "2020-06-15", False),
        ("2020", "2020-06-15", False),
        ("2020-06", "2020-06-15", False),
        ("2020-06-15", "2020", False),
        ("2019-12-31", "2020", True),
        ("2020-06-15T10:00:00+02:00", "2020-06-15T09:00:00Z", True),
        ("2020-06-15T10:00:00.0Z", "2020-06-15T10:00:00Z", False),
        ("2020-06-15", "2020-06-15T23:00:00Z", False),
        ("2020-06-13", "2020-06-15T23:00:00Z", True),
    ],
)
def test_bounds__date_is_below_only_where_that_is_certain(
    judge: Judge, value: str, minimum: str, is_below: bool
) -> None:
    found = found_of(judge, "dateTime", value, minValueDateTime=minimum)
    assert found == ({BELOW} if is_below else set())


@pytest.mark.parametrize(
    ("value", "maximum", "is_above"),
    [
        ("2021", "2020", True),
        ("2020-12-31", "2020", False),
        ("2020", "2020-06", False),
        ("2020-07", "2020-06", True),
        ("2020-06-15T12:00:00-01:00", "2020-06-15T12:30:00Z", True),
    ],
)
def test_bounds__date_is_above_only_where_that_is_certain(
    judge: Judge, value: str, maximum: str, is_above: bool
) -> None:
    found = found_of(judge, "dateTime", value, maxValueDateTime=maximum)
    assert found == ({ABOVE} if is_above else set())


def test_bounds__duration_counts_from_now(judge: Judge) -> None:
    year = {"value": 1, "system": UCUM, "code": "a"}
    now = datetime.now(UTC)
    limits = {"minValueQuantity": year, "maxValueQuantity": year}
    for days, expected in ((0, set()), (-400, {BELOW}), (400, {ABOVE})):
        moment = (now + timedelta(days=days)).isoformat(timespec="seconds")
        assert found_of(judge, "dateTime", moment, **limits) == expected


def test_bounds__time_of_day(judge: Judge) -> None:
    assert found_of(judge, "time", "10:00:00.0", maxValueTime="10:00:00") == set()
    assert found_of(judge, "time", "10:00:00.1", maxValueTime="10:00:00") == {ABOVE}


def test_bounds__number(judge: Judge) -> None:
    assert found_of(judge, "integer", 10, minValueInteger=0, maxValueInteger=10) == set()
    assert found_of(judge, "integer", -1, minValueInteger=0) == {BELOW}


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [("100", "mg", {BELOW}), ("10000", "mg", set()), ("11", "g", set()), ("1", "m", set())],
)
def test_bounds__quantity_compares_in_canonical_units(
    judge: Judge, value: str, code: str, expected: set[str]
) -> None:
    given = {"value": Decimal(value), "system": UCUM, "code": code}
    least = {"value": 10, "system": UCUM, "code": "g"}
    assert found_of(judge, "Quantity", given, minValueQuantity=least) == expected

from decimal import Decimal
from fractions import Fraction

import pytest

from fhir_server.fhirpath import FHIRPath
from fhir_server.model.ucum import parse_unit
from fhir_server.model.ucum_table import METRIC, PLAIN


@pytest.mark.parametrize("code", [*METRIC, *PLAIN])
def test_parse_unit__every_unit_of_the_table_is_defined(code: str) -> None:
    assert parse_unit(code) is not None


@pytest.mark.parametrize(
    ("code", "factor"),
    [
        ("kg", Fraction(1000)),
        ("mg/dL", Fraction(10)),
        ("10*3/uL", Fraction(10**12)),
        ("m2", Fraction(1)),
        ("cm2", Fraction(1, 10**4)),
        ("{cells}/uL", Fraction(10**9)),
        ("/min", Fraction(1, 60)),
        ("[in_i]", Fraction("0.0254")),
        ("daar", Fraction(1000)),
        ("kg.m/s2", Fraction(1000)),
        ("mL/min/{1.73_m2}", Fraction(1, 60 * 10**6)),
        ("%", Fraction(1, 100)),
    ],
)
def test_parse_unit__factor_is_exact(code: str, factor: Fraction) -> None:
    unit = parse_unit(code)
    assert unit is not None
    assert unit.factor == factor


@pytest.mark.parametrize(
    "code",
    ["", "foo", "kg kg", "m//s", "(m", "[bogus]", "m/0", "m999999", "(" * 100 + "m", "k%", "{é}"],
)
def test_parse_unit__no_unit(code: str) -> None:
    assert parse_unit(code) is None


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 'mmol/L' = 1000 'umol/L'", [True]),
        ("37 'Cel' = 310.15 'K'", [True]),
        ("98.6 '[degF]' ~ 37 'Cel'", [True]),
        ("1 year = 12 months", [True]),
        ("1 year = 1 'a'", []),
        ("1 year ~ 1 'a'", [True]),
        ("1 'kg' = 1 'm'", []),
        ("1 'kg' > 900 'g'", [True]),
        ("1 'bogus' = 1 'bogus'", [True]),
        ("(1 'm' + 1 'cm').toString()", ["101 'cm'"]),
        (
            "2 'm' * 3",
            [
                {
                    "value": Decimal(6),
                    "unit": "m",
                    "system": "http://unitsofmeasure.org",
                    "code": "m",
                }
            ],
        ),
        ("1 'kg'.toQuantity('g').toString()", ["1000 'g'"]),
    ],
)
def test_quantity__units_are_converted(
    lenient: FHIRPath, expression: str, expected: list[object]
) -> None:
    assert lenient.compile(expression).evaluate({}) == expected

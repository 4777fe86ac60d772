from decimal import Decimal
from fractions import Fraction

import pytest

from fhir_server.fhirpath import FHIRPath
from fhir_server.model.ucum import parse_unit
from fhir_server.model.ucum_table import CURVED_METRIC, CURVES, METRIC, PLAIN


@pytest.mark.parametrize(
    "code", [*METRIC, *PLAIN, *CURVES, *(f"d{code}" for code in sorted(CURVED_METRIC))]
)
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


@pytest.mark.parametrize(
    ("quantity", "unit", "expected"),
    [
        ("7 '[pH]'", "mol/l", "0.0000001"),
        ("0.0001 'mmol/l'", "[pH]", "7"),
        ("3 'B'", "1", "1000"),
        ("30 'dB'", "B", "3"),
        ("1000 '1'", "dB", "30"),
        ("20 'dB[SPL]'", "Pa", "0.0002"),
        ("6 'B[V]'", "V", "1000"),
        ("3 'B[mV]'", "B[uV]", "9"),
        ("2 'B[W]'", "kW", "0.1"),
        ("8 'bit_s'", "1", "256"),
        ("6 '[hp_X]'", "1", "0.000001"),
        ("3 '[hp_C]'", "[hp_X]", "6"),
        ("2 '[hp_M]'", "[hp_X]", "6"),
        ("3 '[m/s2/Hz^(1/2)]'", "m2/s4/Hz", "9"),
        ("37 'Cel'", "K", "310.15"),
        ("100 '[degRe]'", "Cel", "125"),
        ("1 '[lb_ap]'", "[gr]", "5760"),
        ("1 'circ'", "deg", "360"),
        ("10 'Ao'", "nm", "1"),
    ],
)
def test_convert__special_units(lenient: FHIRPath, quantity: str, unit: str, expected: str) -> None:
    (found,) = lenient.compile(f"({quantity}).toQuantity('{unit}')").evaluate({})
    assert (found["value"].normalize(), found["code"]) == (Decimal(expected).normalize(), unit)


@pytest.mark.parametrize(
    ("quantity", "unit", "near"),
    [
        ("1 'Np'", "1", "2.718281828"),
        ("1 'Np'", "dB", "4.342944819"),
        ("100 '%[slope]'", "deg", "45"),
        ("45 'deg'", "[p'diop]", "100"),
        ("7.4 '[pH]'", "nmol/l", "39.810717"),
    ],
)
def test_convert__curves_that_no_fraction_follows(
    lenient: FHIRPath, quantity: str, unit: str, near: str
) -> None:
    escaped = unit.replace("'", "\\'")
    (found,) = lenient.compile(f"({quantity}).toQuantity('{escaped}')").evaluate({})
    assert abs(found["value"] - Decimal(near)) < Decimal("0.000001")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7 '[pH]' = 0.0000001 'mol/l'", [True]),
        ("7.4 '[pH]' ~ 39.8 'nmol/l'", [True]),
        ("7.0 '[pH]' > 7.4 '[pH]'", [False]),
        ("20 'dB' = 2 'B'", [True]),
        ("1 'dB' = 1 '[pH]'", []),
        ("0 'mol/l'.toQuantity('[pH]')", []),
        ("(3 'dB' + 2 'dB').toString()", ["5 'dB'"]),
        ("3 'dB' + 1 'B'", []),
        ("2 '[pH]' * 3 'm'", []),
        ("999999 'B' = 1 '1'", []),
    ],
)
def test_quantity__units_on_a_curve_have_no_products(
    lenient: FHIRPath, expression: str, expected: list[object]
) -> None:
    assert lenient.compile(expression).evaluate({}) == expected


@pytest.mark.parametrize("code", ["B/m", "[pH]2", "kbit_s", "k[pH]", "dB.s"])
def test_parse_unit__curves_stand_alone(code: str) -> None:
    assert parse_unit(code) is None

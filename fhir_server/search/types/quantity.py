"""Quantity parameters: a number with or without a unit, by system and code or by code alone.

Each quantity has a row for any unit (0), one for its system and code, one for its code and one for the
unit that people read. A UCUM unit is indexed and asked for in base units: 5 mg are found as 0.005 g.

Source: FHIR R4 §3.1.1.4.11, https://hl7.org/fhir/R4/search.html#quantity
"""

from collections.abc import Iterable, Iterator
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from fhir_server.model.json_source import parse_decimal
from fhir_server.model.ucum import Unit, parse_unit
from fhir_server.search.criteria import Criterion
from fhir_server.search.parameters import SearchParameter
from fhir_server.search.predicates import AnyOf, InRange, Predicate
from fhir_server.search.rows import IndexRows, TypedValue
from fhir_server.search.types.number import INFINITY, as_decimal, asked_range
from fhir_server.search.values import split_escaped, unescape
from fhir_server.store.keys import hash64

ANY_UNIT = 0
CURRENCY_SYSTEM = "urn:iso:std:iso:4217"
UCUM_SYSTEM = "http://unitsofmeasure.org"

# Both sides are rounded alike, so that equal amounts stay equal.
_EXACT_ENOUGH = Context(prec=40)

QuantityRow = tuple[int, Decimal, Decimal]
"""Unit, low, high."""


def extract(parameter: SearchParameter, values: Iterable[TypedValue], rows: IndexRows) -> bool:
    """Add a row for each form of the unit; whether there were any."""
    before = len(rows.quantities)
    for item in values:
        for unit, low, high in quantity_rows(item.type, item.value):
            rows.quantities.append((parameter.hash, unit, low, high))
    return len(rows.quantities) > before


def quantity_rows(kind: str, value: Any) -> Iterator[QuantityRow]:
    """The rows of a Quantity, Money, Range or SampledData; none for anything else."""
    if not isinstance(value, dict):
        return
    if kind == "Range":
        limits = _range_limits(value)
        units = _units(value.get("low") or value.get("high") or {})
    elif kind == "Money":
        limits = _point(value.get("value"), None)
        units = _units({"system": CURRENCY_SYSTEM, "code": value.get("currency")})
    elif kind == "SampledData":
        limits = _sampled_limits(value)
        units = _units(value.get("origin", {}))
    else:
        limits = _point(value.get("value"), value.get("comparator"))
        units = _units(value)
    if limits is None:
        return
    for unit in units:
        yield unit, *limits
    yield from _system_row(value, kind, limits)


def _system_row(
    value: dict[str, Any], kind: str, limits: tuple[Decimal, Decimal]
) -> Iterator[QuantityRow]:
    """The row for system and code, in base units where the system is UCUM."""
    match kind:
        case "Range":
            value = value.get("low") or value.get("high") or {}
        case "SampledData":
            value = value.get("origin") or {}
        case "Money":
            value = {"system": CURRENCY_SYSTEM, "code": value.get("currency")}
    system, code = value.get("system"), value.get("code")
    if isinstance(system, str) and isinstance(code, str):
        yield in_base_units(system, code, *limits)


def in_base_units(system: str, code: str, low: Decimal, high: Decimal) -> QuantityRow:
    """A range with the number of its unit; both in base units where the unit is one of UCUM."""
    unit = parse_unit(code) if system == UCUM_SYSTEM else None
    if unit is None:
        return hash64(f"{system}|{code}"), low, high
    if unit.curve is not None:
        # Acidity and levels are asked for in the unit in which they are written.
        return hash64(f"{system}|={code}"), low, high
    return hash64(f"{system}|={unit.base_code}"), _converted(low, unit), _converted(high, unit)


def _converted(value: Decimal, unit: Unit) -> Decimal:
    if value.is_infinite():
        return value
    exact = Fraction(value) * unit.factor + unit.shift
    return _EXACT_ENOUGH.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def _point(value: int | Decimal | None, comparator: str | None) -> tuple[Decimal, Decimal] | None:
    """A quantity `<5` may be anything below 5."""
    if value is None:
        return None
    point = Decimal(value)
    low = -INFINITY if comparator in {"<", "<="} else point
    high = INFINITY if comparator in {">", ">="} else point
    return low, high


def _range_limits(value: dict[str, Any]) -> tuple[Decimal, Decimal] | None:
    low, high = value.get("low", {}).get("value"), value.get("high", {}).get("value")
    if low is None and high is None:
        return None
    return as_decimal(low, -INFINITY), as_decimal(high, INFINITY)


def _sampled_limits(value: dict[str, Any]) -> tuple[Decimal, Decimal] | None:
    """The least and the greatest of the samples: `data` times `factor` plus the origin."""
    try:
        origin = Decimal(value["origin"]["value"])
        factor = Decimal(value.get("factor", 1))
        points = [
            parse_decimal(text) for text in value["data"].split() if text not in {"E", "L", "U"}
        ]
    except (KeyError, ArithmeticError):
        return None
    if not all(point.is_finite() for point in points) or not points:
        return None
    samples = [origin + point * factor for point in (min(points), max(points))]
    return min(samples), max(samples)


def _units(quantity: dict[str, Any]) -> list[int]:
    code, unit = quantity.get("code"), quantity.get("unit")
    units = [ANY_UNIT]
    if code is not None:
        units.append(hash64(f"|{code}"))
    if unit is not None and unit != code:
        units.append(hash64(f"|{unit}"))
    return units


def predicate(criterion: Criterion) -> Predicate:
    """What the values ask for: `[comparator]number[|system|code]`. Errors: Refused(400)."""
    if criterion.modifier is not None:
        raise criterion.bad_modifier()
    found: list[Predicate] = []
    for value in criterion.values:
        parts = [unescape(part) for part in split_escaped(value, "|")]
        if len(parts) not in {1, 3} or (len(parts) == 3 and not parts[2]):
            raise criterion.bad_value(value, "quantity")
        comparator, low, high = asked_range(criterion, value, parts[0])
        unit = ANY_UNIT
        if len(parts) == 3 and parts[1]:
            unit, low, high = in_base_units(parts[1], parts[2], low, high)
        elif len(parts) == 3:
            unit = hash64(f"|{parts[2]}")
        found.append(
            InRange("quantity", criterion.hashes, comparator, low, high, unit, criterion.is_single)
        )
    return found[0] if len(found) == 1 else AnyOf(tuple(found))

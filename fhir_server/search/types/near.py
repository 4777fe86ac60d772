"""`Location?near`: within a distance of a position, along the great circle.

Source: FHIR R4 Location.near, https://hl7.org/fhir/R4/location.html#positional
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from math import isfinite

from fhir_server.search.criteria import Criterion
from fhir_server.search.parameters import SearchParameter
from fhir_server.search.predicates import AnyOf, Near, Predicate
from fhir_server.search.rows import IndexRows, TypedValue
from fhir_server.search.values import split_escaped

DEFAULT_DISTANCE_KM = 50.0
_KM: dict[str, float] = {
    "km": 1.0,
    "m": 0.001,
    "[mi_us]": 1.609347,
    "[mi_i]": 1.609344,
    "mi": 1.609344,
}
_NUMBER = re.compile(r"[-+]?\d{1,20}(?:\.\d{1,20})?", re.ASCII)


def extract(parameter: SearchParameter, values: Iterable[TypedValue], rows: IndexRows) -> bool:
    """Add latitude and longitude; whether there were any."""
    before = len(rows.numbers)
    for item in values:
        if isinstance(item.value, dict):
            for name in ("latitude", "longitude"):
                degrees = item.value.get(name)
                if isinstance(degrees, int | Decimal):
                    point = Decimal(degrees)
                    rows.numbers.append((parameter.hash_of(name), point, point))
    return len(rows.numbers) > before


def predicate(criterion: Criterion) -> Predicate:
    """What `latitude|longitude[|distance[|unit]]` asks for. Errors: Refused(400)."""
    if criterion.modifier is not None:
        raise criterion.bad_modifier()
    found: list[Predicate] = []
    for value in criterion.values:
        parts = split_escaped(value, "|")
        unit = _KM.get(parts[3] if len(parts) == 4 and parts[3] else "km")
        if not 2 <= len(parts) <= 4 or unit is None:
            raise criterion.bad_value(value, "near")
        latitude, longitude = (_degrees(criterion, value, part) for part in parts[:2])
        distance = DEFAULT_DISTANCE_KM
        if len(parts) > 2 and parts[2]:
            distance = _degrees(criterion, value, parts[2]) * unit
        if abs(latitude) > 90 or abs(longitude) > 180 or distance < 0:
            raise criterion.bad_value(value, "near")
        found.append(
            Near(
                criterion.hashes_of("latitude"),
                criterion.hashes_of("longitude"),
                latitude,
                longitude,
                distance,
            )
        )
    return found[0] if len(found) == 1 else AnyOf(tuple(found))


def _degrees(criterion: Criterion, value: str, text: str) -> float:
    if _NUMBER.fullmatch(text) is None or not isfinite(float(text)):
        raise criterion.bad_value(value, "near")
    return float(text)

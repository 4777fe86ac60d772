"""Bridges to tables: a row for each resource, a FHIRPath expression for each column."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from fhir_server.bridges.definition import Bridge, Column, Table
from fhir_server.bridges.expressions import About, evaluated, variables_about
from fhir_server.bridges.reading import read_by, unread
from fhir_server.bridges.records import Records, Resource
from fhir_server.bridges.translation import translated
from fhir_server.model.ucum import parse_unit

UCUM = "http://unitsofmeasure.org"
JOIN = "|"
"""Between the values of a column that has several."""


def write_tables(bridge: Bridge, records: Records) -> tuple[dict[str, bytes], Counter[str]]:
    """The CSV file of each table, and how many values it had no room for, by table and column, and by profile
    and element where no column reads them.
    """
    lost: Counter[str] = Counter()
    read = read_by(bridge)
    for profile in bridge.crossing:
        for resource in records.of_profile(profile):
            lost.update(f"{profile}.{name}" for name in unread(profile, resource, read))
    return {f"{table.name}.csv": _written(table, records, lost) for table in bridge.tables}, lost


def _written(table: Table, records: Records, lost: Counter[str]) -> bytes:
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow([column.to for column in table.columns])
    for profile in table.each:
        for resource in records.of_profile(profile):
            about = variables_about(resource, records)

            def values(source: str, one: Resource = resource, known: About = about) -> list[Any]:
                return evaluated(source, one, known, records)

            if table.when and values(table.when) != [True]:
                lost[profile] += 1
            else:
                rows.writerow(
                    [_value(column, values, table.name, lost) for column in table.columns]
                )
    return out.getvalue().encode()


def _value(
    column: Column, values: Callable[[str], list[Any]], table: str, lost: Counter[str]
) -> str:
    if column.value:
        return column.value
    found = values(column.source)
    whole = values(column.of) if column.of else found
    if column.take:
        found = found[:1] if column.take == "first" else found[-1:]
    if column.map:
        found = [code for each in found if (code := _code(each, column.map))]
    if column.unit:
        found = [number for each in found if (number := converted(each, column.unit))]
    lost[f"{table}.{column.to}"] += max(len(whole) - len(found), 0)
    if column.using:
        return _FUNCTIONS[column.using]([str(each) for each in found])
    return JOIN.join(str(each).lower() if isinstance(each, bool) else str(each) for each in found)


def _code(coding: Any, concept_map: str) -> str | None:
    other = translated(coding, [concept_map])
    return None if other is None else str(other["code"])


def converted(quantity: Mapping[str, Any], code: str) -> str | None:
    """A quantity in another UCUM unit, exactly; None where its own unit is none of the same kind.

    Source: UCUM, https://ucum.org/ucum
    """
    unit, own = parse_unit(code), parse_unit(str(quantity.get("code", "")))
    value = quantity.get("value")
    if (
        unit is None
        or own is None
        or value is None
        or quantity.get("system") != UCUM
        or quantity.get("comparator")
        or own.dimensions != unit.dimensions
    ):
        return None
    base = own.to_base(Fraction(value))
    number = None if base is None else unit.from_base(base)
    return None if number is None else f"{Decimal(number.numerator) / number.denominator:f}"


def years_between(dates: Sequence[str]) -> str:
    """Whole years from the first date to the second, empty where they are too vague to tell.

    Shape: dates of any precision; a year alone gives the difference of the years.
    """
    if len(dates) < 2 or not all(dates[:2]):
        return ""
    start, end = dates[0][:10], dates[1][:10]
    years = int(end[:4]) - int(start[:4])
    length = min(len(start), len(end))
    before = length > 4 and end[4:length] < start[4:length]
    return str(years - before) if years >= before else ""


def years_to_earliest(dates: Sequence[str]) -> str:
    """Whole years from the first date to the earliest of the others."""
    return years_between([*dates[:1], *sorted(dates[1:])])


def middle_of_month(dates: Sequence[str]) -> str:
    """The date with the day 15, as OSIRIS has the date of last news."""
    return f"{dates[-1][:7]}-15" if dates and len(dates[-1]) >= 7 else ""


def year(dates: Sequence[str]) -> str:
    """The year alone."""
    return dates[0][:4] if dates else ""


_FUNCTIONS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "years-between": years_between,
    "years-to-earliest": years_to_earliest,
    "middle-of-month": middle_of_month,
    "year": year,
}

"""A code system from a CSV file.

Shape: a header, then a line per code; columns `code`, `display`, `parent` (several with “|”),
`definition`, `designation:<language>`, `status`, `abstract`; every other column is a property of text.
The separator is a comma, a semicolon or a tab, whichever the header has; the text is UTF-8.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_server.definitions.packages import PackageError
from fhir_server.terminology.code_system import first_in_circle

MAX_CSV_BYTES = 256 * 1024 * 1024
MAX_CONCEPTS = 1_000_000
MAX_FIELD = 10_000
MAX_COLUMNS = 200
_DESIGNATION = "designation:"
_OWN = frozenset({"code", "display", "parent", "definition", "status", "abstract"})
_TRUE = frozenset({"true", "1", "yes"})


@dataclass(frozen=True, slots=True)
class CsvHead:
    """What the file itself does not say."""

    system: str | None
    version: str | None = None
    name: str | None = None
    is_complete: bool = True


def code_system_of_csv(path: Path, head: CsvHead) -> dict[str, Any]:
    """The CodeSystem of a CSV file.

    Errors: PackageError, with the line, for a file that is too large or no table, a code that is missing
    or stands twice, a parent that is not there, or a hierarchy that runs in a circle.
    """
    if not head.system or ":" not in head.system:
        raise PackageError(
            f"{path.name}: a CSV file needs --system with the URL of its code system"
        )
    if path.stat().st_size > MAX_CSV_BYTES:
        raise PackageError(f"{path.name} is larger than {MAX_CSV_BYTES} bytes")
    concepts: dict[str, dict[str, Any]] = {}
    properties: dict[str, str] = {}
    for line, row in _rows(path):
        concept = _concept(row, properties)
        code = concept["code"]
        if not code or code != " ".join(code.split()):
            raise PackageError(f"{path.name}, line {line}: no code, or spaces that are not single")
        if code in concepts:
            raise PackageError(f"{path.name}, line {line}: the code {code[:60]} stands twice")
        if len(concepts) >= MAX_CONCEPTS:
            raise PackageError(f"{path.name} holds more than {MAX_CONCEPTS} codes")
        concepts[code] = concept
    if not concepts:
        raise PackageError(f"{path.name} holds no code")
    check_hierarchy(concepts, path.name)
    return _resource(head, properties, list(concepts.values()))


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each line with its number, by column."""
    csv.field_size_limit(MAX_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline(MAX_FIELD * 2)
            delimiter = max(",;\t", key=header.count)
            columns = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
            _check_columns(columns, path.name)
            for number, values in enumerate(csv.reader(file, delimiter=delimiter, strict=True), 2):
                if any(value.strip() for value in values):
                    if len(values) > len(columns):
                        raise PackageError(f"{path.name}, line {number}: more values than columns")
                    yield (
                        number,
                        {
                            column: value.strip()
                            for column, value in zip(columns, values, strict=False)
                            if value.strip()
                        },
                    )
    except (csv.Error, UnicodeDecodeError) as fault:
        raise PackageError(f"{path.name} cannot be read as CSV in UTF-8: {fault}") from None


def _check_columns(columns: list[str], name: str) -> None:
    if "code" not in columns:
        raise PackageError(f"{name}: the first line must name the columns, one of them “code”")
    if len(columns) != len(set(columns)) or "" in columns or len(columns) > MAX_COLUMNS:
        raise PackageError(
            f"{name}: columns without a name, of one name, or more than {MAX_COLUMNS}"
        )


def _concept(row: Mapping[str, str], properties: dict[str, str]) -> dict[str, Any]:
    concept: dict[str, Any] = {"code": row.get("code", "")}
    for name in ("display", "definition"):
        if name in row:
            concept[name] = row[name]
    designations = [
        {"language": column.removeprefix(_DESIGNATION), "value": value}
        for column, value in row.items()
        if column.startswith(_DESIGNATION)
    ]
    if designations:
        concept["designation"] = designations
    stated = list(_properties(row, properties))
    if stated:
        concept["property"] = stated
    return concept


def _properties(row: Mapping[str, str], properties: dict[str, str]) -> Iterator[dict[str, Any]]:
    for parent in filter(None, (part.strip() for part in row.get("parent", "").split("|"))):
        properties["parent"] = "code"
        yield {"code": "parent", "valueCode": parent}
    if "status" in row:
        properties["status"] = "code"
        yield {"code": "status", "valueCode": row["status"]}
    if row.get("abstract", "").lower() in _TRUE:
        properties["notSelectable"] = "boolean"
        yield {"code": "notSelectable", "valueBoolean": True}
    for column, value in row.items():
        if column not in _OWN and not column.startswith(_DESIGNATION):
            properties[column] = "string"
            yield {"code": column, "valueString": value}


def check_hierarchy(concepts: Mapping[str, dict[str, Any]], name: str) -> None:
    """Errors: PackageError for a parent that is not there, or a circle. Cost: linear."""
    parents = {
        code: [p["valueCode"] for p in concept.get("property", ()) if p["code"] == "parent"]
        for code, concept in concepts.items()
    }
    for code, above in parents.items():
        for parent in above:
            if parent not in concepts:
                raise PackageError(
                    f"{name}: {code[:60]} has the parent {parent[:60]}, which is not there"
                )
    circle = first_in_circle(parents)
    if circle is not None:
        raise PackageError(f"{name}: the hierarchy runs in a circle through {circle[:60]}")


def _resource(
    head: CsvHead, properties: Mapping[str, str], concepts: list[dict[str, Any]]
) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "CodeSystem",
        "url": head.system,
        "version": head.version,
        "title": head.name,
        "status": "active",
        "caseSensitive": True,
        "content": "complete" if head.is_complete else "fragment",
        "count": len(concepts),
        "property": [{"code": code, "type": kind} for code, kind in properties.items()],
        "concept": concepts,
    }
    return {key: value for key, value in resource.items() if value not in (None, [])}

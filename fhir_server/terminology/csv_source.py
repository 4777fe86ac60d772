"""A code system from a CSV file.

Shape: a header, then a line per code; columns `code`, `display`, `parent` (several with “|”),
`definition`, `designation:<language>`, `status`, `abstract`; every other column is a property of text.
The separator is a comma, a semicolon or a tab, whichever the header has; the text is UTF-8.
"""

import csv
import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    with _collector_off():
        return _read(path, head)


@contextmanager
def _collector_off() -> Iterator[None]:
    """While millions of objects are made and none is dropped, looking for garbage takes half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(path: Path, head: CsvHead) -> dict[str, Any]:
    concepts: list[dict[str, Any]] = []
    parents: dict[str, list[str]] = {}
    properties: dict[str, str] = {}
    for line, row, columns in _rows(path):
        concept, above = columns.concept(row, properties)
        code = concept["code"]
        if not code or ((" " in code or not code.isprintable()) and code != " ".join(code.split())):
            raise PackageError(f"{path.name}, line {line}: no code, or spaces that are not single")
        if code in parents:
            raise PackageError(f"{path.name}, line {line}: the code {code[:60]} stands twice")
        if len(concepts) >= MAX_CONCEPTS:
            raise PackageError(f"{path.name} holds more than {MAX_CONCEPTS} codes")
        concepts.append(concept)
        parents[code] = above
    if not concepts:
        raise PackageError(f"{path.name} holds no code")
    check_hierarchy(parents, path.name)
    return _resource(head, properties, concepts)


class _Columns:
    """Where the columns of a file stand. Errors: PackageError for a header that names none, or one twice."""

    def __init__(self, names: list[str], file: str) -> None:
        if "code" not in names:
            raise PackageError(f"{file}: the first line must name the columns, one of them “code”")
        if len(names) != len(set(names)) or "" in names or len(names) > MAX_COLUMNS:
            raise PackageError(
                f"{file}: columns without a name, of one name, or more than {MAX_COLUMNS}"
            )
        self.count = len(names)
        place = {name: index for index, name in enumerate(names)}
        self._code = place["code"]
        self._texts = [(name, place[name]) for name in ("display", "definition") if name in place]
        self._parent, self._status = place.get("parent"), place.get("status")
        self._abstract = place.get("abstract")
        self._languages = [
            (name.removeprefix(_DESIGNATION), index)
            for name, index in place.items()
            if name.startswith(_DESIGNATION)
        ]
        self._others = [
            (name, index)
            for name, index in place.items()
            if name not in _OWN and not name.startswith(_DESIGNATION)
        ]

    def concept(
        self, row: list[str], properties: dict[str, str]
    ) -> tuple[dict[str, Any], list[str]]:
        """The concept of a line, and the codes above it; `properties` notes the type of each it has."""
        concept: dict[str, Any] = {"code": row[self._code].strip()}
        for name, index in self._texts:
            if value := row[index].strip():
                concept[name] = value
        designations = [
            {"language": language, "value": value}
            for language, index in self._languages
            if (value := row[index].strip())
        ]
        if designations:
            concept["designation"] = designations
        above = self._parents(row)
        stated: list[dict[str, Any]] = [{"code": "parent", "valueCode": code} for code in above]
        if above:
            properties["parent"] = "code"
        if self._status is not None and (value := row[self._status].strip()):
            properties["status"] = "code"
            stated.append({"code": "status", "valueCode": value})
        if self._abstract is not None and row[self._abstract].strip().lower() in _TRUE:
            properties["notSelectable"] = "boolean"
            stated.append({"code": "notSelectable", "valueBoolean": True})
        for other, index in self._others:
            if value := row[index].strip():
                properties[other] = "string"
                stated.append({"code": other, "valueString": value})
        if stated:
            concept["property"] = stated
        return concept, above

    def _parents(self, row: list[str]) -> list[str]:
        if self._parent is None or not (text := row[self._parent].strip()):
            return []
        return [part for piece in text.split("|") if (part := piece.strip())]


def _rows(path: Path) -> Iterator[tuple[int, list[str], _Columns]]:
    """Each line that is not empty, with its number and a value for every column."""
    csv.field_size_limit(MAX_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline(MAX_FIELD * 2)
            delimiter = max(",;\t", key=header.count)
            names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
            columns = _Columns(names, path.name)
            for number, row in enumerate(csv.reader(file, delimiter=delimiter, strict=True), 2):
                if len(row) != columns.count:
                    if len(row) > columns.count:
                        raise PackageError(f"{path.name}, line {number}: more values than columns")
                    row.extend([""] * (columns.count - len(row)))
                if not "".join(row).isspace() and any(row):
                    yield number, row, columns
    except (csv.Error, UnicodeDecodeError) as fault:
        raise PackageError(f"{path.name} cannot be read as CSV in UTF-8: {fault}") from None


def check_hierarchy(parents: Mapping[str, Sequence[str]], name: str) -> None:
    """Errors: PackageError for a parent that is not there, or a circle. Cost: linear."""
    seen: set[str] = set()
    is_from_above = True
    for code, above in parents.items():
        for parent in above:
            if parent not in seen:
                is_from_above = False
                if parent not in parents:
                    raise PackageError(
                        f"{name}: {code[:60]} has the parent {parent[:60]}, which is not there"
                    )
        seen.add(code)
    # Where each parent stands before what is below it there is no circle to look for.
    circle = None if is_from_above else first_in_circle(parents)
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

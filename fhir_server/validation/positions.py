"""From an issue's FHIRPath to line and column in the source text."""

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from fhir_server.model.issues import Issue
from fhir_server.model.json_source import Path

_STEP = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9]*)(\[(?P<index>[0-9]+)\])?(\.ofType\((?P<type>[A-Za-z0-9]+)\))?"
)


class Positions(Protocol):
    """Source text that knows where its parts stand: `JsonPositions`, `XmlDocument`."""

    def locate(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column of the value at a path, or of the nearest part around it that exists."""
        ...


def json_path(expression: str) -> Path:
    """The JSON path of an expression, `Patient.name[0].given[1]` or `Observation.value.ofType(Quantity)`."""
    path: list[str | int] = []
    _, _, rest = expression.partition(".")
    for match in _STEP.finditer(rest):
        name = match["name"]
        if match["type"]:
            name += match["type"][:1].upper() + match["type"][1:]
        path.append(name)
        if match["index"] is not None:
            path.append(int(match["index"]))
    return tuple(path)


def located(issues: Iterable[Issue], positions: Positions) -> list[Issue]:
    """The issues with line and column; an element that is missing is placed at the nearest one around it.

    An issue of an unknown element is placed at that element.
    """
    found: list[Issue] = []
    for issue in issues:
        if issue.line is not None:
            found.append(issue)
            continue
        path = json_path(issue.expression)
        if issue.id == "unknown-element":
            path = (*path, str(issue.parameters.get("element")))
        found.append(issue.at(*positions.locate(path)))
    return found

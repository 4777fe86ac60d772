"""From the FHIRPath of an issue to the line and column of its element in the source text."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from fhir_server.model.issues import Issue
from fhir_server.model.json_source import Path

_STEP = re.compile(r"\.?(?:([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\])")
_OF_TYPE = re.compile(r"\.ofType\([A-Za-z0-9]+\)")


class Types(Protocol):
    """What must be known of types to name an element."""

    def element(self, type_name: str, element: str) -> Any:
        """What a type says of an element by its JSON key: `name`, `is_choice`, `json_names`; or None."""
        ...


class Positions(Protocol):
    """A source text that was read: `JsonPositions`, `XmlDocument`."""

    @property
    def value(self) -> Any:
        """What it says."""
        ...

    def locate(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column of the value at a path, or of the nearest part around it that exists."""
        ...


def need_positions(issues: Iterable[Issue]) -> bool:
    """Whether an issue has an expression and no place yet."""
    return any(issue.line is None and issue.expression for issue in issues)


def with_positions(issues: Iterable[Issue], positions: Positions) -> list[Issue]:
    """The issues with their place in the text, those that have an expression and no place yet."""
    return [
        issue.at(*positions.locate(_path_of(issue, positions.value)))
        if issue.line is None and issue.expression
        else issue
        for issue in issues
    ]


def _path_of(issue: Issue, document: Any) -> Path:
    # The expression of what has no place where it stands is that of its parent; its place is its own.
    if issue.id == "unknown-element":
        return (*json_path(issue.expression, document), str(issue.parameters.get("element")))
    if issue.id in {"extension-context", "extension-context-invariant"}:
        return json_path(f"{issue.expression}.{issue.parameters.get('part')}", document)
    return json_path(issue.expression, document)


def json_path(expression: str, document: Any) -> Path:
    """The JSON keys and indexes that lead to an element, as far as the document has them.

    Shape: `Observation.value.code` finds `valueQuantity.code`; an expression that starts at a resource
    inside Parameters is looked up there.
    """
    steps: list[str | int] = []
    node = _root(expression, document, steps)
    _, _, rest = _OF_TYPE.sub("", expression).partition(".")
    for match in _STEP.finditer(rest):
        name, position = match.groups()
        if name is not None and isinstance(node, list) and node:
            steps.append(0)
            node = node[0]
        key: str | int | None = int(position) if name is None else _key(node, name)
        if key is None or not _has(node, key):
            break
        steps.append(key)
        node = node[key]
    return tuple(steps)


def fhir_path(path: Path, document: Any, types: Types) -> str:
    """The FHIRPath of the value at a path of JSON keys and indexes, up to what its type has: the inverse of
    `json_path`.
    """
    node, kind, text = document, "", ""
    for step in path:
        if isinstance(node, dict) and isinstance(node.get("resourceType"), str):
            kind = node["resourceType"]
            text = text or kind
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            info = types.element(kind, step.removeprefix("_"))
            if info is None:
                return text
            kind = info.json_names.get(step.removeprefix("_"), "")
            text += f".{info.name}.ofType({kind})" if info.is_choice else f".{info.name}"
        node = node[step] if _has(node, step) else None
    return text or str(document.get("resourceType", "") if isinstance(document, dict) else "")


def _root(expression: str, document: Any, steps: list[str | int]) -> Any:
    if not isinstance(document, dict) or document.get("resourceType") != "Parameters":
        return document
    if expression.startswith("Parameters"):
        return document
    parameters = document.get("parameter")
    for position, parameter in enumerate(parameters if isinstance(parameters, list) else ()):
        if isinstance(parameter, dict) and isinstance(parameter.get("resource"), dict):
            steps.extend(("parameter", position, "resource"))
            return parameter["resource"]
    return document


def _key(node: Any, name: str) -> str | None:
    if not isinstance(node, dict):
        return None
    if name in node or f"_{name}" in node:
        return name if name in node else f"_{name}"
    typed = re.compile(re.escape(name) + "[A-Z]")
    return next((key for key in node if typed.match(key)), None)


def _has(node: Any, key: str | int) -> bool:
    if isinstance(key, int):
        return isinstance(node, list) and key < len(node)
    return isinstance(node, dict) and key in node

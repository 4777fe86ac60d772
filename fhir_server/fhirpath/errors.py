"""What goes wrong in FHIRPath, as one exception that carries an issue."""

from collections.abc import Sequence
from typing import Any

from fhir_server.model.issues import Issue, error


class FHIRPathError(Exception):
    """An expression that cannot be read, compiled or evaluated.

    Shape: `issue` says what is wrong; `position` is the zero-based offset in the expression, or None
    where the fault lies in the data; `expected` lists what would have been right there.
    """

    def __init__(
        self, issue: Issue, position: int | None = None, expected: Sequence[str] = ()
    ) -> None:
        super().__init__(issue.text())
        self.issue = issue
        self.position = position
        self.expected = tuple(expected)


def syntax_error(
    issue_id: str, source: str, position: int, expected: Sequence[str] = (), **parameters: Any
) -> FHIRPathError:
    """The text is no FHIRPath; the issue carries line and column within the expression."""
    line = source.count("\n", 0, position) + 1
    column = position - source.rfind("\n", 0, position)
    issue = error(
        issue_id, "invalid", expected=" ".join(expected), source=shortened(source), line=line,
        column=column, **_bounded(parameters),
    ).at(line, column)  # fmt: skip
    return FHIRPathError(issue, position, expected)


def semantic_error(
    issue_id: str, position: int | None = None, expected: Sequence[str] = (), **parameters: Any
) -> FHIRPathError:
    """The expression is well formed and yet wrong for the types it is compiled for."""
    listed = ", ".join(expected[:12]) or "…"
    issue = error(issue_id, "invalid", expected=listed, position=position, **_bounded(parameters))
    return FHIRPathError(issue, position, expected)


def execution_error(issue_id: str, **parameters: Any) -> FHIRPathError:
    """The expression cannot be evaluated on this data."""
    return FHIRPathError(error(issue_id, "processing", **_bounded(parameters)))


def _bounded(parameters: dict[str, Any]) -> dict[str, Any]:
    """What a message repeats of an expression of any length."""
    return {
        name: shortened(value) if isinstance(value, str) else value
        for name, value in parameters.items()
    }


def shortened(text: str, length: int = 120) -> str:
    """The text, cut for a message."""
    return text if len(text) <= length else text[: length - 1] + "…"

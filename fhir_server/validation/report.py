"""Collecting issues: each once, with its place and the profile whose rule it is."""

from typing import Any

from fhir_server.model.issues import Issue, Severity


class Report:
    """The issues found so far. The same finding of two profiles is kept once, for the first of them."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self._seen: set[tuple[str, str, str]] = set()

    def add(
        self,
        issue_id: str,
        severity: Severity,
        code: str,
        expression: str,
        profile: str | None = None,
        /,
        **parameters: Any,
    ) -> None:
        """Add a finding."""
        key = (issue_id, expression, repr(sorted(parameters.items(), key=lambda item: item[0])))
        if key in self._seen:
            return
        self._seen.add(key)
        self.issues.append(Issue(issue_id, severity, code, expression, parameters, profile))

    def error(
        self,
        issue_id: str,
        code: str,
        expression: str,
        profile: str | None = None,
        /,
        **parameters: Any,
    ) -> None:
        """Add an error."""
        self.add(issue_id, "error", code, expression, profile, **parameters)

    def warning(
        self,
        issue_id: str,
        code: str,
        expression: str,
        profile: str | None = None,
        /,
        **parameters: Any,
    ) -> None:
        """Add a warning."""
        self.add(issue_id, "warning", code, expression, profile, **parameters)

    @property
    def has_errors(self) -> bool:
        """Whether one of the findings is an error."""
        return any(issue.severity in {"error", "fatal"} for issue in self.issues)


def shown(value: Any, limit: int = 80) -> str:
    """A value as an issue's text may show it: short, on one line."""
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"

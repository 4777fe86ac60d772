"""Collecting issues: each once, with its place and the profile whose rule it is."""

from typing import Any

from fhir_server.definitions.definitions import STRUCTURE_BASE
from fhir_server.model.issues import Issue, Severity


class Report:
    """The issues found so far. The same finding of two profiles is kept once, for the first of them."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self._seen: set[tuple[str, str, str]] = set()
        self._bound: dict[str, dict[str, str]] = {}

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

    def bind(self, expression: str, value_set: str, profile: str) -> None:
        """Note that a profile binds the element at a place to a value set."""
        self._bound.setdefault(expression, {})[value_set] = profile

    def drop_rebound(self) -> None:
        """Take back what a base type's weaker bindings say where a profile binds the element anew: the
        profile's value set is the narrower one.
        """
        self.issues = [issue for issue in self.issues if not self._is_rebound(issue)]

    def _is_rebound(self, issue: Issue) -> bool:
        if issue.severity == "error" or not issue.id.startswith("binding-"):
            return False
        bound = self._bound.get(issue.expression, {})
        return (
            issue.profile == bound.get(issue.parameters.get("value_set", ""))
            and issue.profile is not None
            and issue.profile.startswith(STRUCTURE_BASE)
            and any(not profile.startswith(STRUCTURE_BASE) for profile in bound.values())
        )

    @property
    def has_errors(self) -> bool:
        """Whether one of the findings is an error."""
        return any(issue.severity in {"error", "fatal"} for issue in self.issues)


def shown(value: Any, limit: int = 80) -> str:
    """A value as an issue's text may show it: short, on one line."""
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"

"""Collecting issues: each once, with its place and the profile whose rule it is."""

from typing import Any

from fhir_server.definitions.definitions import STRUCTURE_BASE
from fhir_server.model.issues import Issue, Severity


class Report:
    """The issues found so far. The same finding of two profiles is kept once, for the first of them."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self._first: dict[tuple[str, str], dict[str, Any]] = {}
        """The parameters of the first finding of each issue id at each place."""
        self._further: dict[tuple[str, str], list[dict[str, Any]]] = {}
        """All of them, where there are several."""
        self._bound: dict[str, dict[str, str]] = {}
        self._begun: set[tuple[str, str, bool]] = set()
        self._weakly_bound: set[str] = set()
        self.weak_bindings = 0
        """How many of the findings a profile that binds the element anew would take back."""

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
        place = (issue_id, expression)
        first = self._first.setdefault(place, parameters)
        if first is not parameters:
            found = self._further.setdefault(place, [first])
            if parameters in found:
                return
            found.append(parameters)
        issue = Issue(issue_id, severity, code, expression, parameters, profile)
        self.issues.append(issue)
        if _is_weak_binding(issue):
            self.weak_bindings += 1

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
        if self.weak_bindings:
            self.issues = [issue for issue in self.issues if not self._is_rebound(issue)]

    def _is_rebound(self, issue: Issue) -> bool:
        if not _is_weak_binding(issue):
            return False
        bound = self._bound.get(issue.expression, {})
        return issue.profile == bound.get(issue.parameters.get("value_set", "")) and any(
            not profile.startswith(STRUCTURE_BASE) for profile in bound.values()
        )

    def begins(self, place: str, profile: str, *, is_asked: bool) -> bool:
        """Whether the resource at a place is only now explained against a profile, asked for or claimed: one
        that stands in another is met again with each profile of that.
        """
        known = len(self._begun)
        self._begun.add((place, profile, is_asked))
        return len(self._begun) > known

    def is_weakly_bound(self, place: str, before: int) -> bool:
        """Whether the resource at a place has a finding that a profile may take back; `before` is the number
        of `weak_bindings` before it was explained.
        """
        if self.weak_bindings > before:
            self._weakly_bound.add(place)
        return place in self._weakly_bound

    @property
    def has_errors(self) -> bool:
        """Whether one of the findings is an error."""
        return any(issue.severity in {"error", "fatal"} for issue in self.issues)


def _is_weak_binding(issue: Issue) -> bool:
    return (
        issue.severity != "error"
        and issue.id.startswith("binding-")
        and issue.profile is not None
        and issue.profile.startswith(STRUCTURE_BASE)
    )


def shown(value: Any, limit: int = 80) -> str:
    """A value as an issue's text may show it: short, on one line."""
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"

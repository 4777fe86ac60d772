"""Issues in the journal: as JSON, without any value of a message or resource.

Issues of the mapping and of the syntax hold no values by contract. Those of validation may quote the
value at fault, so of their parameters only numbers and the names of definitions are kept.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from fhir_server.model.issues import Issue, Language, Reason

OWN_PREFIXES = ("hl7v2-", "v2-", "mllp-", "ingest-")
"""Issue ids of the ingest itself."""

DEFINITION_PARAMETERS = frozenset(
    {
        "element",
        "type",
        "types",
        "profile",
        "rule",
        "key",
        "min",
        "max",
        "slice",
        "value_set",
        "resource_type",
    }
)
"""Parameters that name a definition and never quote an instance."""


def issue_to_json(issue: Issue) -> dict[str, Any]:
    """The issue as it is kept."""
    own = issue.id.startswith(OWN_PREFIXES)
    parameters = {
        name: _kept_value(value)
        for name, value in issue.parameters.items()
        if own or isinstance(value, int) or name in DEFINITION_PARAMETERS
    }
    kept = {
        "id": issue.id,
        "severity": issue.severity,
        "code": issue.code,
        "expression": issue.expression,
        "parameters": parameters,
        "profile": issue.profile,
    }
    return {name: value for name, value in kept.items() if value}


def _kept_value(value: Any) -> Any:
    if isinstance(value, Reason):
        parts = {name: _kept_value(part) for name, part in value.parameters.items()}
        return {"because": value.id, "parameters": parts}
    return value if isinstance(value, int) else str(value).replace("\x00", "")


def _value(kept: Any) -> Any:
    if isinstance(kept, dict):
        parts = {name: _value(part) for name, part in kept["parameters"].items()}
        return Reason(kept["because"], parts)
    return kept


def issues_to_json(issues: Iterable[Issue]) -> list[dict[str, Any]]:
    """All issues as they are kept."""
    return [issue_to_json(issue) for issue in issues]


def issue_from_json(kept: Mapping[str, Any]) -> Issue:
    """The issue again, so that it can be told in either language."""
    return Issue(
        kept["id"],
        kept["severity"],
        kept["code"],
        kept.get("expression", ""),
        {name: _value(value) for name, value in kept.get("parameters", {}).items()},
        kept.get("profile"),
    )


def told(kept: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """The issue for people: without parameters, with text and hint."""
    issue = issue_from_json(kept)
    shown = {name: value for name, value in kept.items() if name != "parameters"}
    return {**shown, "text": issue.text(language), "hint": issue.hint(language)}

"""Issues: what is wrong with an input, where, why and how to mend it, in English and French.

An `Issue` is a value. Its texts stand in `texts/*.yaml` under its id, with `{parameter}` places:

    cardinality-min:
      en: {text: "At least {min} {element} required, found {found}.", hint: "Add {element}."}
      fr: {text: "…", hint: "…"}

Source: FHIR R4 OperationOutcome, https://hl7.org/fhir/R4/operationoutcome.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec
import yaml

Severity = Literal["fatal", "error", "warning", "information"]
Language = Literal["en", "fr"]

SEVERITY_RANK: Mapping[Severity, int] = {"fatal": 0, "error": 1, "warning": 2, "information": 3}
ISSUE_ID_SYSTEM = "https://osteon.example/fhir/CodeSystem/issue-id"
LINE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line"
COLUMN_EXTENSION = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col"
SOURCE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-source"


class Issue(msgspec.Struct, frozen=True, gc=False):
    """One finding.

    Shape: `id` stable, kebab-case; `code` from FHIR issue-type; `expression` the FHIRPath of the
    element (`Patient.name[0].given[1]`), empty for the whole input; `parameters` fill the text, words in
    it being a `Reason` or another issue, never a text of one language;
    `profile` the canonical whose rule it is; `line`, `column` from 1, where the source text is known.
    """

    id: str
    severity: Severity
    code: str
    expression: str = ""
    parameters: Mapping[str, Any] = msgspec.field(default_factory=dict)
    profile: str | None = None
    line: int | None = None
    column: int | None = None

    def text(self, language: Language = "en") -> str:
        """What is wrong, in a sentence."""
        return self._render("text", language)

    def hint(self, language: Language = "en") -> str:
        """How to mend it; empty where nothing useful can be said."""
        return self._render("hint", language)

    def at(self, line: int, column: int) -> "Issue":
        """The same issue with its place in the source text."""
        return msgspec.structs.replace(self, line=line, column=column)

    def _render(self, part: str, language: Language) -> str:
        entry = texts().get(self.id)
        if entry is None:
            return self.id if part == "text" else ""
        return _filled(entry[language].get(part, ""), self.parameters, language)


@dataclass(frozen=True, slots=True)
class Reason:
    """A clause within the text of an issue: why, or what was expected. It has texts of its own, in
    `texts/reasons.yaml` under its id, without a full stop; `str` gives the English one.
    """

    id: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def text(self, language: Language = "en") -> str:
        """The clause."""
        return _filled(texts()[self.id][language]["text"], self.parameters, language)

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, slots=True)
class Reasons:
    """Several clauses in one place, each once."""

    parts: tuple[Reason, ...]

    def text(self, language: Language = "en") -> str:
        """The clauses, one after the other."""
        return "; ".join(dict.fromkeys(part.text(language) for part in self.parts))

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text that a definition brings with it, with its French translation where it has one."""

    content: str
    french: str | None = None

    def text(self, language: Language = "en") -> str:
        """The text."""
        return self.french or self.content if language == "fr" else self.content

    def __str__(self) -> str:
        return self.content


Clause = Reason | Reasons | Quoted | Issue
"""What may stand in an issue's text with words of its own."""


def because(reason_id: str, **parameters: Any) -> Reason:
    """A reason."""
    return Reason(reason_id, parameters)


def _filled(template: str, parameters: Mapping[str, Any], language: Language) -> str:
    return template.format_map(_Parameters(parameters, language))


class _Parameters(dict[str, Any]):
    def __init__(self, values: Mapping[str, Any], language: Language) -> None:
        super().__init__(values)
        self._language = language

    def __getitem__(self, key: str) -> Any:
        value = self.get(key, "…")
        if isinstance(value, Clause):
            # The sentence around the clause has its own full stop.
            return value.text(self._language).removesuffix(".")
        return value


class Refused(Exception):  # noqa: N818 — the field's word for what it says
    """A client's request cannot be carried out. `status` is the HTTP status that says so."""

    def __init__(self, status: int, issues: Sequence[Issue]) -> None:
        super().__init__(f"{status}: " + "; ".join(issue.id for issue in issues))
        self.status = status
        self.issues = tuple(issues)


def error(issue_id: str, code: str, expression: str = "", **parameters: Any) -> Issue:
    """An issue of severity error."""
    return Issue(issue_id, "error", code, expression, parameters)


def warning(issue_id: str, code: str, expression: str = "", **parameters: Any) -> Issue:
    """An issue of severity warning."""
    return Issue(issue_id, "warning", code, expression, parameters)


def refuse(
    status: int, issue_id: str, code: str, expression: str = "", **parameters: Any
) -> Refused:
    """The exception for a request with one fault."""
    return Refused(status, [error(issue_id, code, expression, **parameters)])


def has_errors(issues: Iterable[Issue]) -> bool:
    """Whether one of the issues is an error or fatal."""
    return any(SEVERITY_RANK[issue.severity] <= 1 for issue in issues)


def operation_outcome(issues: Sequence[Issue], language: Language = "en") -> dict[str, Any]:
    """The issues as an OperationOutcome resource.

    Shape: `details.coding` carries the stable id, `details.text` the sentence, `diagnostics` the hint,
    `expression` the FHIRPath; line and column stand in HL7's extensions.
    """
    rendered = [_outcome_issue(issue, language) for issue in issues]
    if not rendered:
        rendered = [
            {
                "severity": "information",
                "code": "informational",
                "details": {"text": {"en": "No issues.", "fr": "Aucune anomalie."}[language]},
            }
        ]
    return {"resourceType": "OperationOutcome", "issue": rendered}


def _outcome_issue(issue: Issue, language: Language) -> dict[str, Any]:
    extensions: list[dict[str, Any]] = []
    if issue.line is not None:
        extensions.append({"url": LINE_EXTENSION, "valueInteger": issue.line})
        extensions.append({"url": COLUMN_EXTENSION, "valueInteger": issue.column})
    if issue.profile is not None:
        extensions.append({"url": SOURCE_EXTENSION, "valueString": issue.profile})
    result: dict[str, Any] = {"extension": extensions} if extensions else {}
    result["severity"] = issue.severity
    result["code"] = issue.code
    result["details"] = {
        "coding": [{"system": ISSUE_ID_SYSTEM, "code": issue.id}],
        "text": issue.text(language),
    }
    hint = issue.hint(language)
    if hint:
        result["diagnostics"] = hint
    if issue.expression:
        result["expression"] = [issue.expression]
    return result


@cache
def texts() -> dict[str, dict[str, dict[str, str]]]:
    """All texts by issue id, then language, then part (`text`, `hint`)."""
    merged: dict[str, dict[str, dict[str, str]]] = {}
    for entry in sorted(resources.files("fhir_server.model.texts").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".yaml"):
            merged.update(yaml.load(entry.read_bytes(), Loader=yaml.CSafeLoader) or {})
    return merged

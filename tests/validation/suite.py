"""The cases of the official validator suite, read and run."""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_server.definitions import Definitions, core_definitions
from fhir_server.model.issues import Issue
from fhir_server.model.json_source import parse_json
from fhir_server.model.xml_source import parse_xml
from fhir_server.validation import Validator
from fhir_server.validation.sources import Result, records, validate_record
from tests.validation.conformance import FOLDER, has

FILES = FOLDER / "validator" / "files"
_COMMENT = re.compile(r"/\*.*?\*/")
_INDEX = re.compile(r"\[([1-9][0-9]*)\]")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a case: the file, what is loaded, the profile asked for, and the expected verdict."""

    name: str
    file: str
    loaded: tuple[str, ...]
    profile: str | None
    valid: bool
    issues: tuple[tuple[str, str], ...]
    """Severity and expression of the expected errors."""


@cache
def runs() -> dict[str, Run]:
    """Every run by name; the second run of a case, against its profile, ends in `@profile`."""
    if not has("validator"):
        return {}
    found: dict[str, Run] = {}
    for case in json.loads((FOLDER / "validator" / "cases.json").read_bytes()):
        name, loaded = case["name"], tuple(case["supporting"])
        found[name] = Run(name, case["file"], loaded, None, case["valid"], _errors(case["issues"]))
        if "profile" in case:
            profile = case["profile"]
            more = (*loaded, *profile["supporting"], profile["source"])
            found[f"{name}@profile"] = Run(
                f"{name}@profile", case["file"], more, profile["source"],
                profile["valid"], _errors(profile["issues"]),
            )  # fmt: skip
    return found


def _errors(issues: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (issue["severity"], plain(issue["expression"]))
        for issue in issues
        if issue["severity"] in {"error", "fatal"}
    )


def plain(expression: str | None) -> str:
    """An expression without the comments that HL7's validator writes into it."""
    return _COMMENT.sub("", expression or "").strip("/").replace("/.", ".")


def read(name: str) -> Any:
    """A file of the suite."""
    source = (FILES / name).read_bytes()
    if source.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<":
        return parse_xml(source, core_definitions().type_model)
    return parse_json(source)


@cache
def _definitions(loaded: tuple[str, ...]) -> Definitions:
    resources: list[dict[str, Any]] = []
    for name in loaded:
        resource = read(name)
        entries = resource.get("entry", []) if resource["resourceType"] == "Bundle" else []
        resources.extend([resource, *(entry["resource"] for entry in entries)])
    return core_definitions().layered(resources)


@cache
def _validator(loaded: tuple[str, ...], *, thorough: bool) -> Validator:
    return Validator(_definitions(loaded) if loaded else core_definitions(), thorough=thorough)


def run(one: Run, *, thorough: bool = False) -> list[Issue]:
    """The issues of a run."""
    validator = _validator(one.loaded, thorough=thorough)
    profiles = [read(one.profile)["url"]] if one.profile else []
    return [
        issue
        for record in records(FILES / one.file)
        for issue in (
            record if isinstance(record, Result) else validate_record(record, validator, profiles)
        ).issues
    ]


def is_valid(issues: list[Issue]) -> bool:
    """The verdict."""
    return all(issue.severity not in {"error", "fatal"} for issue in issues)


def agreement(one: Run, issues: list[Issue]) -> tuple[int, int]:
    """How many of the expected errors agree with one found in severity and expression, of how many."""
    found = {i.expression for i in issues if i.severity in {"error", "fatal"}}
    agreed = sum(
        expression in found or _from_zero(expression) in found or _of_an_entry(expression, issues)
        for _, expression in one.issues
    )
    return agreed, len(one.issues)


def _from_zero(expression: str) -> str:
    """An expression with its indexes counted from 0: HL7's Bundle rules count from 1."""
    return _INDEX.sub(lambda match: f"[{int(match[1]) - 1}]", expression)


def _of_an_entry(expression: str, issues: list[Issue]) -> bool:
    """HL7's rules of fullUrl name the first entry, whichever is at fault."""
    return expression == "Bundle.entry[0]" and any(
        issue.id.startswith("bundle-full-url") for issue in issues
    )

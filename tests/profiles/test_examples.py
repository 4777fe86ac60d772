"""Each example gets exactly the issues that `expected.csv` declares for it.

Counted are all errors, and the warnings that rules of the package make. A code that could not be checked
is no verdict, and warnings of the base specification (a narrative is advised) are no concern of the profiles.
"""

from functools import cache
from pathlib import Path

import pytest

from fhir_server.definitions.packages import network_definitions
from fhir_server.model.issues import Issue
from fhir_server.validation.validator import Validator
from tests.profiles.network import (
    BASE,
    Finding,
    example,
    example_id,
    example_paths,
    expected_findings,
    profiles,
)

EXAMPLES = [
    pytest.param(path, id=example_id(path))
    for path in (*example_paths("valid"), *example_paths("invalid"))
]


@cache
def validator() -> Validator:
    return Validator(network_definitions())


def counts(issue: Issue) -> bool:
    if issue.severity in {"error", "fatal"}:
        return True
    return (
        issue.severity == "warning"
        and issue.id not in {"coding-not-checked", "binding-not-checked"}
        and (issue.profile or "").startswith(BASE)
    )


def finding(issue: Issue) -> Finding:
    rule = str(issue.parameters.get("key", "")) if issue.id.startswith("invariant") else ""
    return Finding(issue.severity, issue.id, rule, issue.expression)


@cache
def issues(path: Path) -> list[Issue]:
    return [issue for issue in validator().validate(example(path)) if counts(issue)]


@pytest.mark.parametrize("path", EXAMPLES)
def test_example__has_exactly_the_declared_issues(path: Path) -> None:
    found = [finding(issue) for issue in issues(path)]
    assert sorted(found) == sorted(expected_findings().get(example_id(path), []))


def test_expected__names_existing_files_only() -> None:
    files = {example_id(path) for folder in ("valid", "invalid") for path in example_paths(folder)}
    assert set(expected_findings()) <= files


def test_valid_examples__break_no_rule() -> None:
    assert not [name for name in expected_findings() if name.startswith("valid/")]


def test_invalid_examples__each_break_a_rule() -> None:
    assert {example_id(path) for path in example_paths("invalid")} <= set(expected_findings())


def test_profiles__have_two_valid_examples_each() -> None:
    claims = [example(path)["meta"]["profile"][0] for path in example_paths("valid")]
    assert {
        each["id"]: claims.count(each["url"])
        for each in profiles()
        if claims.count(each["url"]) < 2
    } == {}


def test_profiles__have_invalid_examples() -> None:
    claims = [example(path)["meta"]["profile"][0] for path in example_paths("invalid")]
    assert {each["id"] for each in profiles() if each["url"] not in claims} == set()

"""Every constraint of the package has an invalid example that breaks it.

Proven by taking the constraint away: an example breaks it when the issue that is declared for the example
is gone without it.
"""

from functools import cache

import pytest

from fhir_server.definitions.packages import network_definitions
from fhir_server.validation.validator import Validator
from tests.profiles.network import (
    Finding,
    Resource,
    example,
    example_id,
    example_paths,
    expected_findings,
    of_type,
)
from tests.profiles.test_examples import counts, finding
from tests.profiles.weakening import Constraint, stated_constraints


@cache
def broken_examples() -> list[tuple[Resource, str, list[Finding]]]:
    """Each invalid example, its text and what is declared for it."""
    return [
        (example(path), path.read_text(encoding="utf-8"), expected_findings()[example_id(path)])
        for path in example_paths("invalid")
    ]


def is_broken(constraint: Constraint) -> bool:
    weaker = Validator(network_definitions().layered([constraint.weaker]), thorough=True)
    for resource, text, declared in broken_examples():
        told = [each for each in declared if constraint.is_told_by(each.id, each.rule)]
        if told and f'"{constraint.profile}"' in text:
            found = [finding(issue) for issue in weaker.validate(resource) if counts(issue)]
            if any(each not in found for each in told):
                return True
    return False


@pytest.mark.parametrize(
    "structure", of_type("StructureDefinition"), ids=lambda each: str(each["id"])
)
def test_constraints__have_an_example_that_breaks_each(structure: Resource) -> None:
    stated = list(stated_constraints(structure))
    assert stated
    assert [each.name for each in stated if not is_broken(each)] == []


def test_constraints__are_those_that_a_differential_adds() -> None:
    """What only repeats the base and what makes a slice are left out, and nothing else is."""
    (profile,) = [each for each in of_type("StructureDefinition") if each["id"] == "tumour-surgery"]
    names = {each.name for each in stated_constraints(profile)}
    assert {"Procedure.code min", "Procedure.code binding", "Procedure surgery-margin"} <= names
    assert {"Procedure.extension:intent min", "Procedure.extension:intent max"} <= names
    assert "Procedure.extension:intent type" not in names

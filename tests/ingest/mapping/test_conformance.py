"""What is mapped conforms to the profiles it claims."""

from functools import cache

import pytest

from fhir_server.definitions.packages import network_definitions
from fhir_server.terminology import Terminology
from fhir_server.validation import Validator
from ingest.mapping import default_library, map_message, organizations_bundle
from tests.ingest.mapping.conftest import MESSAGES, read_message
from tests.ingest.mapping.memory_store import MemoryStore


@cache
def validator() -> Validator:
    definitions = network_definitions()
    return Validator(definitions, Terminology(definitions))


@pytest.mark.parametrize("name", sorted(path.stem for path in MESSAGES.glob("*.hl7")))
def test_resources__conform_to_the_profiles_they_claim(name: str) -> None:
    result = map_message(read_message(name), stored=MemoryStore())
    assert result.bundle is not None, result.held
    issues = [
        (entry["resource"]["resourceType"], issue.id, issue.expression, issue.text())
        for entry in result.bundle["entry"]
        for issue in validator().validate(entry["resource"])
        if issue.severity in {"error", "fatal"}
    ]
    assert issues == []


def test_organizations__conform_to_the_profile_of_centres() -> None:
    bundle = organizations_bundle(default_library().register.centres.values())
    assert len(bundle["entry"]) == 24
    for entry in bundle["entry"]:
        issues = validator().validate(entry["resource"])
        assert [one.id for one in issues if one.severity == "error"] == []

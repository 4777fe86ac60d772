"""The rules of `validation/rules/glances.py`: what keeps them, and what breaks them.

Source: the expressions of the published definitions, https://hl7.org/fhir/R4/resource.html
"""

from itertools import product
from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.fhirpath import FHIRPath
from fhir_server.validation.check import holds
from fhir_server.validation.rules.glances import GLANCES
from fhir_server.validation.scope import Scope
from tests.validation.rules.conftest import Judge

ENGINE = FHIRPath(core_definitions().type_model, lenient=True)
ORGANIZATION = {"resourceType": "Organization", "id": "o", "name": "A"}
PATIENTS: list[dict[str, Any]] = [
    {"contained": [ORGANIZATION]},
    {"contained": [ORGANIZATION], "managingOrganization": {"reference": "#o"}},
    {"contained": [ORGANIZATION], "managingOrganization": {"reference": "#p"}},
    {"contained": [{**ORGANIZATION, "partOf": {"reference": "#o"}}]},
    {"contained": [{**ORGANIZATION, "partOf": {"reference": "#"}}]},
    {"contained": [{**ORGANIZATION, "contained": [ORGANIZATION]}]},
    {"contained": [ORGANIZATION, {**ORGANIZATION, "id": "p"}],
     "managingOrganization": {"reference": "#o"}},
    {"contained": [ORGANIZATION], "extension": [
        {"url": "http://example.org/x", "valueReference": {"reference": "#o"}}]},
    {"contained": [ORGANIZATION], "extension": [{"url": "http://example.org/x", "valueUri": "#o"}]},
    {"contained": [ORGANIZATION], "generalPractitioner": [[{"reference": "#o"}]]},
]  # fmt: skip
PERIODS = [
    {"start": start, "end": end}
    for start in ("2020", "2020-02", "2020-02-03", "2020-02-03T04:05:06Z", "2020-02-03T04:05:06+01:00")
    for end in ("2019", "2020", "2020-02-02", "2020-02-04", "2020-02-03T04:05:05Z", "2021-01-01T00:00:00Z")
]  # fmt: skip


ENTRIES: list[dict[str, Any]] = [
    {"fullUrl": "urn:uuid:1", "resource": ORGANIZATION},
    {"fullUrl": "urn:uuid:1", "resource": {**ORGANIZATION, "meta": {"versionId": "2"}}},
    {"fullUrl": "urn:uuid:12", "resource": ORGANIZATION},
    {"fullUrl": "urn:uuid:2", "request": {"method": "DELETE", "url": "Organization/o"}},
    {"resource": ORGANIZATION, "response": {"status": "200"}},
    {"resource": ORGANIZATION, "request": None},
    {"_fullUrl": {"id": "x"}, "resource": {**ORGANIZATION, "meta": {"_versionId": {"id": "v"}}}},
]  # fmt: skip
BUNDLES: list[dict[str, Any]] = [
    {**kind, "entry": list(entries)}
    for kind in ({"type": "batch"}, {"type": "batch-response"}, {"type": "history"}, {"type": "collection"},
                 {"_type": {"id": "t"}})
    for count in range(3)
    for entries in product(ENTRIES, repeat=count)
]  # fmt: skip


@pytest.mark.parametrize("expression", [text for text in GLANCES if text.startswith("contained")])
@pytest.mark.parametrize("members", PATIENTS)
def test_glances__yes_is_never_wrong_of_what_is_contained(
    expression: str, members: dict[str, Any]
) -> None:
    patient = {"resourceType": "Patient", **members}
    if GLANCES[expression](patient, Scope(patient)):
        answer = ENGINE.compile(expression, "Patient").test(patient, resource=patient)
        assert answer is True


@pytest.mark.parametrize("period", PERIODS)
def test_glances__yes_is_never_wrong_of_periods(period: dict[str, Any]) -> None:
    expression = next(text for text in GLANCES if "start" in text and "end" in text)
    if GLANCES[expression](period, Scope({})):
        assert ENGINE.compile(expression, "Period").test(period) is True


@pytest.mark.parametrize("expression", [text for text in GLANCES if "entry" in text])
def test_glances__yes_is_never_wrong_of_entries(expression: str) -> None:
    compiled = ENGINE.compile(expression, "Bundle")
    said = 0
    for members in BUNDLES:
        bundle = {"resourceType": "Bundle", **members}
        if holds(GLANCES[expression], bundle, Scope(bundle)):
            said += 1
            assert compiled.test(bundle, resource=bundle) is True
    assert said > 1


def test_glances__no_is_left_to_fhirpath(judge: Judge) -> None:
    patient: dict[str, Any] = {"resourceType": "Patient", "contained": [ORGANIZATION]}
    assert judge(patient) == {("invariant", "Patient.contained[0]")}
    by_uri = [{"url": "http://example.org/x", "valueUri": "#o"}]
    assert judge({**patient, "extension": by_uri}) == {
        ("extension-not-checked", "Patient.extension[0]")
    }


def test_glances__are_of_published_expressions() -> None:
    definitions = core_definitions()
    published = {
        constraint.get("expression")
        for name in ("Bundle", "DomainResource", "Reference", "Period")
        for element in (definitions.structure(name) or {})["snapshot"]["element"]
        for constraint in element.get("constraint", ())
    }
    assert set(GLANCES) <= published

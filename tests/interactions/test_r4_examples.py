"""Every official R4 example is stored and read back value for value."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.model.json_source import encode_json, parse_json
from tests.conformance import needs_conformance_data, r4_examples

pytestmark = needs_conformance_data

_MEDIA_TYPE = "the binding of accept and contentType to media types (BCP 13) is required"
_FULL_URL = "the id of a resource is the one its fullUrl ends in"
_TARGET = "a reference leads to a type that its element does not allow"
_UNIT = "a unit that its system, UCUM or v3-orderableDrugForm, does not have"
REFUSED: dict[str, str] = {
    "ActivityDefinition-blood-tubes-supply.json": "txt-2: the narrative has text that shows",
    "ActivityDefinition-heart-valve-replacement.json": "txt-2: the narrative has text that shows",
    "EventDefinition-example.json": "txt-2: the narrative has text that shows",
    "Questionnaire-zika-virus-exposure-assessment.json": "txt-2: the narrative has text that shows",
    "Bundle-types.json": "the context of structuredefinition-normative-version is StructureDefinition",
    "DeviceMetric-example.json": _TARGET,
    "DeviceUseStatement-example.json": _TARGET,
    "MedicationRequest-medrx0301.json": _TARGET,
    "Observation-clinical-gender.json": _TARGET,
    "OrganizationAffiliation-orgrole1.json": _TARGET,
    "ImplementationGuide-fhir.json": "ImplementationGuide.name and .packageId are 1..1",
    "ig-r4.json": "ImplementationGuide.name and .packageId are 1..1",
    "Questionnaire-qs1.json": "Questionnaire.item.linkId is 1..1",
    "TerminologyCapabilities-example.json": "a UUID in a uri is in lower case",
    "TestScript-testscript-example-history.json": _MEDIA_TYPE,
    "TestScript-testscript-example-multisystem.json": _MEDIA_TYPE,
    "TestScript-testscript-example-readtest.json": _MEDIA_TYPE,
    "TestScript-testscript-example-search.json": _MEDIA_TYPE,
    "TestScript-testscript-example-update.json": _MEDIA_TYPE,
    "TestScript-testscript-example.json": _MEDIA_TYPE,
    "Bundle-10bb101f-a121-4264-a920-67be9cb82c74.json": _FULL_URL,
    "Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe.json": _FULL_URL,
    "Bundle-lri-example.json": _FULL_URL,
    "Bundle-father.json": _UNIT,
    "Bundle-ussg-fht.json": _UNIT,
    "Claim-760151.json": _UNIT,
    "Claim-760152.json": _UNIT,
    "Medication-med0304.json": _UNIT,
    "Medication-med0309.json": _UNIT,
    "MedicationAdministration-medadmin0312.json": _UNIT,
    "Media-sound.json": "a link of the narrative leads to an element of the resource",
    "MedicationDispense-meddisp0301.json": _UNIT,
    "MedicationDispense-meddisp0309.json": _UNIT,
    "MedicationDispense-meddisp0313.json": _UNIT,
    "MedicationDispense-meddisp0318.json": _UNIT,
    "MedicationDispense-meddisp0324.json": _UNIT,
    "MedicationDispense-meddisp0325.json": _UNIT,
    "MedicationDispense-meddisp0327.json": _UNIT,
    "MedicationDispense-meddisp0328.json": _UNIT,
    "MedicationDispense-meddisp0329.json": _UNIT,
    "MedicationRequest-medrx0304.json": _UNIT,
    "MedicationRequest-medrx0313.json": _UNIT,
    "MedicationRequest-medrx0314.json": _UNIT,
    "MedicationRequest-medrx0319.json": _UNIT,
    "MedicationRequest-medrx0322.json": _UNIT,
    "MedicationRequest-medrx0325.json": _UNIT,
    "MedicationRequest-medrx0326.json": _UNIT,
    "MedicationRequest-medrx0327.json": _UNIT,
    "MedicationRequest-medrx0328.json": _UNIT,
    "MedicationRequest-medrx0329.json": _UNIT,
    "MedicationRequest-medrx0334.json": _UNIT,
    "MedicationRequest-medrx0335.json": _UNIT,
    "MedicationStatement-example001.json": _UNIT,
    "MedicationStatement-example002.json": _UNIT,
    "MedicationStatement-example003.json": _UNIT,
    "Observation-f202.json": "the profile of body temperatures, known by LOINC 8310-5, asks for a time",
    "VisionPrescription-33124.json": _UNIT,
}
"""Examples that HL7's own rules reject: the file, and the rule."""


def _without_server_meta(resource: dict[str, Any]) -> dict[str, Any]:
    meta = {
        k: v for k, v in resource.get("meta", {}).items() if k not in {"versionId", "lastUpdated"}
    }
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return {**rest, "meta": meta} if meta else rest


def _canonical(resource: dict[str, Any]) -> Any:
    return parse_json(encode_json(dict(sorted(_without_server_meta(resource).items()))))


def test_r4_examples__are_read_back_value_for_value(client: TestClient) -> None:
    refused: dict[str, Any] = {}
    for example in r4_examples():
        source = example.json.encode()
        resource = parse_json(source)
        url = f"/fhir/{resource['resourceType']}/{resource['id']}"
        response = client.put(url, content=source)
        if response.status_code not in {200, 201}:
            refused[example.file] = [
                (i["details"]["coding"][0]["code"], i.get("expression"), i["details"]["text"])
                for i in response.json()["issue"]
                if i["severity"] in {"error", "fatal"}
            ]
            continue
        stored = parse_json(client.get(url).content)
        assert encode_json(_canonical(stored)) == encode_json(_canonical(resource)), example.file
    assert set(refused) == set(REFUSED), {f: r for f, r in refused.items() if f not in REFUSED}


@pytest.mark.parametrize("number", ["1.00", "0.10", "1E+2", "-0.0", "100000000000000000000.5"])
def test_numbers__are_read_back_digit_for_digit(client: TestClient, number: str) -> None:
    source = (
        '{"resourceType":"Observation","id":"n","status":"final","code":{"text":"x"},'
        f'"valueQuantity":{{"value":{number}}}}}'
    )
    assert client.put("/fhir/Observation/n", content=source).status_code == 201
    assert f'"value":{number}' in client.get("/fhir/Observation/n").text

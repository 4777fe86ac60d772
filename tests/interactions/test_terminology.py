from typing import Any

import pytest
from starlette.testclient import TestClient

SYSTEM = "https://example.org/limbs"
CODE_SYSTEM = {
    "resourceType": "CodeSystem", "id": "limbs", "url": SYSTEM, "name": "Limbs", "status": "active",
    "content": "complete", "caseSensitive": True,
    "concept": [{"code": "leg", "display": "Leg", "concept": [{"code": "foot", "display": "Foot"}]}],
}  # fmt: skip
VALUE_SET = {
    "resourceType": "ValueSet", "id": "limbs", "url": "https://example.org/vs", "name": "LimbsSet",
    "status": "active", "compose": {"include": [{"system": SYSTEM}]},
}  # fmt: skip
GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"


def codes(answer: Any) -> list[str]:
    return [entry["code"] for entry in answer.json()["expansion"]["contains"]]


def value(answer: Any, name: str) -> Any:
    entry = next(entry for entry in answer.json()["parameter"] if entry["name"] == name)
    return next(v for k, v in entry.items() if k.startswith("value"))


@pytest.fixture
def stored(client: TestClient) -> TestClient:
    for resource in (CODE_SYSTEM, VALUE_SET):
        path = f"/fhir/{resource['resourceType']}/{resource['id']}"
        assert client.put(path, json=resource).status_code == 201
    return client


def test_expand__get_by_url(client: TestClient) -> None:
    answer = client.get("/fhir/ValueSet/$expand", params={"url": GENDER, "count": 2})
    assert codes(answer) == ["male", "female"]


def test_expand__post_parameters(client: TestClient) -> None:
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "url", "valueUri": GENDER}]}
    answer = client.post("/fhir/ValueSet/$expand", json=parameters)
    assert len(codes(answer)) == 4


def test_lookup__stored_supplement_adds_its_names(stored: TestClient) -> None:
    supplement = {
        "resourceType": "CodeSystem", "id": "de", "url": "https://example.org/de", "status": "active",
        "content": "supplement", "supplements": SYSTEM, "language": "de",
        "concept": [{"code": "foot", "display": "Fuß"}],
    }  # fmt: skip
    asked = {"system": SYSTEM, "code": "foot", "displayLanguage": "de"}
    assert value(stored.get("/fhir/CodeSystem/$lookup", params=asked), "display") == "Foot"
    assert stored.put("/fhir/CodeSystem/de", json=supplement).status_code == 201
    assert value(stored.get("/fhir/CodeSystem/$lookup", params=asked), "display") == "Fuß"


def test_expand__stored_value_set_over_a_stored_code_system(stored: TestClient) -> None:
    of_instance = stored.get("/fhir/ValueSet/limbs/$expand?excludeNested=true")
    by_url = stored.get(
        "/fhir/ValueSet/$expand", params={"url": "https://example.org/vs", "excludeNested": "true"}
    )
    assert codes(of_instance) == codes(by_url) == ["leg", "foot"]


def test_expand__accept_language_is_the_display_language(client: TestClient) -> None:
    url = "https://osteon.example/fhir/ValueSet/laterality"
    english = client.get("/fhir/ValueSet/$expand", params={"url": url})
    french = client.get(
        "/fhir/ValueSet/$expand", params={"url": url}, headers={"Accept-Language": "fr"}
    )
    assert english.json()["expansion"]["contains"] != french.json()["expansion"]["contains"]


def test_validate_code__of_a_stored_value_set(stored: TestClient) -> None:
    answer = stored.get("/fhir/ValueSet/limbs/$validate-code", params={"code": "foot"})
    assert value(answer, "result") is True


def test_lookup__of_a_stored_code_system(stored: TestClient) -> None:
    answer = stored.get("/fhir/CodeSystem/$lookup", params={"system": SYSTEM, "code": "foot"})
    assert value(answer, "display") == "Foot"


def test_subsumes__of_an_instance(stored: TestClient) -> None:
    answer = stored.get("/fhir/CodeSystem/limbs/$subsumes?codeA=leg&codeB=foot")
    assert value(answer, "outcome") == "subsumes"


def test_translate__by_a_map_of_the_network(client: TestClient) -> None:
    answer = client.get(
        "/fhir/ConceptMap/$translate",
        params={
            "url": "https://osteon.example/fhir/ConceptMap/topography-from-snomed",
            "system": "http://snomed.info/sct",
            "code": "71341001",
        },
    )
    assert value(answer, "result") is True


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "Patient/$expand", None, 404),
        ("GET", "ValueSet/none/$expand", None, 404),
        ("GET", "CodeSystem/x/$lookup", None, 404),
        ("GET", "ValueSet/$expand?url=urn:x:none", None, 404),
        ("GET", "ValueSet/$expand?wrong=1", None, 400),
        ("POST", "ValueSet/$expand", [], 400),
        ("POST", "ValueSet/$expand", {"resourceType": "Parameters", "parameter": 1}, 400),
        ("POST", "ValueSet/$expand", {"resourceType": "Parameters", "parameter": [
            {"name": "valueSet", "resource": {"resourceType": "ValueSet", "compose": 1}}]}, 422),
        ("PUT", "ValueSet/$expand", {}, 405),
    ],
)  # fmt: skip
def test_operations__what_is_wrong_is_told(
    client: TestClient, method: str, path: str, content: Any, status: int
) -> None:
    answer = client.request(method, f"/fhir/{path}", json=content)
    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")


def test_capabilities__name_the_operations(client: TestClient) -> None:
    resources = client.get("/fhir/metadata").json()["rest"][0]["resource"]
    of_value_set = next(entry for entry in resources if entry["type"] == "ValueSet")
    assert {each["name"] for each in of_value_set["operation"]} >= {"expand", "validate-code"}


def test_capabilities__of_the_terminology_service(client: TestClient) -> None:
    stated = client.get("/fhir/metadata", params={"mode": "terminology"}).json()
    assert stated["resourceType"] == "TerminologyCapabilities"
    systems = {one["uri"]: one for one in stated["codeSystem"]}
    assert systems["http://hl7.org/fhir/administrative-gender"]["version"][0]["code"] == "4.0.1"
    assert "http://snomed.info/sct" not in systems
    assert "http://hl7.org/fhir/CodeSystem/example-supplement" not in systems
    assert {"name": "exclude-system"} in stated["expansion"]["parameter"]
    outcome = client.post("/fhir/TerminologyCapabilities/$validate", json=stated).json()
    assert [issue for issue in outcome["issue"] if issue["severity"] == "error"] == []


def test_capabilities__of_another_mode_are_the_whole(client: TestClient) -> None:
    stated = client.get("/fhir/metadata", params={"mode": "full"}).json()
    assert stated["resourceType"] == "CapabilityStatement"


def test_fhirpath_patch__asks_the_terminology_of_the_server(client: TestClient) -> None:
    patient = {
        "resourceType": "Patient", "id": "a",
        "contact": [{"gender": "male", "name": {"family": "A"}}, {"name": {"family": "B"}}],
    }  # fmt: skip
    assert client.put("/fhir/Patient/a", json=patient).status_code == 201
    path = "Patient.contact.where(gender.memberOf(%`vs-administrative-gender`))"
    parts = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": path}]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    patched = client.patch(
        "/fhir/Patient/a", json=patch, headers={"Content-Type": "application/fhir+json"}
    )
    assert [one["name"]["family"] for one in patched.json()["contact"]] == ["B"]


def test_operations__body_may_be_the_resource_itself(client: TestClient) -> None:
    sent = {
        "resourceType": "ValueSet", "status": "draft",
        "compose": {"include": [{"valueSet": [GENDER]}]},
    }  # fmt: skip
    assert len(codes(client.post("/fhir/ValueSet/$expand?count=3", json=sent))) == 3
    asked = {"code": "male", "system": "http://hl7.org/fhir/administrative-gender"}
    answer = client.post("/fhir/ValueSet/$validate-code", params=asked, json=sent)
    assert value(answer, "result") is True
    refused = client.post("/fhir/ValueSet/$expand", json={"resourceType": "Patient"})
    assert refused.status_code == 400

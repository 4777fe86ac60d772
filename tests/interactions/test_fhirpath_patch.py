"""FHIRPath Patch: Parameters with paths into a resource."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.interactions.patches import operation, patched
from tests.interactions.test_create_update_delete import issue, issue_id, patient

Json = dict[str, Any]


@pytest.mark.parametrize(
    "path",
    [
        "Patient.name.select($this.combine($this)).first()",
        "Patient.name.where(%resource.name.where(%resource.name.exists()).exists())",
        "Patient.name.where(family.replace('A', 'AA') = 'AA')",
        "Patient.repeat(name)",
    ],
)
def test_fhirpath_patch__path_without_a_bound_is_refused(client: TestClient, path: str) -> None:
    resource = patient(id="a", name=[{"family": "A"}])
    answer = patched(client, resource, operation("delete", path=path))
    ids = [one["details"]["coding"][0]["code"] for one in answer.json()["issue"]]
    assert (answer.status_code, ids) == (400, ["patch-path-invalid", "patch-path-costly"])


@pytest.mark.parametrize(
    "path",
    [
        "Patient.name.where(given.where($this = 'x').empty() and family = 'A')",
        "Patient.name.where(%resource.id = 'a' and family.startsWith('A'))",
    ],
)
def test_fhirpath_patch__criteria_within_criteria_are_taken(client: TestClient, path: str) -> None:
    resource = patient(id="a", name=[{"family": "A"}, {"family": "B"}])
    answer = patched(client, resource, operation("delete", path=path))
    assert [name["family"] for name in answer.json()["name"]] == ["B"]


def test_fhirpath_patch__where_names_the_element(client: TestClient) -> None:
    names = [{"use": "usual", "family": "A"}, {"use": "official", "family": "B"}]
    change = operation("replace", path="Patient.name.where(use = 'official').family", value="C")
    response = patched(client, patient(id="a", name=names), change)
    assert [name["family"] for name in response.json()["name"]] == ["A", "C"]


def test_fhirpath_patch__value_may_change_its_type(client: TestClient) -> None:
    resource = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
                "valueString": "a"}  # fmt: skip
    change = operation("replace", path="Observation.value", value={"valueInteger": 7})
    response = patched(client, resource, change)
    assert response.json()["valueInteger"] == 7
    assert "valueString" not in response.json()


def test_fhirpath_patch__primitives_keep_what_stands_beside_them(client: TestClient) -> None:
    name = {"given": ["A", "B"], "_given": [None, {"id": "b"}]}
    change = operation(
        "move", path="Patient.name[0].given", source={"valueInteger": 1},
        destination={"valueInteger": 0},
    )  # fmt: skip
    found = patched(client, patient(id="a", name=[name]), change).json()["name"][0]
    assert found == {"given": ["B", "A"], "_given": [{"id": "b"}, None]}


def test_fhirpath_patch__extension_on_a_primitive(client: TestClient) -> None:
    extension = {"valueString": "x"}
    change = operation(
        "add", path="Patient.birthDate", name="extension",
        value={"part": [{"name": "url", "valueUri": "urn:y"}, {"name": "value", **extension}]},
    )  # fmt: skip
    response = patched(client, patient(id="a", birthDate="1950"), change)
    assert response.json()["_birthDate"] == {"extension": [{"url": "urn:y", "valueString": "x"}]}


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        (operation("replace", path="Patient.name", value="x"), 422, "patch-path-several"),
        (operation("replace", path="Patient.gender", value="x"), 422, "patch-path-none"),
        (operation("replace", path="Patient.((", value="x"), 400, "patch-path-invalid"),
        (operation("add", path="Patient", name="active", value={"valueBoolean": True}), 422, "patch-exists"),
        (operation("add", path="Patient", name="colour", value="red"), 422, "patch-element-unknown"),
        (operation("insert", path="Patient.name", index={"valueInteger": 9}, value="x"), 422, "patch-index"),
        (operation("insert", path="Patient.active", index={"valueInteger": 0}, value="x"), 422,
         "patch-no-list-element"),
        (operation("mend", path="Patient.name"), 400, "patch-operation-unknown"),
        (operation("replace", path="Patient.name"), 400, "patch-part-missing"),
    ],
)  # fmt: skip
def test_fhirpath_patch__fault_is_named(
    client: TestClient, change: Json, status: int, expected: str
) -> None:
    names = [{"family": "A"}, {"family": "B"}]
    response = patched(client, patient(id="a", name=names), change)
    assert (response.status_code, issue_id(response)) == (status, expected)
    assert issue(response)["expression"] == ["Parameters.parameter[0]"]


@pytest.mark.parametrize("content", [[{"op": "test"}], True, "a", {"resourceType": "Patient"}])
def test_fhirpath_patch__that_is_no_parameters_is_refused(client: TestClient, content: Any) -> None:
    for url in ("/fhir/Patient/a", "/fhir/Patient?active=true"):
        response = client.patch(url, json=content)
        assert (response.status_code, issue_id(response)) == (400, "operation-no-parameters")


def test_fhirpath_patch__of_what_is_missing_deletes_nothing(client: TestClient) -> None:
    response = patched(client, patient(id="a"), operation("delete", path="Patient.gender"))
    assert (response.status_code, response.json()["meta"]["versionId"]) == (200, "1")

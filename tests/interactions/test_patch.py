import base64
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.interactions.patching.json_patch import apply_json_patch
from tests.interactions.bundling import bundle, entry, statuses
from tests.interactions.test_create_update_delete import issue, issue_id, patient

Json = dict[str, Any]
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
XML_PATCH = {"Content-Type": "application/xml-patch+xml"}


def operation(kind: str, **parts: Any) -> Json:
    listed: list[Json] = [{"name": "type", "valueCode": kind}]
    for name, value in parts.items():
        listed.append(
            {"name": name, **(value if isinstance(value, dict) else {"valueString": value})}
        )
    return {"name": "operation", "part": listed}


def parameters(*operations: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(operations)}


def patched(client: TestClient, resource: Json, *operations: Json) -> Any:
    url = f"/fhir/{resource['resourceType']}/{resource['id']}"
    assert client.put(url, json=resource).status_code == 201
    return client.patch(url, json=parameters(*operations))


def json_patch(client: TestClient, url: str, *operations: Json, **headers: str) -> Any:
    return client.patch(url, content=json.dumps(operations), headers={**JSON_PATCH, **headers})


def test_json_patch__makes_a_version(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = json_patch(
        client, "/fhir/Patient/a", {"op": "add", "path": "/gender", "value": "male"}
    )
    assert response.status_code == 200
    assert (response.json()["gender"], response.json()["meta"]["versionId"]) == ("male", "2")


def test_patch__of_another_kind_is_told_which_there_are(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    merge = {"Content-Type": "application/merge-patch+json"}
    answer = client.patch("/fhir/Patient/a", content="{}", headers=merge)
    assert answer.status_code == 415
    assert "application/json-patch+json" in answer.headers["Accept-Patch"]


def test_json_patch__copies_that_double_the_resource_are_bounded(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a", name=[{"family": "A"}]))
    doubling = [{"op": "copy", "from": "/name", "path": f"/name/0/k{n}"} for n in range(60)]
    answer = json_patch(client, "/fhir/Patient/a", *doubling)
    assert (answer.status_code, issue_id(answer)) == (422, "patch-too-large")


def test_json_patch__values_are_not_shared_between_attempts() -> None:
    operations: list[Json] = [
        {"op": "add", "path": "/name", "value": [{"family": "A"}]},
        {"op": "add", "path": "/name/0/use", "value": "usual"},
        {"op": "copy", "from": "/name/0", "path": "/name/1"},
        {"op": "replace", "path": "/name/1/family", "value": "B"},
    ]
    sent = {"resourceType": "Patient"}
    patched = [apply_json_patch(sent, operations) for _ in range(2)]
    assert patched[0] == patched[1]
    assert [name["family"] for name in patched[0]["name"]] == ["A", "B"]
    assert (sent, operations[0]["value"]) == ({"resourceType": "Patient"}, [{"family": "A"}])


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


def test_patch__of_too_many_operations_is_refused(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    answer = json_patch(client, "/fhir/Patient/a", *[{"op": "remove", "path": "/x"}] * 10_001)
    assert (answer.status_code, issue_id(answer)) == (400, "patch-too-long")


def nested(levels: int) -> Json:
    """An extension that is so deep; each level is an object and an array."""
    found: Json = {"url": "http://a.example/x", "valueString": "x"}
    for _ in range(levels):
        found = {"url": "http://a.example/x", "extension": [found]}
    return found


def test_patch__that_nests_too_deeply_is_refused(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a", extension=[nested(98)]))
    place = "/extension/0" * 99 + "/extension"
    deeper = {"op": "add", "path": place, "value": [nested(1)]}
    without = {"op": "remove", "path": "/extension/0" * 99 + "/valueString"}
    answer = json_patch(client, "/fhir/Patient/a", without, deeper)
    assert (answer.status_code, issue_id(answer)) == (422, "json-syntax")
    for url in ("Patient/a?_format=xml", "Patient?_id=a&_format=xml", "_history?_pretty=true"):
        assert client.get(f"/fhir/{url}").status_code == 200


def test_patch__of_no_operations_changes_nothing(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    empty = client.patch("/fhir/Patient/a", json={"resourceType": "Parameters"})
    none = json_patch(client, "/fhir/Patient/a")
    assert [answer.status_code for answer in (empty, none)] == [200, 200]
    assert none.json()["meta"]["versionId"] == "1"


def test_json_patch__numbers_keep_their_digits(client: TestClient) -> None:
    source = (
        b'{"resourceType":"Observation","id":"n","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":1.00}}'
    )
    client.put("/fhir/Observation/n", content=source)
    change = b'[{"op":"add","path":"/referenceRange","value":[{"low":{"value":0.10}}]}]'
    response = client.patch("/fhir/Observation/n", content=change, headers=JSON_PATCH)
    assert b'"value":1.00' in response.content
    assert b'"value":0.10' in response.content


def test_json_patch__failed_test_changes_nothing(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = json_patch(
        client,
        "/fhir/Patient/a",
        {"op": "replace", "path": "/active", "value": False},
        {"op": "test", "path": "/gender", "value": "male"},
    )
    assert response.status_code == 422
    assert client.get("/fhir/Patient/a").json()["meta"]["versionId"] == "1"


@pytest.mark.parametrize(
    ("content", "status", "expected"),
    [
        ("{}", 400, "patch-no-list"),
        ("[", 400, "json-syntax"),
        ('[{"op":"mend","path":"/a"}]', 400, "patch-operation-unknown"),
        ('[{"op":["add"],"path":"/a"}]', 400, "patch-operation-unknown"),
        ('[{"op":"add","path":"/a"}]', 400, "patch-part-missing"),
        ('[{"op":"remove","path":7}]', 400, "patch-path-invalid"),
        ('[{"op":"remove","path":"/gender"}]', 422, "patch-path-none"),
        ('[{"op":"add","path":"/active/0/x","value":1}]', 422, "patch-path-none"),
        ('[{"op":"replace","path":"/id","value":"b"}]', 422, "patch-identity"),
        ('[{"op":"replace","path":"","value":7}]', 422, "patch-identity"),
        ('[{"op":"add","path":"/colour","value":"red"}]', 422, "unknown-element"),
    ],
)
def test_json_patch__fault_is_named(
    client: TestClient, content: str, status: int, expected: str
) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = client.patch("/fhir/Patient/a", content=content, headers=JSON_PATCH)
    assert (response.status_code, issue_id(response)) == (status, expected)


def test_patch__other_content_is_refused(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = client.patch("/fhir/Patient/a", content="x", headers={"Content-Type": "text/plain"})
    assert (response.status_code, issue_id(response)) == (415, "patch-media-type")


def test_patch__what_is_not_there_is_not_found(client: TestClient) -> None:
    change = {"op": "add", "path": "/gender", "value": "male"}
    assert json_patch(client, "/fhir/Patient/none", change).status_code == 404
    client.put("/fhir/Patient/a", json=patient(id="a"))
    client.delete("/fhir/Patient/a")
    assert json_patch(client, "/fhir/Patient/a", change).status_code == 410


def test_patch__if_match_names_the_current_version(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    change = {"op": "add", "path": "/gender", "value": "male"}
    stale = json_patch(client, "/fhir/Patient/a", change, **{"If-Match": 'W/"7"'})
    fresh = json_patch(client, "/fhir/Patient/a", change, **{"If-Match": 'W/"1"'})
    assert (stale.status_code, fresh.status_code) == (412, 200)


def test_patch__without_effect_makes_no_version(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = json_patch(
        client, "/fhir/Patient/a", {"op": "test", "path": "/active", "value": True}
    )
    assert (response.status_code, response.json()["meta"]["versionId"]) == (200, "1")


@pytest.mark.parametrize(("matches", "status"), [(0, 404), (1, 200), (2, 412)])
def test_conditional_patch__takes_the_one_match(
    client: TestClient, matches: int, status: int
) -> None:
    for _ in range(matches):
        client.post("/fhir/Patient", json=patient(identifier=[{"system": "urn:x", "value": "1"}]))
    change = {"op": "add", "path": "/gender", "value": "male"}
    response = json_patch(client, "/fhir/Patient?identifier=urn:x|1", change)
    assert response.status_code == status


def test_xml_patch__makes_a_version(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a", name=[{"family": "A"}]))
    change = (
        '<diff xmlns:f="http://hl7.org/fhir">'
        '<replace sel="f:Patient/f:name[1]/f:family/@value">B</replace>'
        '<add sel="f:Patient/f:active" pos="after"><gender xmlns="http://hl7.org/fhir" value="male"/>'
        "</add></diff>"
    )
    response = client.patch("/fhir/Patient/a", content=change, headers=XML_PATCH)
    assert response.status_code == 200, response.text
    assert response.json()["name"] == [{"family": "B"}]
    assert response.json()["gender"] == "male"


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ("<diff/>", 400, "patch-no-list"),
        ("<!DOCTYPE diff><diff/>", 400, "xml-doctype"),
        ('<diff><remove sel="//f:name"/></diff>', 400, "patch-path-invalid"),
        ('<diff><remove sel="f:Patient/f:name[contains(.,1)]"/></diff>', 400, "patch-path-invalid"),
        ('<diff><remove sel="f:Patient/f:name"/></diff>', 422, "patch-path-none"),
        ('<diff><remove sel="f:Patient"/></diff>', 422, "patch-path-invalid"),
        ('<diff><remove sel="x:Patient"/></diff>', 400, "patch-path-invalid"),
        (
            '<diff><add sel="f:Patient" type="namespace::a b">x</add></diff>',
            400,
            "patch-path-invalid",
        ),
        ('<diff><add sel="f:Patient" type="@a b">x</add></diff>', 400, "patch-path-invalid"),
        ('<diff><add sel="f:Patient" pos="before"><x/></add></diff>', 422, "patch-path-invalid"),
        ('<diff><replace sel="f:Patient/f:active">x</replace></diff>', 400, "patch-part-missing"),
        (
            '<diff><add sel="f:Patient"><!-- c --></add><add sel="f:Patient/comment()">x</add></diff>',
            400,
            "patch-path-invalid",
        ),
        ('<diff><mend sel="f:Patient"/></diff>', 400, "patch-operation-unknown"),
    ],
)
def test_xml_patch__fault_is_named(
    client: TestClient, change: str, status: int, expected: str
) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = client.patch("/fhir/Patient/a", content=change, headers=XML_PATCH)
    assert (response.status_code, issue_id(response)) == (status, expected)


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


def binary(*operations: Json) -> Json:
    data = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_bundle__carries_patches(client: TestClient, kind: str) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    client.put(
        "/fhir/Patient/b", json=patient(id="b", identifier=[{"system": "urn:x", "value": "1"}])
    )
    gender = operation("add", path="Patient", name="gender", value={"valueCode": "male"})
    response = client.post(
        "/fhir",
        json=bundle(
            entry("PATCH", "Patient/a", binary({"op": "add", "path": "/gender", "value": "male"})),
            entry("PATCH", "Patient?identifier=urn:x|1", parameters(gender)),
            kind=kind,
        ),
    )
    assert statuses(response) == ["200", "200"]
    assert client.get("/fhir/Patient/a").json()["gender"] == "male"
    assert client.get("/fhir/Patient/b").json()["gender"] == "male"


def test_transaction__patch_links_are_resolved(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    link = operation(
        "add", path="Patient", name="managingOrganization",
        value={"valueReference": {"reference": "urn:uuid:1"}},
    )  # fmt: skip
    response = client.post(
        "/fhir",
        json=bundle(
            entry("PATCH", "Patient/a", parameters(link)),
            entry("PUT", "Organization/o", {"resourceType": "Organization", "id": "o", "name": "x"},
                  fullUrl="urn:uuid:1"),
        ),
    )  # fmt: skip
    assert statuses(response) == ["200", "201"]
    found = client.get("/fhir/Patient/a").json()["managingOrganization"]
    assert found == {"reference": "Organization/o"}


def test_transaction__failing_patch_stores_nothing_and_is_named(client: TestClient) -> None:
    response = client.post(
        "/fhir",
        json=bundle(
            entry("PUT", "Patient/a", patient(id="a")),
            entry("PATCH", "Patient/none", binary({"op": "remove", "path": "/gender"})),
        ),
    )
    assert response.status_code == 404
    assert issue(response)["expression"] == ["Bundle.entry[1].resource"]
    assert client.get("/fhir/Patient/a").status_code == 404

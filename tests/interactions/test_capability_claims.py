"""What the CapabilityStatement says of each resource type and of the server, each claim tried out."""

from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.capabilities import SYSTEM_INTERACTIONS, capability_statement
from fhir_server.interactions.operations.definitions import CANONICAL
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Refused
from fhir_server.search.compartments import COMPARTMENTS, compartment_url
from fhir_server.search.request import parse_search
from tests.interactions.conftest import BASE

Json = dict[str, Any]
# A value that each type of search takes.
VALUES = {
    "string": "a", "token": "a", "reference": "Patient/a", "date": "2020", "number": "1", "quantity": "1",
    "uri": "http://a.example", "special": "47|2|1|km", "composite": "a$a",
}  # fmt: skip
SPECIAL_VALUES = {
    "_filter": "_id eq a",
    "_list": "a",
    "_type": "Patient",
    "_text": "a",
    "_content": "a",
}
COMPOSED = {"token": "a", "string": "a", "date": "2020", "quantity": "1", "number": "1",
            "reference": "Patient/a", "uri": "a"}  # fmt: skip


@pytest.fixture(scope="module")
def statement(opened: FhirServer) -> Json:
    return capability_statement(opened)


def resources(statement: Json) -> list[Json]:
    found: list[Json] = statement["rest"][0]["resource"]
    return found


def test_statement__conforms(statement: Json, opened: FhirServer) -> None:
    issues = opened.validator.validate(statement)
    assert [one for one in issues if one.severity in {"error", "fatal"}] == []


def test_search_parameters__are_each_understood(statement: Json, opened: FhirServer) -> None:
    refused = []
    for resource in resources(statement):
        for claimed in resource["searchParam"]:
            parameter = opened.parameters.find(resource["type"], claimed["name"])
            value = SPECIAL_VALUES.get(claimed["name"], VALUES[claimed["type"]])
            if claimed["type"] == "composite":
                assert parameter is not None
                value = "$".join(COMPOSED[part.type] for part in parameter.components)
            try:
                parse_search(
                    opened.parameters, resource["type"], [(claimed["name"], value)],
                    lenient=False, base_url=BASE,
                )  # fmt: skip
            except Exception as fault:
                refused.append((resource["type"], claimed["name"], repr(fault)))
    assert refused == []


def test_common_parameters__are_understood_of_all_types(
    statement: Json, opened: FhirServer
) -> None:
    claimed = {one["name"]: one["type"] for one in statement["rest"][0]["searchParam"]}
    assert {"_id", "_lastUpdated", "_tag", "_security", "_has", "_list", "_type"} <= claimed.keys()
    for name, kind in claimed.items():
        asked = "_has:AuditEvent:entity:type" if name == "_has" else name
        value = SPECIAL_VALUES.get(name, VALUES["token" if name == "_has" else kind])
        request = parse_search(
            opened.parameters, None, [(asked, value)], lenient=False, base_url=BASE
        )
        assert request.predicate.predicates


def test_search_parameters__that_are_understood_are_claimed(
    statement: Json, opened: FhirServer
) -> None:
    for resource in resources(statement):
        claimed = {one["name"] for one in resource["searchParam"]}
        silent = opened.parameters.of(resource["type"]).keys() - claimed
        for code in silent:
            composite = opened.parameters.find(resource["type"], code)
            assert composite is not None
            value = "$".join(COMPOSED[part.type] for part in composite.components)
            with pytest.raises(Refused):
                parse_search(
                    opened.parameters,
                    resource["type"],
                    [(code, value)],
                    lenient=False,
                    base_url=BASE,
                )


def test_search_parameters__are_defined_as_claimed(statement: Json, opened: FhirServer) -> None:
    for resource in resources(statement):
        for claimed in resource["searchParam"]:
            definition = opened.definitions.find("SearchParameter", claimed["definition"])
            assert definition is not None
            assert (definition["code"], definition["type"]) == (claimed["name"], claimed["type"])


def test_profiles__are_known(statement: Json, opened: FhirServer) -> None:
    for resource in resources(statement):
        for url in (resource["profile"], *resource.get("supportedProfile", ())):
            structure = opened.definitions.structure(url)
            assert structure is not None
            assert structure["type"] == resource["type"]


def test_operations__are_defined(statement: Json, opened: FhirServer) -> None:
    rest = statement["rest"][0]
    for part in (rest, *resources(statement)):
        for operation in part["operation"]:
            url = operation["definition"]
            if not url.startswith((CANONICAL, "http://hl7.org/fhir/uv/")):
                defined = opened.definitions.find("OperationDefinition", url)
                assert defined is not None, url
                assert defined["code"] == operation["name"]


def test_compartments__are_searched(statement: Json, client: TestClient) -> None:
    claimed = set(statement["rest"][0]["compartment"])
    assert claimed == {compartment_url(name) for name in COMPARTMENTS}
    for name in COMPARTMENTS:
        assert client.get(f"/fhir/{name}/a/*").status_code == 200, name


def test_system_interactions__are_carried_out(client: TestClient) -> None:
    answers = {
        "transaction": client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction"}),
        "batch": client.post("/fhir", json={"resourceType": "Bundle", "type": "batch"}),
        "history-system": client.get("/fhir/_history"),
        "search-system": client.get("/fhir?_type=Patient"),
    }
    assert answers.keys() == set(SYSTEM_INTERACTIONS)
    assert {answer.status_code for answer in answers.values()} == {200}


def test_type_interactions__are_carried_out_on_every_type(
    statement: Json, client: TestClient
) -> None:
    """Each but create and update, which ask for a valid resource of the type: the R4 examples prove these."""
    expected = {
        "read": ("GET", "/a", 404), "vread": ("GET", "/a/_history/1", 404),
        "history-instance": ("GET", "/a/_history", 404), "history-type": ("GET", "/_history", 200),
        "search-type": ("GET", "", 200), "delete": ("DELETE", "/a", 204), "patch": ("PATCH", "/a", 404),
    }  # fmt: skip
    patch = {"resourceType": "Parameters", "parameter": []}
    for resource in resources(statement):
        claimed = {one["code"] for one in resource["interaction"]}
        assert claimed == {*expected, "create", "update"}
        for method, path, status in expected.values():
            content = patch if method == "PATCH" else None
            answer = client.request(method, f"/fhir/{resource['type']}{path}", json=content)
            assert answer.status_code == status, (method, resource["type"], path, answer.text)


def test_versioning__is_as_claimed(statement: Json, client: TestClient) -> None:
    [claimed] = [one for one in resources(statement) if one["type"] == "Patient"]
    flags = ("versioning", "readHistory", "updateCreate")
    assert [claimed[flag] for flag in flags] == ["versioned-update", True, True]
    resource = {"resourceType": "Patient", "id": "mine", "active": True}
    assert client.put("/fhir/Patient/mine", json=resource).status_code == 201
    changed = {**resource, "active": False}
    stale = client.put("/fhir/Patient/mine", json=changed, headers={"If-Match": 'W/"7"'})
    assert stale.status_code == 412
    assert client.put("/fhir/Patient/mine", json=changed).status_code == 200
    old = client.get("/fhir/Patient/mine/_history/1")
    assert (old.status_code, old.json()["active"]) == (200, True)


def test_conditional_read__is_of_both_kinds(statement: Json, client: TestClient) -> None:
    assert {one["conditionalRead"] for one in resources(statement)} == {"full-support"}
    stored = client.put("/fhir/Patient/a", json={"resourceType": "Patient", "id": "a"})
    for header, value in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
        answer = client.get("/fhir/Patient/a", headers={header: stored.headers[value]})
        assert answer.status_code == 304
    changed = client.get(
        "/fhir/Patient/a", headers={"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}
    )
    assert changed.status_code == 200


def test_conditional_writes__are_carried_out(statement: Json, client: TestClient) -> None:
    for resource in resources(statement):
        flags = (resource["conditionalCreate"], resource["conditionalUpdate"])
        assert flags == (True, True)
    resource = {"resourceType": "Patient", "identifier": [{"system": "urn:c", "value": "1"}]}
    criteria = "identifier=urn:c|1"
    create = {"If-None-Exist": criteria}
    assert client.post("/fhir/Patient", json=resource, headers=create).status_code == 201
    assert client.post("/fhir/Patient", json=resource, headers=create).status_code == 200
    assert client.put(f"/fhir/Patient?{criteria}", json=resource).status_code == 200
    assert client.delete(f"/fhir/Patient?{criteria}").status_code == 204


@pytest.mark.parametrize(("limit", "claim", "status"), [(1, "single", 412), (2, "multiple", 204)])
def test_conditional_delete__takes_as_many_as_claimed(
    server: FhirServer, limit: int, claim: str, status: int
) -> None:
    limited = replace(
        server, settings=server.settings.model_copy(update={"conditional_delete_limit": limit})
    )
    claims = {one["conditionalDelete"] for one in resources(capability_statement(limited))}
    assert claims == {claim}
    with TestClient(create_app(limited, reindexes=False)) as client:
        for own_id in ("a", "b"):
            resource = {"resourceType": "Patient", "id": own_id, "active": True}
            client.put(f"/fhir/Patient/{own_id}", json=resource)
        assert client.delete("/fhir/Patient?active=true").status_code == status


@pytest.mark.parametrize(("enforced", "status"), [(True, 422), (False, 201)])
def test_reference_policy__is_as_claimed(server: FhirServer, enforced: bool, status: int) -> None:
    changed = replace(
        server, settings=server.settings.model_copy(update={"referential_integrity": enforced})
    )
    for one in resources(capability_statement(changed)):
        assert ("enforced" in one["referencePolicy"]) == enforced
    literal = {
        "resourceType": "Patient",
        "managingOrganization": {"reference": "Organization/none"},
    }
    logical = {"resourceType": "Patient",
               "managingOrganization": {"identifier": {"system": "urn:o", "value": "1"}}}  # fmt: skip
    with TestClient(create_app(changed, reindexes=False)) as client:
        assert client.post("/fhir/Patient", json=literal).status_code == status
        assert client.post("/fhir/Patient", json=logical).status_code == 201


def test_includes__are_of_all_and_both_ways(statement: Json, client: TestClient) -> None:
    for one in resources(statement):
        assert one["searchInclude"] == one["searchRevInclude"] == ["*"]
    client.put(
        "/fhir/Organization/o", json={"resourceType": "Organization", "id": "o", "name": "O"}
    )
    reference = {"reference": "Organization/o"}
    client.put(
        "/fhir/Patient/a",
        json={"resourceType": "Patient", "id": "a", "managingOrganization": reference},
    )
    for query in ("Patient?_include=*", "Organization?_revinclude=*"):
        modes = [entry["search"]["mode"] for entry in client.get(f"/fhir/{query}").json()["entry"]]
        assert modes == ["match", "include"]

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.interactions.test_create_update_delete import issue_id, patient

NARRATIVE = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "text": NARRATIVE,
    "status": "final",
    "code": {"text": "x"},
    "valueQuantity": {"value": 1},
    "note": [{"text": "n"}],
    "subject": {"reference": "Patient/a"},
}


@pytest.fixture
def stored(client: TestClient) -> TestClient:
    client.put(
        "/fhir/Patient/a",
        json=patient(id="a", text=NARRATIVE, photo=[{"contentType": "image/png", "data": "AA=="}]),
    )
    assert client.put("/fhir/Observation/o", json=OBSERVATION).status_code == 201
    return client


def keys(resource: dict[str, Any]) -> set[str]:
    return set(resource) - {"resourceType", "id", "meta"}


def is_subsetted(resource: dict[str, Any]) -> bool:
    return any(tag["code"] == "SUBSETTED" for tag in resource["meta"].get("tag", ()))


WANTED = [
    ("_summary=true", {"status", "code", "valueQuantity", "subject"}),
    ("_summary=text", {"text", "status", "code"}),
    ("_summary=data", {"status", "code", "valueQuantity", "note", "subject"}),
    ("_elements=note", {"note", "status", "code"}),
    ("_elements=Observation.value,Patient.name", {"valueQuantity", "status", "code"}),
]


@pytest.mark.parametrize(("query", "expected"), WANTED)
def test_read__gives_the_part_that_is_asked_for(
    stored: TestClient, query: str, expected: set[str]
) -> None:
    found = stored.get(f"/fhir/Observation/o?{query}").json()
    assert keys(found) == expected
    assert is_subsetted(found)
    assert found["meta"]["versionId"] == "1"


@pytest.mark.parametrize(("query", "expected"), WANTED)
def test_search__gives_the_part_that_is_asked_for(
    stored: TestClient, query: str, expected: set[str]
) -> None:
    # R4 has no includes beside _summary=text.
    include = "" if query == "_summary=text" else "&_include=Observation:subject"
    bundle = stored.get(f"/fhir/Observation?{query}{include}").json()
    found = {entry["search"]["mode"]: entry["resource"] for entry in bundle["entry"]}
    assert keys(found["match"]) == expected
    assert is_subsetted(found["match"])
    if include:
        assert is_subsetted(found["include"]) == query.startswith("_summary")


def test_summary__reaches_into_data_types(stored: TestClient) -> None:
    assert "photo" not in stored.get("/fhir/Patient/a?_summary=true").json()
    assert stored.get("/fhir/Patient/a?_elements=photo").json()["photo"][0]["data"] == "AA=="


def test_summary__false_is_the_whole(stored: TestClient) -> None:
    found = stored.get("/fhir/Observation/o?_summary=false").json()
    assert not is_subsetted(found)
    assert "note" in found


def test_summary__count_is_the_number_alone(stored: TestClient) -> None:
    bundle = stored.get("/fhir/Observation?_summary=count").json()
    assert (bundle["total"], "entry" in bundle) == (1, False)


@pytest.mark.parametrize("query", ["_summary=count", "_summary=some", "_elements="])
def test_read__part_that_is_none_is_refused(stored: TestClient, query: str) -> None:
    response = stored.get(f"/fhir/Observation/o?{query}")
    assert (response.status_code, issue_id(response)) == (400, "parameter-invalid")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": 'W/"1"'}, 304),
        ({"If-None-Match": 'W/"7", W/"1"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": 'W/"2"'}, 200),
        ({"If-Modified-Since": "Wed, 01 Jan 2200 00:00:00 GMT"}, 304),
        ({"If-Modified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-None-Match": 'W/"2"', "If-Modified-Since": "Wed, 01 Jan 2200 00:00:00 GMT"}, 200),
    ],
)
def test_read__conditional(stored: TestClient, headers: dict[str, str], status: int) -> None:
    response = stored.get("/fhir/Patient/a", headers=headers)
    assert response.status_code == status
    assert response.headers["etag"] == 'W/"1"'


def test_read__last_modified_is_known_next_time(stored: TestClient) -> None:
    time = stored.get("/fhir/Patient/a").headers["last-modified"]
    assert stored.get("/fhir/Patient/a", headers={"If-Modified-Since": time}).status_code == 304


@pytest.mark.parametrize(
    "path", ["Patient/a", "Patient/a/_history/1", "Patient", "metadata", "_history"]
)
def test_head__has_the_headers_of_get(stored: TestClient, path: str) -> None:
    head, get = stored.head(f"/fhir/{path}"), stored.get(f"/fhir/{path}")
    assert (head.status_code, head.content) == (200, b"")
    assert "location" not in head.headers
    for name in ("content-type", "content-length", "etag", "last-modified"):
        assert head.headers.get(name) == get.headers.get(name)


def test_options__of_the_base_are_the_capabilities(client: TestClient) -> None:
    assert client.options("/fhir").json()["resourceType"] == "CapabilityStatement"


def test_options__of_a_path_are_its_methods(client: TestClient) -> None:
    response = client.options("/fhir/Patient/a")
    assert response.status_code == 204
    assert response.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"


def test_method__that_is_not_allowed_gets_those_that_are(client: TestClient) -> None:
    response = client.post("/fhir/metadata")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


def test_pretty__is_indented(stored: TestClient) -> None:
    assert '\n  "resourceType"' in stored.get("/fhir/Patient/a?_pretty=true").text

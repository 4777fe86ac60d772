import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.interactions.server import FhirServer
from tests.interactions.test_create_update_delete import issue_id, patient

Json = dict[str, Any]


def put(client: TestClient, resource_type: str, resource_id: str, **elements: Any) -> str:
    resource = {"resourceType": resource_type, "id": resource_id, **elements}
    response = client.put(f"/fhir/{resource_type}/{resource_id}", json=resource)
    time: str = response.json()["meta"]["lastUpdated"]
    return time


def versions(bundle: Json) -> list[str]:
    return [
        f"{entry['fullUrl'].rpartition('/fhir/')[2]}/{entry['response']['etag'][3:-1]}"
        for entry in bundle.get("entry", [])
    ]


def pages(client: TestClient, url: str) -> list[list[str]]:
    found: list[list[str]] = []
    while url:
        bundle = client.get(url).json()
        found.append(versions(bundle))
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    return found


@pytest.fixture
def times(client: TestClient) -> list[str]:
    """Three versions of one patient, one of another, one of an organization; the times of writing."""
    return [
        put(client, "Patient", "a"),
        put(client, "Patient", "a", gender="male"),
        put(client, "Organization", "o", name="x"),
        put(client, "Patient", "b"),
        put(client, "Patient", "a", gender="female"),
    ]


ALL = ["Patient/a/3", "Patient/b/1", "Organization/o/1", "Patient/a/2", "Patient/a/1"]


@pytest.mark.parametrize("count", [1, 2, 100])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("_history", ALL),
        ("Patient/_history", [v for v in ALL if v.startswith("Patient")]),
        ("Patient/a/_history", [v for v in ALL if v.startswith("Patient/a")]),
        ("Observation/_history", []),
    ],
)
def test_history__newest_first_in_pages(
    client: TestClient, times: list[str], path: str, expected: list[str], count: int
) -> None:
    found = pages(client, f"/fhir/{path}?_count={count}")
    assert [version for page in found for version in page] == expected
    assert all(len(page) <= count for page in found)


def test_history__writes_meanwhile_lose_and_repeat_nothing(
    client: TestClient, times: list[str]
) -> None:
    url, seen = "/fhir/_history?_count=2", []
    for number in range(10):
        bundle = client.get(url).json()
        seen += versions(bundle)
        put(client, "Patient", "a", multipleBirthInteger=number)
        put(client, "Patient", "b", multipleBirthInteger=number)
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        if not following:
            break
        url = following[0]
    assert seen == ALL


def test_history__since_is_inclusive(client: TestClient, times: list[str]) -> None:
    bundle = client.get(f"/fhir/_history?_since={times[2]}").json()
    assert versions(bundle) == ALL[:3]


def test_history__at_gives_what_was_current(client: TestClient, times: list[str]) -> None:
    assert versions(client.get(f"/fhir/_history?_at={times[2]}").json()) == ALL[2:4]
    assert versions(client.get(f"/fhir/Patient/a/_history?_at={times[2]}").json()) == [
        "Patient/a/2"
    ]
    assert versions(client.get(f"/fhir/_history?_at={times[0][:4]}").json()) == ALL


def test_history__type_narrows_the_system(client: TestClient, times: list[str]) -> None:
    found = client.get("/fhir/_history?_type=Organization,Group").json()
    assert versions(found) == ["Organization/o/1"]


def test_history__deletions_are_versions(client: TestClient, times: list[str]) -> None:
    client.delete("/fhir/Patient/b")
    newest = client.get("/fhir/Patient/_history?_count=1").json()["entry"][0]
    assert newest["request"] == {"method": "DELETE", "url": "Patient/b"}
    assert "resource" not in newest


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("_since=yesterday", "parameter-invalid"),
        ("_count=-1", "parameter-invalid"),
        ("_sinse=2020", "history-parameter"),
        ("_since=2020&_since=2021", "history-parameter"),
        ("_type=Patiant", "resource-type-unknown"),
        ("_list=$current-allergies", "id-invalid"),
        ("_cursor=abc", "search-cursor-invalid"),
    ],
)
def test_history__fault_is_named(client: TestClient, query: str, expected: str) -> None:
    response = client.get(f"/fhir/_history?{query}")
    assert (response.status_code, issue_id(response)) == (400, expected)


def test_history__cursor_belongs_to_its_history(client: TestClient, times: list[str]) -> None:
    links = client.get("/fhir/_history?_count=1").json()["link"]
    cursor = next(link["url"] for link in links if link["relation"] == "next").rpartition("=")[2]
    response = client.get(f"/fhir/Patient/_history?_cursor={cursor}")
    assert (response.status_code, issue_id(response)) == (400, "search-cursor-invalid")


def test_history__of_what_never_was_is_not_found(client: TestClient) -> None:
    client.post("/fhir/Patient", json=patient())
    assert client.get("/fhir/Patient/none/_history").status_code == 404


def test_history__tells_how_each_version_was_made(client: TestClient) -> None:
    client.post("/fhir/Patient", json=patient())
    put(client, "Patient", "a")
    put(client, "Patient", "a", gender="male")
    operations = [{"op": "replace", "path": "/gender", "value": "female"}]
    headers = {"Content-Type": "application/json-patch+json"}
    client.request("PATCH", "/fhir/Patient/a", content=json.dumps(operations), headers=headers)
    client.delete("/fhir/Patient/a")
    put(client, "Patient", "a", gender="other")
    made = [
        (entry["request"]["method"], entry["request"]["url"], entry["response"]["status"])
        for entry in client.get("/fhir/_history").json()["entry"]
    ]
    assert made == [
        ("PUT", "Patient/a", "201 Created"),
        ("DELETE", "Patient/a", "204 No Content"),
        ("PATCH", "Patient/a", "200 OK"),
        ("PUT", "Patient/a", "200 OK"),
        ("PUT", "Patient/a", "201 Created"),
        ("POST", "Patient", "201 Created"),
    ]


def test_history__conditional_update_that_creates_is_a_put(client: TestClient) -> None:
    resource = {**patient(), "identifier": [{"system": "urn:x", "value": "1"}]}
    first = client.put("/fhir/Patient?identifier=urn:x|1", json=resource).json()["id"]
    entry = client.get(f"/fhir/Patient/{first}/_history").json()["entry"][0]
    assert entry["request"] == {"method": "PUT", "url": f"Patient/{first}"}
    assert entry["response"]["status"] == "201 Created"


def test_history__of_an_older_store_goes_by_the_numbers(
    client: TestClient, server: FhirServer
) -> None:
    put(client, "Patient", "a")
    put(client, "Patient", "a", gender="male")
    with server.database.transaction() as connection:
        connection.execute("UPDATE resource SET origin = DEFAULT")
        connection.execute("UPDATE resource_history SET origin = DEFAULT")
    entries = client.get("/fhir/Patient/a/_history").json()["entry"]
    assert [entry["request"]["method"] for entry in entries] == ["PUT", "POST"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("_history?_list=l", ["Patient/b/1", "Patient/a/2"]),
        ("_history?_list=List/l&_count=1", ["Patient/b/1", "Patient/a/2"]),
        ("Patient/a/_history?_list=l", ["Patient/a/2"]),
        ("Organization/_history?_list=l", []),
        ("_history?_list=none", []),
    ],
)
def test_history__of_a_list_has_the_versions_that_it_names(
    client: TestClient, times: list[str], path: str, expected: list[str]
) -> None:
    items = ("Patient/a/_history/2", "http://testserver/fhir/Patient/b", "http://other/Patient/a")
    entries = [{"item": {"reference": item}} for item in items]
    put(client, "List", "l", status="current", mode="working", entry=entries)
    found = pages(client, f"/fhir/{path}")
    assert [version for page in found for version in page] == expected

"""Searches over HTTP: of all types, in compartments, explained, and what they refuse."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer, open_server
from fhir_server.settings import Settings
from fhir_server.store.database import Database

BASE = "http://testserver/fhir"
CONDITION: dict[str, Any] = {"resourceType": "Condition", "code": {"text": "x"}}


@pytest.fixture(scope="module")
def opened() -> FhirServer:
    return open_server(Settings(base_url=BASE), Database("postgresql:///never-opened"))


@pytest.fixture
def client(opened: FhirServer, database: Database) -> Iterator[TestClient]:
    server = replace(opened, database=database, search=opened.search.of_another_store())
    with TestClient(create_app(server), raise_server_exceptions=False) as client:
        for patient in ("a", "b"):
            _put(client, {"resourceType": "Patient", "id": patient, "gender": "female"})
            for number in (1, 2):
                _put(client, {**CONDITION, "id": f"{patient}{number}",
                              "subject": {"reference": f"Patient/{patient}"},
                              "recordedDate": f"202{number}-01-01"})  # fmt: skip
        _put(client, {"resourceType": "Observation", "id": "o", "status": "final",
                      "code": {"text": "y"}, "subject": {"reference": "Patient/a"}})  # fmt: skip
        yield client


def _put(client: TestClient, resource: dict[str, Any]) -> None:
    path = f"/fhir/{resource['resourceType']}/{resource['id']}"
    assert client.put(path, json=resource).status_code == 201


def _names(bundle: dict[str, Any]) -> list[str]:
    found = [entry["resource"] for entry in bundle.get("entry", ())]
    return sorted(f"{one['resourceType']}/{one['id']}" for one in found)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Patient/a/Condition", ["Condition/a1", "Condition/a2"]),
        ("Patient/a/Condition?recorded-date=2021", ["Condition/a1"]),
        ("Patient/a/*", ["Condition/a1", "Condition/a2", "Observation/o", "Patient/a"]),
        ("Patient/a/*?_type=Observation,Patient", ["Observation/o", "Patient/a"]),
        ("Patient/a/Patient", ["Patient/a"]),
        ("?_type=Patient", ["Patient/a", "Patient/b"]),
        ("?_id=a,a1", ["Condition/a1", "Patient/a"]),
        ("?_type=Condition,Observation&subject=Patient/a&_sort=-_id",
         ["Condition/a1", "Condition/a2", "Observation/o"]),
    ],
)  # fmt: skip
def test_place__narrows_the_search(client: TestClient, path: str, found: list[str]) -> None:
    answer = client.get(f"/fhir/{path}")
    assert answer.status_code == 200
    assert _names(answer.json()) == found
    place, _, query = path.partition("?")
    posted = place if place.endswith(("*", "")) and "*" not in place else place.removesuffix("/*")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post(
        f"/fhir/{posted}/_search".replace("//", "/"), content=query, headers=headers
    )
    assert _names(answer.json()) == found


@pytest.mark.parametrize(
    "path", ["Patient/a/*?_count=2", "?_count=3", "Patient/a/Condition?_count=1"]
)
def test_place__pages_stay_in_it(client: TestClient, path: str) -> None:
    whole = _names(client.get(f"/fhir/{path.partition('?')[0]}").json())
    seen: list[str] = []
    url: str | None = f"/fhir/{path}"
    while url is not None:
        bundle = client.get(url).json()
        seen += _names(bundle)
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        assert urlsplit(links["self"]).path.rstrip("/") == f"/fhir/{path.partition('?')[0]}".rstrip(
            "/"
        )
        url = links.get("next", "").removeprefix("http://testserver") or None
    assert sorted(seen) == whole


def test_place__of_a_batch_entry(client: TestClient) -> None:
    urls = ["?_type=Patient&gender=female", "Patient/a/Condition", "Patient/b/*"]
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answers = client.post("/fhir", json=bundle).json()["entry"]
    assert [len(_names(one["resource"])) for one in answers] == [2, 2, 3]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Medication/a/Condition", 404),
        ("Patient/a/Medication", 404),
        ("Patient/a/Conditoin", 404),
        ("Patient/a/Condition?nothing=1", 400),
        ("?nothing=1", 400),
        ("?_type=Patinet", 400),
    ],
)
def test_place__that_is_none_is_refused(client: TestClient, path: str, status: int) -> None:
    assert client.get(f"/fhir/{path}").status_code == status


def test_explain__is_answered_instead_of_the_matches(client: TestClient) -> None:
    answer = client.get("/fhir/Patient/a/Condition?recorded-date=ge2021&_explain=true").json()
    parts = {part["name"]: part["valueString"] for part in answer["parameter"]}
    assert list(parts) == ["search", "order", "sql", "plan"]
    assert "comparator=ge" in parts["search"]


@pytest.mark.parametrize(
    ("name", "count", "status"),
    [
        ("birthdate", 500, 200), ("birthdate", 501, 400), ("_lastUpdated", 501, 400),
        ("birthdate", 10_000, 400), ("gender", 501, 200), ("gender", 10_001, 400),
    ],
)  # fmt: skip
def test_alternatives__are_bounded(client: TestClient, name: str, count: int, status: int) -> None:
    value = "female" if name == "gender" else "2020-01-01"
    form = {name: ",".join([value] * count)}
    assert client.post("/fhir/Patient/_search", data=form).status_code == status


@pytest.mark.parametrize(
    "query", ["name=%00", "identifier=a%00|b", "_tag=%00", "na%00me=x", "_sort=%00", "_id=%00"]
)
def test_null_character__of_a_search_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/fhir/Patient?{query}").status_code == 400


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (r'{"resourceType":"Patient","meta":{"tag":[{"code":"a\u0000"}]}}', "Patient.meta.tag[0].code"),
        (r'{"resourceType":"Patient","identifier":[{"system":"\u0000"}]}',
         "Patient.identifier[0].system"),
        (r'{"resourceType":"Patient","a\u0000":"x"}', "Patient"),
    ],
)  # fmt: skip
def test_null_character__of_a_resource_is_refused(
    client: TestClient, content: str, place: str
) -> None:
    headers = {"Content-Type": "application/fhir+json"}
    answer = client.post("/fhir/Patient", content=content, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == [place]


def test_null_character__that_is_only_spelled_is_taken(client: TestClient) -> None:
    content = r'{"resourceType":"Patient","name":[{"text":"a\\u0000"}]}'
    headers = {"Content-Type": "application/fhir+json"}
    assert client.post("/fhir/Patient", content=content, headers=headers).status_code == 201

"""Chains into contained resources: a reference `#p` is followed as any other."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer
from fhir_server.search import settled as settled_module
from tests.interactions.conftest import opened as opened  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import server as server  # noqa: PLC0414

BASE = "http://testserver/fhir"
Json = dict[str, Any]


def medication(own_id: str, code: str, maker: str) -> Json:
    return {
        "resourceType": "Medication", "id": own_id, "manufacturer": {"reference": maker},
        "code": {"coding": [{"system": "urn:drugs", "code": code}]},
    }  # fmt: skip


def organization(own_id: str, name: str) -> Json:
    return {"resourceType": "Organization", "id": own_id, "name": name}


def order(own_id: str, drug: str, *contained: Json) -> Json:
    held = {"contained": list(contained)} if contained else {}
    return {
        "resourceType": "MedicationRequest", "id": own_id, **held, "status": "active",
        "intent": "order", "subject": {"reference": "Patient/p"},
        "medicationReference": {"reference": drug},
    }  # fmt: skip


@pytest.fixture
def client(server: FhirServer) -> Iterator[TestClient]:
    with TestClient(create_app(server, reindexes=False)) as client:
        for one in (
            {"resourceType": "Patient", "id": "p"}, organization("maker", "Works"),
            medication("m", "cisplatin", "Organization/maker"),
            order("stored", "Medication/m"),
            order("inside", "#m", medication("m", "cisplatin", "Organization/maker")),
            order("nested", "#m", medication("m", "other", "#o"), organization("o", "Small works")),
            # The condition is met by what it contains, but another element refers to that.
            order("beside", "Medication/x", medication("n", "cisplatin", "#o"), organization("o", "x"))
            | {"supportingInformation": [{"reference": "#n"}]},
        ):  # fmt: skip
            put(client, one)
        yield client


def put(client: TestClient, *resources: Json) -> None:
    for one in resources:
        answer = client.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)
        assert answer.status_code in {200, 201}, answer.text


def found(client: TestClient, query: str) -> list[str]:
    answer = client.get(f"/fhir/{query}")
    assert answer.status_code == 200, answer.text
    return sorted(entry["resource"]["id"] for entry in answer.json().get("entry", ()))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("medication.code=cisplatin", ["inside", "stored"]),
        ("medication:Medication.code=urn:drugs|cisplatin", ["inside", "stored"]),
        ("medication.manufacturer.name=works", ["inside", "stored"]),
        ("medication.manufacturer.name=small", ["nested"]),
        ("medication.manufacturer:Organization.name:contains=works", ["inside", "nested", "stored"]),
        ("medication.code:not=cisplatin", ["nested"]),
        ("medication.manufacturer=Organization/maker", ["inside", "stored"]),
        ("medication._id=m", ["stored"]),
        ("medication.manufacturer._id=maker", ["inside", "stored"]),
        ("medication:missing=true", []),
        ('_filter=medication.code eq "cisplatin" and status eq active', ["inside", "stored"]),
        ("medication.code=cisplatin&_sort=-_id&_total=accurate", ["inside", "stored"]),
    ],
)  # fmt: skip
def test_chain__goes_into_the_container(client: TestClient, query: str, ids: list[str]) -> None:
    assert found(client, f"MedicationRequest?{query}") == ids


def test_chain__counts_what_is_inside(client: TestClient) -> None:
    answer = client.get("/fhir/MedicationRequest?medication.code=cisplatin&_summary=count").json()
    assert answer["total"] == 2


def test_has__looks_from_a_chain_inside(client: TestClient) -> None:
    query = "Patient?_has:MedicationRequest:patient:medication.manufacturer.name=small"
    assert found(client, query) == ["p"]


def test_chain__forgets_what_is_no_longer_contained(client: TestClient) -> None:
    client.put("/fhir/MedicationRequest/inside", json=order("inside", "Medication/absent"))
    assert found(client, "MedicationRequest?medication.code=cisplatin") == ["stored"]


def test_criteria__may_chain_inside(client: TestClient) -> None:
    deleted = client.delete("/fhir/MedicationRequest?medication.manufacturer.name=small")
    assert deleted.status_code == 204
    assert found(client, "MedicationRequest?medication.manufacturer.name=small") == []


def test_page__that_supposed_wrongly_is_read_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process wrote the first reference to something inside."""
    monkeypatch.setattr(settled_module, "_noted", {})
    for _ in range(2):
        assert found(client, "MedicationRequest?medication.code=cisplatin") == ["inside", "stored"]
    by_code = "MedicationRequest?medication.code=cisplatin&_sort=-_lastUpdated&_total=accurate"
    assert found(client, by_code) == ["inside", "stored"]


@pytest.mark.parametrize("query", ["medication.code=other", "medication.code=other&status=active"])
def test_pages__go_on_once_something_is_inside(
    server: FhirServer, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By key, as a lone chain is read first, and in the order of storing."""
    monkeypatch.setattr(settled_module, "_noted", {})
    with TestClient(create_app(server, reindexes=False)) as client:
        put(client, {"resourceType": "Patient", "id": "p"}, organization("maker", "Works"))
        put(client, medication("m", "other", "Organization/maker"))
        put(client, *(order(f"o{number}", "Medication/m") for number in range(5)))
        page = client.get(f"/fhir/MedicationRequest?{query}&_count=2").json()
        seen = [entry["resource"]["id"] for entry in page["entry"]]
        put(client, order("i", "#m", medication("m", "other", "Organization/maker")))
        while following := [one["url"] for one in page["link"] if one["relation"] == "next"]:
            page = client.get(following[0]).json()
            seen += [entry["resource"]["id"] for entry in page["entry"]]
        assert sorted(set(seen) - {"i"}) == sorted(one for one in seen if one != "i")
        assert {f"o{number}" for number in range(5)} <= set(seen)
        assert found(client, f"MedicationRequest?{query}") == ["i", *(f"o{n}" for n in range(5))]

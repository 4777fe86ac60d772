"""`_contained` and `_containedType`: contained resources are met, and come as their containers or alone."""

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer
from fhir_server.search.reindex import run_jobs
from fhir_server.store.reindex_jobs import request_job
from fhir_server.store.resource_types import RESOURCE_TYPES
from tests.interactions.conftest import opened as opened  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import server as server  # noqa: PLC0414

ALL = sql.SQL("SELECT * FROM {}")
BASE = "http://testserver/fhir"
Json = dict[str, Any]


@pytest.fixture
def client(server: FhirServer) -> Iterator[TestClient]:
    with TestClient(create_app(server, reindexes=False)) as client:
        client.put("/fhir/Organization/maker", json=organization("maker", "Works"))
        client.put("/fhir/Medication/alone", json=medication("alone", "doxorubicin"))
        for number, code in enumerate(("doxorubicin", "cisplatin", "doxorubicin")):
            held = [medication(f"m{number}", code), organization("o", f"Maker {number}")]
            client.put(f"/fhir/MedicationRequest/r{number}", json=request(f"r{number}", *held))
        yield client


def medication(own_id: str, code: str) -> Json:
    coding = {"system": "urn:drugs", "code": code}
    return {
        "resourceType": "Medication", "id": own_id, "code": {"coding": [coding]}, "status": "active",
        "manufacturer": {"reference": "Organization/maker"},
    }  # fmt: skip


def organization(own_id: str, name: str) -> Json:
    return {"resourceType": "Organization", "id": own_id, "name": name}


def request(own_id: str, *contained: Json) -> Json:
    return {
        "resourceType": "MedicationRequest", "id": own_id, "contained": list(contained),
        "status": "active", "intent": "order", "subject": {"reference": "Patient/p"},
        "medicationReference": {"reference": f"#{contained[0]['id']}"},
        "dispenseRequest": {"performer": {"reference": "#o"}},
    }  # fmt: skip


def found(client: TestClient, query: str) -> list[str]:
    answer = client.get(f"/fhir/{query}")
    assert answer.status_code == 200, answer.text
    urls = [entry["fullUrl"] for entry in answer.json().get("entry", ())]
    return sorted(url.removeprefix(f"{BASE}/") for url in urls)


def test_contained__are_not_met_without_it(client: TestClient) -> None:
    assert found(client, "Medication?code=doxorubicin") == ["Medication/alone"]
    assert found(client, "Medication?code=doxorubicin&_contained=false") == ["Medication/alone"]


def test_contained__true_gives_containers(client: TestClient) -> None:
    of_code = found(client, "Medication?code=doxorubicin&_contained=true")
    assert of_code == ["MedicationRequest/r0", "MedicationRequest/r2"]
    assert found(client, "Medication?code=none&_contained=true") == []


def test_contained__both_gives_stored_ones_too(client: TestClient) -> None:
    assert found(client, "Medication?code=doxorubicin&_contained=both") == [
        "Medication/alone", "MedicationRequest/r0", "MedicationRequest/r2",
    ]  # fmt: skip


def test_contained_type__contained_gives_them_alone(client: TestClient) -> None:
    query = "Medication?code=doxorubicin&_contained=true&_containedType=contained"
    assert found(client, query) == ["MedicationRequest/r0#m0", "MedicationRequest/r2#m2"]
    resource = client.get(f"/fhir/{query}").json()["entry"][0]["resource"]
    assert (resource["resourceType"], resource["code"]["coding"][0]["code"]) == (
        "Medication", "doxorubicin",
    )  # fmt: skip
    both = "Medication?code=doxorubicin&_contained=both&_containedType=contained"
    assert found(client, both) == [
        "Medication/alone",
        "MedicationRequest/r0#m0",
        "MedicationRequest/r2#m2",
    ]


@pytest.mark.parametrize(
    ("query", "containers"),
    [
        ("Medication?code=doxorubicin&status=active", ["r0", "r2"]),
        ("Medication?code:not=doxorubicin", ["r1"]),
        ("Medication?code=urn:drugs|cisplatin,doxorubicin", ["r0", "r1", "r2"]),
        ("Medication?_id=m1", ["r1"]),
        ("Medication?manufacturer=Organization/maker", ["r0", "r1", "r2"]),
        ("Medication?manufacturer.name=works", ["r0", "r1", "r2"]),
        ("Medication?manufacturer.name=other", []),
        ("Medication?expiration-date:missing=false", []),
        ("Medication?expiration-date:missing=true", ["r0", "r1", "r2"]),
        ("Organization?name=maker", ["r0", "r1", "r2"]),
        ("Organization?name:contains=ker 1", ["r1"]),
        ("Organization?name:exact=Maker 2", ["r2"]),
        ("Organization?_lastUpdated=gt2020", ["r0", "r1", "r2"]),
        ("Organization?_lastUpdated=lt2020", []),
        ("Medication?_filter=code eq cisplatin", ["r1"]),
    ],
)
def test_contained__are_met_by_any_kind_of_parameter(
    client: TestClient, query: str, containers: list[str]
) -> None:
    expected = [f"MedicationRequest/{one}" for one in containers]
    assert found(client, f"{query}&_contained=true") == expected


def test_contained__conditions_hold_of_one_and_the_same(client: TestClient) -> None:
    held = [medication("a", "doxorubicin"), {**medication("b", "cisplatin"), "status": "inactive"}]
    client.put(
        "/fhir/MedicationRequest/mixed", json=request("mixed", *held, organization("o", "x"))
    )
    query = "Medication?code=doxorubicin&status=inactive&_contained=true"
    assert found(client, query) == []


def test_contained__of_all_types_are_met(client: TestClient) -> None:
    query = "?_type=Medication,Organization&_id=m1,o&_contained=true&_containedType=contained"
    assert found(client, query) == [
        "MedicationRequest/r0#o", "MedicationRequest/r1#m1", "MedicationRequest/r1#o",
        "MedicationRequest/r2#o",
    ]  # fmt: skip


@pytest.mark.parametrize("which", ["true", "both"])
@pytest.mark.parametrize("returned", ["container", "contained"])
def test_contained__come_in_pages_each_once(client: TestClient, which: str, returned: str) -> None:
    query = f"Medication?status=active&_contained={which}&_containedType={returned}"
    whole = found(client, query)
    assert len(whole) == (3 if which == "true" else 4)
    path, paged = f"/fhir/{query}&_count=1&_total=accurate", list[str]()
    while path:
        page = client.get(path).json()
        assert page["total"] == len(whole)
        paged += [entry["fullUrl"].removeprefix(f"{BASE}/") for entry in page["entry"]]
        path = next((one["url"] for one in page["link"] if one["relation"] == "next"), "")
    assert sorted(paged) == whole


def test_contained__are_counted(client: TestClient) -> None:
    for returned, total in (("container", 3), ("contained", 3)):
        query = f"Medication?_contained=true&_containedType={returned}&_summary=count"
        assert client.get(f"/fhir/{query}").json()["total"] == total


def test_contained__of_containers_may_be_included_from(client: TestClient) -> None:
    client.put("/fhir/Patient/p", json={"resourceType": "Patient", "id": "p"})
    query = "Medication?code=cisplatin&_contained=true&_include=MedicationRequest:subject"
    assert found(client, query) == ["MedicationRequest/r1", "Patient/p"]


def test_contained__go_with_their_container(client: TestClient) -> None:
    query = "Medication?code=doxorubicin&_contained=true"
    changed = request("r0", medication("m0", "cisplatin"), organization("o", "x"))
    client.put("/fhir/MedicationRequest/r0", json=changed)
    client.delete("/fhir/MedicationRequest/r2")
    assert found(client, query) == []
    assert "MedicationRequest/r0" in found(client, query.replace("doxorubicin", "cisplatin"))


def test_contained__leave_no_row_behind(client: TestClient, server: FhirServer) -> None:
    for number in range(3):
        client.delete(f"/fhir/MedicationRequest/r{number}")
    client.delete("/fhir/Medication/alone")
    client.delete("/fhir/Organization/maker")
    with server.database.connection() as connection:
        for table in ("contained_resource", "search_string", "search_reference", "search_date"):
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            assert connection.execute(count).fetchone() == (0,)


def test_reindex__makes_their_rows_anew(client: TestClient, server: FhirServer) -> None:
    def rows() -> dict[str, set[Any]]:
        with server.database.connection() as connection:
            return {
                table: set(connection.execute(ALL.format(sql.Identifier(table))).fetchall())
                for table in ("search_string", "search_reference")
            } | {"contained": {
                (*row[:4], tuple(row[4])) for row in connection.execute("SELECT * FROM contained_resource")
            }}  # fmt: skip

    right = rows()
    with server.database.transaction() as connection:
        connection.execute("DELETE FROM search_string")
        connection.execute("DELETE FROM contained_resource WHERE id <> 'o'")
        connection.execute("UPDATE contained_resource SET tokens = '{}'")
        request_job(connection, range(len(RESOURCE_TYPES)), None)
    run_jobs(server.database, server.search, lambda _: True)
    assert rows() == right


@pytest.mark.parametrize(
    ("query", "issue"),
    [
        ("Medication?_contained=maybe", "search-value-choice"),
        ("Medication?_contained=true&_containedType=x", "search-value-choice"),
        ("Medication?_contained=true&_sort=code", "search-contained-order"),
        (
            "Medication?_contained=true&_containedType=contained&_include=*",
            "search-contained-order",
        ),
        ("Medication?_contained=true&_text=x", "search-contained-condition"),
        (
            "Medication?_contained=true&_has:MedicationRequest:medication:status=x",
            "search-contained-condition",
        ),
        ("Patient/p/MedicationRequest?_contained=true", "search-contained"),
    ],
)
def test_contained__what_cannot_be_is_refused(client: TestClient, query: str, issue: str) -> None:
    answer = client.get(f"/fhir/{query}")
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == issue


def test_contained__is_no_criterion(client: TestClient) -> None:
    answer = client.delete("/fhir/Medication?code=cisplatin&_contained=true")
    assert answer.status_code == 400

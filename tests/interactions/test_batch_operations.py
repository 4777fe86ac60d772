"""Operations as entries of a batch, and not of a transaction."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.interactions.bundling import bundle, entry
from tests.interactions.test_create_update_delete import issue_id, patient

Json = dict[str, Any]


def answers(client: TestClient, *entries: Json) -> list[Json]:
    response = client.post("/fhir", json={**bundle(*entries), "type": "batch"})
    assert response.status_code == 200
    found: list[Json] = response.json()["entry"]
    return found


def test_batch__carries_out_operations(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    given = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "Patient"}]}
    found = answers(
        client,
        entry("POST", "Patient/$validate", patient()),
        entry("GET", "Patient/a/$everything?_count=5"),
        entry("POST", "Patient/a/$everything", given),
        entry(
            "GET", "CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=male"
        ),
        entry("GET", "Patient/a"),
    )
    assert {one["response"]["status"] for one in found} == {"200 OK"}
    kinds = [one["resource"]["resourceType"] for one in found]
    assert kinds == ["OperationOutcome", "Bundle", "Bundle", "Parameters", "Patient"]


GETS = {
    "metadata": "CapabilityStatement",
    "metadata?mode=terminology": "TerminologyCapabilities",
    "$versions": "Parameters",
    "OperationDefinition/diff": "OperationDefinition",
    "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender": "ValueSet",
    "_history": "Bundle",
    "Patient/_history": "Bundle",
    "Patient/a/_history": "Bundle",
    "Patient/a/_history/1": "Patient",
    "Patient/a/$everything": "Bundle",
    "Patient/a/Observation": "Bundle",
    "Patient/a/*": "Bundle",
    "?_type=Patient": "Bundle",
    "Subscription/$dead-letters": "Parameters",
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_batch__takes_every_get_of_the_interface(client: TestClient, method: str) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    found = dict(zip(GETS, answers(client, *(entry(method, url) for url in GETS)), strict=True))
    assert {url: one["response"]["status"] for url, one in found.items()} == dict.fromkeys(
        GETS, "200 OK"
    )
    kinds = {url: one.get("resource", {}).get("resourceType") for url, one in found.items()}
    assert kinds == (GETS if method == "GET" else dict.fromkeys(GETS))


@pytest.mark.parametrize(("handling", "status"), [("strict", "400"), ("lenient", "200")])
def test_batch__refuses_a_parameter_that_metadata_does_not_take(
    client: TestClient, handling: str, status: str
) -> None:
    sent = bundle(entry("GET", "metadata?verbose=1"), kind="batch")
    answer = client.post("/fhir", json=sent, headers={"Prefer": f"handling={handling}"})
    assert answer.json()["entry"][0]["response"]["status"].startswith(status)


@pytest.mark.parametrize(
    ("method", "url", "status", "issue"),
    [
        ("POST", "Patient/a/$meta-add", "400", "batch-operation"),
        ("POST", "Patient/$expunge", "400", "batch-operation"),
        ("GET", "Patient/a/$nonsense", "404", "path-not-found"),
        ("DELETE", "Patient/a/$everything", "405", "method-not-allowed"),
        ("GET", "Patient/none/$everything", "404", "resource-not-found"),
    ],
)
def test_batch__refuses_an_operation_in_its_place(
    client: TestClient, method: str, url: str, status: str, issue: str
) -> None:
    refused, fine = answers(client, entry(method, url), entry("GET", "Patient"))
    assert refused["response"]["status"].startswith(status)
    assert refused["resource"]["issue"][0]["details"]["coding"][0]["code"] == issue
    assert fine["response"]["status"] == "200 OK"


@pytest.mark.parametrize(
    ("method", "url"), [("POST", "Patient/$validate"), ("GET", "Patient/a/$meta")]
)
def test_transaction__takes_no_operation(client: TestClient, method: str, url: str) -> None:
    response = client.post("/fhir", json=bundle(entry(method, url, patient())))
    assert (response.status_code, issue_id(response)) == (400, "entry-operation")

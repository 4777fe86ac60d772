"""What the index rows of a resource leave out is said, and stops no write."""

import pytest
from starlette.testclient import TestClient

from tests.interactions.test_create_update_delete import patient

OUTCOME = {"Prefer": "return=OperationOutcome"}


@pytest.fixture
def only_given(client: TestClient) -> None:
    """A parameter whose expression fails on a resource with several given names."""
    definition = {
        "resourceType": "SearchParameter", "id": "only-given", "url": "http://a.example/only-given",
        "name": "OnlyGiven", "status": "active", "description": "The one given name", "code": "only-given",
        "base": ["Patient"], "type": "string", "expression": "Patient.name.given.single()",
    }  # fmt: skip
    answer = client.put("/fhir/SearchParameter/only-given", json=definition)
    assert answer.status_code == 201, answer.text


@pytest.mark.usefixtures("only_given")
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_write__names_the_parameters_that_do_not_find_it(
    client: TestClient, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    sent = patient(id="a", name=[{"given": ["Invented", "Marie"]}])
    url = "/fhir/Patient" + ("/a" if method == "PUT" else "")
    answer = client.request(method, url, json=sent, headers=OUTCOME)
    assert answer.status_code == 201
    found = [one for one in answer.json()["issue"] if "only-given" in one["details"]["text"]]
    assert [one["severity"] for one in found] == ["warning"]
    assert "Invented" not in caplog.text


@pytest.mark.usefixtures("only_given")
def test_write__that_every_parameter_finds_says_nothing(client: TestClient) -> None:
    answer = client.put(
        "/fhir/Patient/a", json=patient(id="a", name=[{"given": ["Marie"]}]), headers=OUTCOME
    )
    assert "only-given" not in answer.text
    assert client.get("/fhir/Patient?only-given=Marie&_summary=count").json()["total"] == 1

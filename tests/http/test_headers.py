"""Headers: preferences that nobody knows, and headers that come several times."""

import pytest
from starlette.testclient import TestClient

from tests.interactions.conftest import client as client  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import opened as opened  # noqa: PLC0414
from tests.interactions.conftest import server as server  # noqa: PLC0414
from tests.interactions.test_create_update_delete import issue_id, patient


@pytest.mark.parametrize(
    ("prefer", "status", "has_content"),
    [
        ("return=minimal", 201, False),
        ('return="minimal"', 201, False),
        ("return=bogus", 201, True),
        ("return=bogus-2, handling=lenient", 201, True),
        ("return=bogus; handling=strict", 400, True),
        ("handling=odd", 201, True),
        ("return=minimal, return=representation", 201, False),
        ("wait=10, x-own=1, return=minimal", 201, False),
    ],
)
def test_prefer__what_nobody_knows_is_ignored_unless_strict(
    client: TestClient, prefer: str, status: int, has_content: bool
) -> None:
    answer = client.post("/fhir/Patient", json=patient(), headers={"Prefer": prefer})
    assert (answer.status_code, bool(answer.content)) == (status, has_content)


def test_headers__that_come_several_times_are_one_list(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    tags = [("If-None-Match", 'W/"7"'), ("If-None-Match", 'W/"1"')]
    assert client.get("/fhir/Patient/a", headers=tags).status_code == 304
    prefer = [("Prefer", "return=minimal"), ("Prefer", "handling=strict")]
    assert client.post("/fhir/Patient", json=patient(), headers=prefer).content == b""


def test_headers__that_hold_one_value_come_once(client: TestClient) -> None:
    twice = [("If-None-Exist", "identifier=urn:x|1"), ("If-None-Exist", "identifier=urn:x|2")]
    answer = client.post("/fhir/Patient", json=patient(), headers=twice)
    assert (answer.status_code, issue_id(answer)) == (400, "header-repeated")
    assert answer.json()["issue"][0]["expression"] == ["http.If-None-Exist"]

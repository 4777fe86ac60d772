"""What a path takes, and what is said where it takes something else or is none."""

import pytest
from starlette.testclient import TestClient

from tests.interactions.conftest import client as client  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import opened as opened  # noqa: PLC0414
from tests.interactions.conftest import server as server  # noqa: PLC0414
from tests.interactions.test_create_update_delete import issue_id


@pytest.mark.parametrize(
    ("path", "takes_patches"),
    [("Patient", True), ("Patient/a", True), ("metadata", False), ("Patient/$validate", False)],
)
def test_options__names_methods_and_kinds_of_patch(
    client: TestClient, path: str, takes_patches: bool
) -> None:
    answer = client.options(f"/fhir/{path}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert ("PATCH" in answer.headers["Allow"]) is takes_patches
    assert (
        "application/json-patch+json" in answer.headers.get("Accept-Patch", "")
    ) is takes_patches


def test_options__of_the_base_tells_what_the_server_can_do(client: TestClient) -> None:
    answer = client.options("/fhir")
    assert answer.json()["resourceType"] == "CapabilityStatement"
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("language", "word"), [("en", "nothing at this path"), ("fr", "rien à ce chemin")]
)
def test_page__that_is_none_is_an_outcome(client: TestClient, language: str, word: str) -> None:
    answer = client.get("/nowhere", headers={"Accept-Language": language})
    assert (answer.status_code, issue_id(answer)) == (404, "path-not-found")
    assert word in answer.json()["issue"][0]["details"]["text"]


@pytest.mark.parametrize("version", ["01", "0", "-1", "1.0", "x", "1234567890"])
def test_version__is_named_as_it_is_written(client: TestClient, version: str) -> None:
    client.put("/fhir/Patient/a", json={"resourceType": "Patient", "id": "a"})
    answer = client.get(f"/fhir/Patient/a/_history/{version}")
    assert (answer.status_code, issue_id(answer)) == (404, "version-not-found")

"""Binary resources sent and fetched in their own format."""

import base64

import pytest
from starlette.testclient import TestClient

from tests.interactions.conftest import client as client  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import opened as opened  # noqa: PLC0414
from tests.interactions.conftest import server as server  # noqa: PLC0414

CONTENT = b"%PDF-1.7 invented \x00\xff"
PDF = {"Content-Type": "application/pdf"}


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_binary__is_stored_from_its_content(client: TestClient, method: str) -> None:
    url = "/fhir/Binary" if method == "POST" else "/fhir/Binary/b"
    headers = {**PDF, "X-Security-Context": "Patient/a"}
    made = client.request(method, url, content=CONTENT, headers=headers)
    assert made.status_code == 201
    assert made.json()["contentType"] == "application/pdf"
    assert base64.b64decode(made.json()["data"]) == CONTENT
    assert made.json()["securityContext"] == {"reference": "Patient/a"}


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("application/pdf", "application/pdf"),
        ("application/*;q=0.1, application/pdf", "application/pdf"),
        ("application/fhir+json", "application/fhir+json"),
        ("*/*", "application/fhir+json"),
        ("application/fhir+xml, application/pdf;q=0.5", "application/fhir+xml"),
    ],
)
def test_binary__is_given_as_accept_prefers(client: TestClient, accept: str, found: str) -> None:
    client.put("/fhir/Binary/b", content=CONTENT, headers=PDF)
    answer = client.get("/fhir/Binary/b", headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == found
    assert (answer.content == CONTENT) == (found == "application/pdf")
    assert answer.headers["etag"] == 'W/"1"'


def test_binary__in_a_type_that_it_has_not_is_not_acceptable(client: TestClient) -> None:
    client.put("/fhir/Binary/b", content=CONTENT, headers=PDF)
    assert client.get("/fhir/Binary/b", headers={"Accept": "image/png"}).status_code == 406
    wanted = {"Accept": "application/pdf"}
    assert client.get("/fhir/Binary/none", headers=wanted).status_code == 404
    forced = client.get("/fhir/Binary/b?_format=json", headers=wanted)
    assert forced.json()["resourceType"] == "Binary"


def test_binary__with_a_page_runs_no_script(client: TestClient) -> None:
    headers = {"Content-Type": "text/html; charset=utf-8"}
    client.put("/fhir/Binary/b", content=b"<script>1</script>", headers=headers)
    page = client.get("/fhir/Binary/b", headers={"Accept": "text/html"})
    sent_as_json = page.headers["content-type"].startswith("application/fhir+json")
    assert sent_as_json or page.headers["content-security-policy"] == "sandbox"


def test_binary__contributes_no_header_of_its_own(client: TestClient) -> None:
    sneaky = {
        "resourceType": "Binary",
        "id": "b",
        "contentType": "image/png\nX-Evil: 1",
        "data": "AA==",
    }
    if client.put("/fhir/Binary/b", json=sneaky).status_code == 201:
        answer = client.get(
            "/fhir/Binary/b", headers={"Accept": "image/png, application/fhir+json"}
        )
        assert "x-evil" not in answer.headers
        assert answer.headers["content-type"].startswith("application/fhir+json")


def test_binary__that_is_known_is_not_sent_again(client: TestClient) -> None:
    client.put("/fhir/Binary/b", content=CONTENT, headers=PDF)
    headers = {"Accept": "application/pdf", "If-None-Match": 'W/"1"'}
    assert client.get("/fhir/Binary/b", headers=headers).status_code == 304


def test_content__of_other_types_stays_fhir(client: TestClient) -> None:
    assert client.post("/fhir/Patient", content=CONTENT, headers=PDF).status_code == 415

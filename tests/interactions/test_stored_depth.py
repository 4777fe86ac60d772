"""Resources that an earlier version stored, nested deeper than is taken today: they stay in reach."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.model.json_source import MAX_DEPTH, encode_json
from fhir_server.store.bodies import packed
from fhir_server.store.database import Database
from tests.interactions.bundling import bundle, entry, statuses
from tests.interactions.test_create_update_delete import patient

DEEPER = MAX_DEPTH // 2 + 25
"""Levels of extensions, each an object and a list."""
DEEPEST = 420
"""About as many as an interpreter writes as JSON."""


@pytest.fixture(params=[DEEPER, DEEPEST])
def deep(client: TestClient, database: Database, request: pytest.FixtureRequest) -> None:
    """Patient/a, whose current version nests deeper than MAX_DEPTH, and its first version that does not."""
    client.put("/fhir/Patient/a", json=patient(id="a"))
    client.put("/fhir/Patient/a", json=patient(id="a", gender="male"))
    client.put("/fhir/Patient/b", json=patient(id="b"))
    body = _deeper(client.get("/fhir/Patient/a").content, request.param)
    with database.transaction() as connection:
        connection.execute("UPDATE resource SET body = %s WHERE id = 'a'", (packed(body),))


def _deeper(body: bytes, levels: int) -> bytes:
    """The body with so many levels of extensions, put together as text: that needs no stack."""
    outer, inner = (
        b'{"url":"http://a.example/x",',
        b'{"url":"http://a.example/x","valueString":"x"}',
    )
    nested = (outer + b'"extension":[') * levels + inner + b"]}" * levels
    return body[:-1] + b',"extension":[' + nested + b"]}"


GETS = (
    "Patient/a", "Patient/a?_format=xml", "Patient/a?_pretty=true", "Patient/a?_summary=true",
    "Patient/a?_elements=gender", "Patient?_summary=text", "Patient?_format=xml", "Patient/a/$meta",
    "Patient/a/_history/2?_summary=data", "Patient/a/_history?_elements=active", "_history?_format=xml",
    "Patient/a/$diff", "$diff?from=Patient/a&to=Patient/b", "Patient/a/$everything?_format=xml",
    "Patient/$meta", "Patient?_sort=birthdate&gender=male",
)  # fmt: skip


@pytest.mark.usefixtures("deep")
@pytest.mark.parametrize("deep", [DEEPER], indirect=True)
def test_stored_depth__is_read_by_every_operation(client: TestClient) -> None:
    found = {url: client.get(f"/fhir/{url}").status_code for url in GETS}
    assert set(found.values()) == {200}, found


@pytest.mark.usefixtures("deep")
@pytest.mark.parametrize("deep", [DEEPEST], indirect=True)
def test_stored_depth__beyond_reach_is_said(client: TestClient) -> None:
    found = {url: client.get(f"/fhir/{url}").status_code for url in GETS}
    # How much of it can be gone through is the interpreter's; XML takes most, plain bytes nothing.
    assert set(found.values()) <= {200, 422}, found
    assert (found["Patient/a"], found["Patient/a?_format=xml"]) == (200, 422)


@pytest.mark.usefixtures("deep")
def test_stored_depth__answers_for_itself_in_a_batch(client: TestClient) -> None:
    gets = [
        entry("GET", url) for url in ("Patient/a/$diff", "Patient/a?_summary=true", "Patient/b")
    ]
    answered = statuses(client.post("/fhir", json=bundle(*gets, kind="batch")))
    assert answered[2] == "200"
    assert set(answered) <= {"200", "422"}


@pytest.mark.usefixtures("deep")
@pytest.mark.parametrize("way", ["PUT", "PATCH", "DELETE"])
def test_stored_depth__is_mended_by_a_write(client: TestClient, way: str) -> None:
    shallow: Any = patient(id="a", gender="female")
    if way == "PATCH":
        shallow = [{"op": "remove", "path": "/extension"}]
    headers = {"Content-Type": f"application/{'json-patch' if way == 'PATCH' else 'fhir'}+json"}
    answer = client.request(way, "/fhir/Patient/a", content=encode_json(shallow), headers=headers)
    # A patch goes through all of it, which has an end; what takes its place does not.
    assert answer.status_code in {200, 204, 422 if way == "PATCH" else 200}, answer.text
    assert client.get("/fhir/Patient/a").status_code in {200, 410}
    assert client.get("/fhir/Patient/a/_history").status_code == 200

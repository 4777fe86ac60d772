"""The OpenAPI document: of the routes and of nothing else, and a fuzz run over it that meets no 5xx."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.http.openapi import openapi
from fhir_server.http.routes import ROUTES
from fhir_server.interactions.server import FhirServer
from tests.interactions.conftest import opened as opened  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import server as server  # noqa: PLC0414

Json = dict[str, Any]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
CONTENTS = JSONS | st.fixed_dictionaries({
    "resourceType": st.sampled_from(("Patient", "Bundle", "Parameters", "Subscription")),
    "type": st.sampled_from(("batch", "transaction", 1)),
    "entry": st.lists(JSONS, max_size=2),
    "parameter": st.lists(JSONS, max_size=2),
})  # fmt: skip
KINDS = ("application/fhir+json", "application/fhir+xml", "application/json-patch+json")
NAMES = ("a", "Patient-1", "none")


@pytest.fixture
def client(server: FhirServer) -> Iterator[TestClient]:
    with TestClient(create_app(server), raise_server_exceptions=False) as client:
        yield client


def operations(document: Json) -> list[tuple[str, str, Json]]:
    return [
        (method, path, described)
        for path, item in document["paths"].items()
        for method, described in item.items()
    ]


def test_openapi__lists_every_route(client: TestClient) -> None:
    response = client.get("/fhir/openapi.json")
    assert response.status_code == 200
    document = response.json()
    assert document["openapi"].startswith("3.1")
    listed = {(method.upper(), path) for method, path, _ in operations(document)}
    assert listed == {(method, f"/{path}") for method, path, *_ in ROUTES if method != "OPTIONS"}
    ids = [described["operationId"] for *_, described in operations(document)]
    assert len(ids) == len(set(ids))


def test_openapi__path_parameters_are_those_of_the_path(client: TestClient) -> None:
    for _, path, described in operations(client.get("/fhir/openapi.json").json()):
        named = [p["name"] for p in described.get("parameters", ()) if p["in"] == "path"]
        assert named == [part[1:-1] for part in path.split("/") if part.startswith("{")]


def test_openapi__of_one_type_has_its_search_parameters(client: TestClient) -> None:
    document = client.get("/fhir/openapi.json?type=Patient").json()
    named = {p["name"] for p in document["paths"]["/Patient"]["get"]["parameters"]}
    assert {"birthdate", "family", "_lastUpdated", "_sort"} <= named
    assert "/Patient/{id}/$everything" in document["paths"]
    assert "/Patient/$expand" not in document["paths"]
    assert client.get("/fhir/openapi.json?type=Patent").status_code == 400


def _drawn(listed: Sequence[tuple[str, str, Json]]) -> list[Json]:
    """Requests to the paths of a document, the same each time."""
    found: list[Json] = []

    @settings(max_examples=60, derandomize=True)
    @given(data=st.data())
    def draw(data: st.DataObject) -> None:
        method, path, described = data.draw(st.sampled_from(listed))
        query: dict[str, str] = {}
        for parameter in described.get("parameters", ()):
            schema = parameter["schema"]
            choices = [st.sampled_from(NAMES), TEXTS]
            if "enum" in schema:
                choices.append(st.sampled_from(schema["enum"]))
            value = data.draw(st.one_of(choices))
            if parameter["in"] == "path":
                path = path.replace("{" + parameter["name"] + "}", value.replace("/", "") or "a")
            elif data.draw(st.booleans()):
                query[parameter["name"]] = value
        content = json.dumps(data.draw(CONTENTS)) if "requestBody" in described else None
        headers = {"Content-Type": data.draw(st.sampled_from(KINDS))}
        found.append({"method": method.upper(), "url": "/fhir" + quote(path), "params": query,
                      "content": content, "headers": headers})  # fmt: skip

    draw()
    return found


def test_openapi__whatever_is_sent_to_its_paths_meets_no_5xx(server: FhirServer) -> None:
    requests = _drawn(operations(openapi(server, ROUTES, None)))
    with TestClient(create_app(server), raise_server_exceptions=False) as client:
        for request in requests:
            response = client.request(**request)
            assert response.status_code < 500, (request, response.text)


def test_openapi__of_binary_takes_its_content_as_it_is(client: TestClient) -> None:
    paths = client.get("/fhir/openapi.json?type=Binary").json()["paths"]
    assert "*/*" in paths["/Binary"]["post"]["requestBody"]["content"]
    assert "*/*" in paths["/Binary/{id}"]["put"]["requestBody"]["content"]
    assert "*/*" in paths["/Binary/{id}"]["get"]["responses"]["200"]["content"]
    others = client.get("/fhir/openapi.json?type=Patient").json()["paths"]
    assert "*/*" not in others["/Patient"]["post"]["requestBody"]["content"]

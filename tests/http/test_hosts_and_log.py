"""Requests to other hosts are turned away; the access log has names and figures, and no patient."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from fhir_server.http.access_log import parameter_names
from fhir_server.http.app import create_app
from fhir_server.http.hosts import host_name
from fhir_server.interactions.server import FhirServer
from fhir_server.settings import Settings
from tests.interactions.conftest import opened as opened  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import server as server  # noqa: PLC0414


@pytest.fixture
def client(server: FhirServer) -> Iterator[TestClient]:
    settings = server.settings.model_copy(
        update={"access_log": True, "allowed_hosts": "FHIR.example"}
    )
    logged = replace(server, settings=settings)
    with TestClient(create_app(logged, reindexes=False)) as client:
        yield client


@pytest.mark.parametrize("path", ["/fhir/metadata", "/fhir/$versions", "/health/live", "/"])
def test_host__of_another_site_is_turned_away(client: TestClient, path: str) -> None:
    for host in ("evil.example", "", "fhir.example.evil.example", "localhost.evil.example:8080"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 400
        coding = answer.json()["issue"][0]["details"]["coding"][0]
        assert coding["code"] == "host-not-allowed"


@pytest.mark.parametrize(
    "host",
    ["testserver", "localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "fhir.example:443"],
)
def test_host__of_this_server_is_served(client: TestClient, host: str) -> None:
    assert client.get("/fhir/$versions", headers={"Host": host}).status_code == 200


def test_host__names_come_from_the_settings() -> None:
    settings = Settings(
        base_url="https://network.example:8443/fhir", allowed_hosts="a.example, B.example"
    )
    assert {"network.example", "a.example", "b.example", "127.0.0.1"} <= settings.allowed_host_names


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (b"A.example:80", b"a.example"),
        (b"[::1]", b"[::1]"),
        (b"[::1]:9", b"[::1]"),
        (b"a:b", b"a:b"),
    ],
)
def test_host_name__has_no_port(host: bytes, name: bytes) -> None:
    assert host_name(host) == name


def lines_of(client: TestClient, method: str, path: str, **keywords: Any) -> list[dict[str, Any]]:
    with structlog.testing.capture_logs() as lines:
        client.request(method, path, **keywords)
    return [dict(line) for line in lines if line["event"] == "request"]


def test_access_log__has_names_and_figures_and_no_patient(client: TestClient) -> None:
    client.put("/fhir/Patient/secret", json={"resourceType": "Patient", "id": "secret"})
    for path in (
        "/fhir/Patient/secret",
        "/fhir/Patient?family:exact=Secret&birthdate=1974-12-25&_format=json",
        "/fhir/Patient/secret/_history/1?x%20Secret=1",
        "/fhir/Secret/secret",
        "/fhir/_async/secret",
        "/journal/secret?name=secret",
    ):
        [line] = lines_of(client, "GET", path)
        assert "secret" not in json.dumps(line).lower()
        assert line["status"] in {200, 400, 404}
        assert line["milliseconds"] >= 0
    [line] = lines_of(client, "GET", "/fhir/Patient?family:exact=Secret&birthdate=1974")
    assert line["parameters"] == ["family:exact", "birthdate"]
    assert (line["interaction"], line["type"], line["method"]) == ("search-type", "Patient", "GET")
    assert line["bytes_out"] > 0


def test_access_log__is_off_unless_asked_for(server: FhirServer) -> None:
    with TestClient(create_app(server, reindexes=False)) as client:
        assert lines_of(client, "GET", "/fhir/Patient") == []


def test_access_log__shows_no_value_that_stands_for_a_name() -> None:
    assert parameter_names("a=1&a=2&Ren%C3%A9=1&=x&" + "x" * 65 + "=1") == ["a", "?"]


def test_request_id__is_the_server_s_own_and_the_client_s_comes_back(client: TestClient) -> None:
    answer = client.get("/fhir/$versions", headers={"X-Request-Id": "mine-1"})
    assert answer.headers["X-Correlation-Id"] == "mine-1"
    assert answer.headers["X-Request-Id"] != "mine-1"
    other = client.get("/fhir/$versions", headers={"X-Request-Id": "with spaces"})
    assert "X-Correlation-Id" not in other.headers
    assert other.headers["X-Request-Id"] != answer.headers["X-Request-Id"]

import gzip
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from fhir_server.http.packing import PACKED_FROM_BYTES, packed
from fhir_server.http.reply import Reply
from tests.interactions.conftest import client as client  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import opened as opened  # noqa: PLC0414
from tests.interactions.conftest import server as server  # noqa: PLC0414

LARGE = Reply(200, b"x" * PACKED_FROM_BYTES, {"Content-Type": "text/plain"})


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "*", "GZIP; q=1"])
def test_packed__large_answers_go_as_gzip(accepted: str) -> None:
    reply = packed(LARGE, accepted)
    assert gzip.decompress(reply.body) == LARGE.body
    assert reply.headers == {**LARGE.headers, "Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    "accepted", [None, "", "br", "gzip;q=0", "gzip; q=0.0", "*;q=0", "gzip;q=0, *"]
)
def test_packed__only_where_the_client_takes_it(accepted: str | None) -> None:
    assert packed(LARGE, accepted) is LARGE


def test_packed__small_answers_go_as_they_are() -> None:
    small = replace(LARGE, body=LARGE.body[1:])
    assert packed(small, "gzip") is small


def test_metadata__is_packed(client: TestClient) -> None:
    answer = client.get("/fhir/metadata", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["resourceType"] == "CapabilityStatement"


def test_read__is_kept_by_no_cache_on_the_way(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json={"resourceType": "Patient", "id": "a"})
    answer = client.get("/fhir/Patient/a")
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "Accept-Encoding" in answer.headers["vary"]

"""Rules of R4's search page that stand beside the kinds of parameters."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Refused
from tests.interactions.conftest import opened as opened  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import server as server  # noqa: PLC0414
from tests.search.conftest import SearchStore
from tests.search.invented import condition, patient

Json = dict[str, Any]


def document(own_id: str, content_type: str) -> Json:
    return {
        "resourceType": "DocumentReference", "id": own_id, "status": "current",
        "content": [{"attachment": {"contentType": content_type}}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("contenttype=text/xml", ["plain"]),
        ("contenttype:below=text/xml", ["charset", "plain"]),
        ("contenttype:below=TEXT/XML", ["charset", "plain"]),
        ("contenttype:below=text/html", []),
    ],
)
def test_below__of_a_mime_type_takes_its_parameters(
    store: SearchStore, query: str, found: list[str]
) -> None:
    store.put(document("plain", "text/xml"), document("charset", "text/xml; charset=UTF-8"))
    assert store.find(f"DocumentReference?{query}") == [f"DocumentReference/{one}" for one in found]


def value_set(own_id: str, url: str, version: str | None = None, *codes: str) -> Json:
    held = {"compose": {"include": [{"system": "urn:s", "concept": [{"code": c} for c in codes]}]}}
    return {
        "resourceType": "ValueSet", "id": own_id, "url": url, "status": "active",
        **({"version": version} if version else {}), **(held if codes else {}),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://x/v", ["one", "two", "whole"]),
        ("http://x/v|1.0", ["one"]),
        ("http://x/v|1.0,http://x/v|2.0", ["one", "two"]),
        ("http://x/v|3.0", []),
        ("http://x/v|", ["whole"]),
    ],
)
def test_url__takes_a_version(store: SearchStore, url: str, found: list[str]) -> None:
    store.put(
        value_set("one", "http://x/v", "1.0"), value_set("two", "http://x/v", "2.0"),
        value_set("whole", "http://x/v|"),
    )  # fmt: skip
    assert store.find(f"ValueSet?url={url}") == [f"ValueSet/{one}" for one in found]


def test_missing__never_holds_of_id_and_time(store: SearchStore) -> None:
    store.put(patient("1"))
    assert store.find("Patient?_id:missing=true") == []
    assert store.find("Patient?_id:missing=false") == ["Patient/1"]
    assert store.find("Patient?_lastUpdated:missing=true") == []
    assert store.find("Patient?_lastUpdated:missing=false&_id:not=2") == ["Patient/1"]


def test_of_type__is_known_by_its_code_too(store: SearchStore) -> None:
    kind = {"coding": [{"system": "urn:t", "code": "MR"}]}
    store.put(patient("1", identifier=[{"type": kind, "value": "12"}]))
    assert store.find("Patient?identifier:of-type=urn:t|MR|12") == ["Patient/1"]
    assert store.find("Patient?identifier:ofType=urn:t|MR|12") == ["Patient/1"]


@pytest.mark.parametrize("name", ["_include", "_revinclude"])
def test_summary__text_is_not_mixed_with_includes(store: SearchStore, name: str) -> None:
    with pytest.raises(Refused) as refused:
        store.request(f"Patient?_summary=text&{name}=*")
    assert [issue.id for issue in refused.value.issues] == ["search-summary-text-include"]


def test_composite__takes_no_modifier(store: SearchStore) -> None:
    with pytest.raises(Refused) as refused:
        store.request("Observation?code-value-quantity:missing=true")
    assert [issue.id for issue in refused.value.issues] == ["search-modifier-unknown"]
    assert ":missing" not in str(refused.value.issues[0].parameters["allowed"])


@pytest.fixture
def client(server: FhirServer) -> Iterator[TestClient]:
    with TestClient(create_app(server, reindexes=False)) as client:
        client.put("/fhir/Patient/1", json=patient("1", gender="male"))
        client.put("/fhir/Patient/2", json=patient("2", gender="female"))
        for code in ("a", "b"):
            concept = {"coding": [{"system": "urn:s", "code": code}]}
            about = condition(code, code=concept, subject={"reference": "Patient/1"})
            client.put(f"/fhir/Condition/{code}", json=about)
        client.put("/fhir/ValueSet/held", json=value_set("held", "http://x/held", None, "a"))
        yield client


@pytest.mark.parametrize("form", ["GET", "POST"])
def test_empty_parameter__is_left_out_and_told(client: TestClient, form: str) -> None:
    if form == "GET":
        answer = client.get(
            "/fhir/Patient?gender=male&name=&_sort=", headers={"Prefer": "handling=strict"}
        )
    else:
        answer = client.post(
            "/fhir/Patient/_search", data={"gender": "male", "name": "", "_sort": ""}
        )
    bundle = answer.json()
    assert answer.status_code == 200
    modes = [entry["search"]["mode"] for entry in bundle["entry"]]
    assert sorted(modes) == ["match", "outcome"]
    assert bundle["link"][0]["url"].endswith("/fhir/Patient?gender=male")


@pytest.mark.parametrize(
    ("method", "url"), [("DELETE", "/fhir/Patient?gender="), ("PUT", "/fhir/Patient?identifier=")]
)
def test_empty_criterion__is_refused(client: TestClient, method: str, url: str) -> None:
    answer = client.request(method, url, json=patient("1"))
    assert answer.status_code in {400, 412}
    assert client.get("/fhir/Patient?_summary=count").json()["total"] == 2


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("code:in=http://x/held", ["a"]),
        ("code:in=ValueSet/held", ["a"]),
        ("code:in=http://testserver/fhir/ValueSet/held", ["a"]),
        ("code:not-in=ValueSet/held", ["b"]),
        ("_filter=code in http://x/held", ["a"]),
    ],
)
def test_in__takes_value_sets_that_are_stored(
    client: TestClient, query: str, ids: list[str]
) -> None:
    answer = client.get(f"/fhir/Condition?{query}")
    assert answer.status_code == 200, answer.text
    assert sorted(entry["resource"]["id"] for entry in answer.json()["entry"]) == ids


def test_in__refuses_a_value_set_that_is_not_here(client: TestClient) -> None:
    answer = client.get("/fhir/Condition?code:in=ValueSet/absent")
    assert answer.status_code == 400

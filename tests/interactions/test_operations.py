from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.interactions.bundling import condition
from tests.interactions.test_create_update_delete import issue_id, patient

TAG = {"system": "urn:t", "code": "a"}
LABEL = {"system": "urn:s", "code": "R"}


def parameters(**meta: Any) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


def meta_of(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()["parameter"][0]["valueMeta"]
    return found


def test_versions__name_the_default(client: TestClient) -> None:
    found = {p["name"]: p["valueCode"] for p in client.get("/fhir/$versions").json()["parameter"]}
    assert found == {"version": "4.0", "default": "4.0"}


def test_meta__is_added_and_deleted_with_a_trace(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a", meta={"tag": [TAG]}))
    added = client.post("/fhir/Patient/a/$meta-add", json=parameters(tag=[TAG], security=[LABEL]))
    assert (meta_of(added)["tag"], meta_of(added)["security"]) == ([TAG], [LABEL])
    deleted = client.post(
        "/fhir/Patient/a/$meta-delete", json=parameters(tag=[{**TAG, "display": "x"}])
    )
    assert "tag" not in meta_of(deleted)
    current = meta_of(client.get("/fhir/Patient/a/$meta"))
    assert (current["versionId"], current["security"]) == ("3", [LABEL])
    assert meta_of(client.get("/fhir/Patient/a/_history/1/$meta"))["tag"] == [TAG]
    assert client.get("/fhir/Patient?_tag=urn:t|a").json().get("entry") is None


def test_meta__needs_its_parameter(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = client.post("/fhir/Patient/a/$meta-add", json={"resourceType": "Parameters"})
    assert (response.status_code, issue_id(response)) == (400, "operation-parameter-missing")
    assert client.get("/fhir/Patient/none/$meta").status_code == 404


def test_meta__of_a_type_and_of_all_types_is_what_is_in_use(client: TestClient) -> None:
    profile = "http://profiles.test/p"
    other = {"system": "http://other.test", "code": TAG["code"]}
    client.put("/fhir/Patient/a", json=patient(id="a", meta={"tag": [TAG], "profile": [profile]}))
    client.put("/fhir/Patient/b", json=patient(id="b", meta={"tag": [other]}))
    client.put("/fhir/Patient/c", json=patient(id="c", meta={"tag": [{"code": "gone"}]}))
    client.delete("/fhir/Patient/c")
    about = {**condition("Patient/a", id="c"), "meta": {"security": [LABEL], "tag": [TAG]}}
    client.put("/fhir/Condition/c", json=about)
    of_patients = meta_of(client.get("/fhir/Patient/$meta"))
    assert of_patients["profile"] == [profile]
    assert sorted(one["system"] for one in of_patients["tag"]) == [other["system"], TAG["system"]]
    everywhere = meta_of(client.get("/fhir/$meta"))
    assert (everywhere["profile"], everywhere["security"]) == ([profile], [LABEL])
    assert len(everywhere["tag"]) == 2
    assert meta_of(client.get("/fhir/Observation/$meta")) == {}


@pytest.fixture
def cared_for(client: TestClient) -> TestClient:
    client.put(
        "/fhir/Organization/o", json={"resourceType": "Organization", "id": "o", "name": "x"}
    )
    client.put(
        "/fhir/Patient/a",
        json=patient(id="a", managingOrganization={"reference": "Organization/o"}),
    )
    client.put("/fhir/Patient/b", json=patient(id="b"))
    for number in range(3):
        name = f"c{number}"
        client.put(f"/fhir/Condition/{name}", json=condition("Patient/a", id=name))
    client.put("/fhir/Condition/other", json=condition("Patient/b", id="other"))
    return client


OWN = {"Patient/a", "Condition/c0", "Condition/c1", "Condition/c2"}


def everything(client: TestClient, url: str) -> list[str]:
    found: list[str] = []
    while url:
        bundle = client.get(url).json()
        found += ["/".join(entry["fullUrl"].split("/")[-2:]) for entry in bundle.get("entry", [])]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    return found


def test_everything__is_the_compartment_and_what_it_refers_to(cared_for: TestClient) -> None:
    found = everything(cared_for, "/fhir/Patient/a/$everything")
    assert set(found) == OWN | {"Organization/o"}
    assert len(found) == len(set(found))


def test_everything__comes_in_pages(cared_for: TestClient) -> None:
    found = everything(cared_for, "/fhir/Patient/a/$everything?_count=1&_type=Patient,Condition")
    assert sorted(found) == sorted(OWN)


@pytest.mark.parametrize(
    "path", ["$meta", "Patient/$meta", "Patient/a/$meta", "Patient/a/_history/1/$meta"]
)
def test_meta__is_asked_for_by_post_too(cared_for: TestClient, path: str) -> None:
    found = cared_for.post(f"/fhir/{path}").json()
    assert found == cared_for.get(f"/fhir/{path}").json()
    assert found["parameter"][0]["name"] == "return"


@pytest.mark.parametrize(
    "path", ["$versions", "Patient/a/$meta", "Subscription/$status", "Subscription/$dead-letters"]
)
def test_operation__parameter_it_does_not_take_is_refused(cared_for: TestClient, path: str) -> None:
    answer = cared_for.get(f"/fhir/{path}?foo=1")
    assert (answer.status_code, issue_id(answer)) == (400, "parameter-not-taken")
    assert answer.json()["issue"][0]["expression"] == ["http.foo"]


def test_lastn__link_keeps_the_format(cared_for: TestClient) -> None:
    answer = cared_for.get("/fhir/Observation/$lastn?patient=a&_format=xml")
    assert "_format=xml" in answer.text


def test_everything__links_keep_the_format(cared_for: TestClient) -> None:
    url = "/fhir/Patient/a/$everything?_count=1&_format=xml&_pretty=true"
    answer = cared_for.get(url)
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert answer.text.count("_format=xml") == 2
    assert answer.text.count("_pretty=true") == 2


def test_everything__is_narrowed_by_type_and_time(cared_for: TestClient) -> None:
    found = everything(cared_for, "/fhir/Patient/a/$everything?_type=Patient")
    assert found == ["Patient/a"]
    time = cared_for.get("/fhir/Condition/c2").json()["meta"]["lastUpdated"]
    assert "Condition/c2" in everything(cared_for, f"/fhir/Patient/a/$everything?_since={time}")
    assert everything(cared_for, "/fhir/Patient/a/$everything?_since=2200") == []


def test_everything__is_narrowed_by_dates_of_care(cared_for: TestClient) -> None:
    for number, year in enumerate(("2018", "2020-05", "2022")):
        dated = {**condition("Patient/a", id=f"c{number}"), "recordedDate": year}
        cared_for.put(f"/fhir/Condition/c{number}", json=dated)

    def found(query: str) -> set[str]:
        url = f"/fhir/Patient/a/$everything?_type=Patient,Condition&{query}"
        return set(everything(cared_for, url)) - {"Patient/a"}

    assert found("start=2020") == {"Condition/c1", "Condition/c2"}
    assert found("end=2020") == {"Condition/c0", "Condition/c1"}
    assert found("start=2020-05-31&end=2021") == {"Condition/c1"}
    assert found("start=2020&_count=1") == {"Condition/c1", "Condition/c2"}
    undated = condition("Patient/a", id="c0")
    cared_for.put("/fhir/Condition/c0", json=undated)
    assert found("start=2023") == {"Condition/c0"}


def test_everything__of_all_patients(cared_for: TestClient) -> None:
    cared_for.put("/fhir/Condition/lost", json=condition("Patient/none", id="lost"))
    everyone = OWN | {"Patient/b", "Condition/other"}
    assert set(everything(cared_for, "/fhir/Patient/$everything")) == everyone | {"Organization/o"}
    for query in (
        "_type=Patient,Condition&_count=2",
        "_count=2&_since=2000&_type=Condition,Patient",
    ):
        found = everything(cared_for, f"/fhir/Patient/$everything?{query}")
        assert sorted(found) == sorted(everyone)
    assert everything(cared_for, "/fhir/Patient/$everything?_type=Organization") == []


def test_everything__fault_is_named(cared_for: TestClient) -> None:
    response = cared_for.get("/fhir/Patient/a/$everything?begin=2020")
    assert (response.status_code, issue_id(response)) == (400, "operation-parameter-unknown")
    response = cared_for.get("/fhir/Patient/a/$everything?start=soon")
    assert (response.status_code, issue_id(response)) == (400, "operation-parameter-value")
    assert cared_for.get("/fhir/Condition/$everything").status_code == 404
    assert cared_for.get("/fhir/Patient/none/$everything").status_code == 404
    assert cared_for.get("/fhir/Condition/c0/$everything").status_code == 404


def test_operations__that_change_nothing_take_parameters_by_post(client: TestClient) -> None:
    for active in (True, False):
        client.put("/fhir/Patient/p", json={"resourceType": "Patient", "id": "p", "active": active})

    def parameters(**values: str) -> dict[str, object]:
        listed = [{"name": name, "valueString": value} for name, value in values.items()]
        return {"resourceType": "Parameters", "parameter": listed}

    found = client.post("/fhir/Patient/p/$everything", json=parameters(_type="Patient"))
    assert [entry["resource"]["id"] for entry in found.json()["entry"]] == ["p"]
    assert client.post("/fhir/Patient/p/$everything").status_code == 200
    versions = parameters(fromVersion="1", toVersion="2")
    changed = client.post("/fhir/Patient/p/$diff", json=versions).json()
    assert changed == client.get("/fhir/Patient/p/$diff?fromVersion=1&toVersion=2").json()
    pair = parameters(**{"from": "Patient/p", "to": "Patient/p"})
    assert client.post("/fhir/$diff", json=pair).status_code == 200
    assert client.post("/fhir/$versions").status_code == 200


def test_search__handled_leniently_says_what_it_dropped(client: TestClient) -> None:
    client.put("/fhir/Patient/p", json={"resourceType": "Patient", "id": "p", "active": True})
    strict = client.get(
        "/fhir/Patient?active=true&nonsense=1", headers={"Prefer": "handling=strict"}
    )
    assert strict.status_code == 400
    answer = client.get(
        "/fhir/Patient?active=true&nonsense=1", headers={"Prefer": "handling=lenient"}
    )
    modes = [entry["search"]["mode"] for entry in answer.json()["entry"]]
    assert modes == ["match", "outcome"]
    assert answer.json()["link"][0]["url"].endswith("/Patient?active=true")

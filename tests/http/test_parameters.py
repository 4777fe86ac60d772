"""Parameters and media types: what is not understood is refused, what is understood is kept."""

from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from tests.interactions.conftest import client as client  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import opened as opened  # noqa: PLC0414
from tests.interactions.conftest import server as server  # noqa: PLC0414
from tests.interactions.test_create_update_delete import issue_id, patient

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def stored(client: TestClient) -> TestClient:
    for name in ("a", "b", "c"):
        client.put(f"/fhir/Patient/{name}", json=patient(id=name))
    return client


def link(bundle: dict[str, list[dict[str, str]]], relation: str) -> str:
    url = next(one["url"] for one in bundle["link"] if one["relation"] == relation)
    return url[url.index("/fhir") :]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "Patient/a?foo=1"),
        ("GET", "Patient/a/_history/1?foo=1"),
        ("PUT", "Patient/a?foo=1"),
        ("DELETE", "Patient/a?_cascade=delete"),
        ("POST", "Patient/$validate?profil=http://x"),
        ("GET", "metadata?foo=1"),
    ],
)
def test_parameters__what_an_interaction_does_not_take_is_refused(
    stored: TestClient, method: str, path: str
) -> None:
    body = patient(id="a") if method in {"PUT", "POST"} else None
    answer = stored.request(method, f"/fhir/{path}", json=body)
    assert (answer.status_code, issue_id(answer)) == (400, "parameter-not-taken")
    lenient = {"Prefer": "handling=lenient"}
    assert stored.request(method, f"/fhir/{path}", json=body, headers=lenient).status_code < 300


def test_create__with_criteria_in_its_url_stores_nothing(stored: TestClient) -> None:
    answer = stored.post("/fhir/Patient?identifier=urn:x|1", json=patient())
    assert (answer.status_code, issue_id(answer)) == (400, "create-with-criteria")
    assert stored.get("/fhir/Patient?_summary=count").json()["total"] == 3


def test_metadata__mode_is_one_of_three(client: TestClient) -> None:
    answer = client.get("/fhir/metadata?mode=bogus")
    assert (answer.status_code, issue_id(answer)) == (400, "parameter-invalid")
    assert client.get("/fhir/metadata?mode=normative").status_code == 200


def test_metadata__is_cut_down_on_demand(client: TestClient) -> None:
    part = client.get("/fhir/metadata?_elements=software").json()
    assert "software" in part
    assert "rest" not in part


@pytest.mark.parametrize(
    "path", ["Patient?_count=1&", "Patient/_history?_count=1&", "_history?_count=1&"]
)
def test_links__keep_the_format(stored: TestClient, path: str) -> None:
    first = stored.get(f"/fhir/{path}_format=json&_pretty=true")
    following = stored.get(link(first.json(), "next"), headers={"Accept": "application/fhir+xml"})
    assert following.headers["content-type"].startswith("application/fhir+json")
    assert b"\n" in following.content


def test_history__self_link_of_a_later_page_is_that_page(stored: TestClient) -> None:
    first = stored.get("/fhir/_history?_count=1&_since=2020-01-01T00:00:00%2B01:00").json()
    second = stored.get(link(first, "next")).json()
    again = stored.get(link(second, "self")).json()
    assert again["entry"] == second["entry"] != first["entry"]
    assert "%2B01:00" in urlsplit(link(first, "self")).query


def test_history__gives_the_part_that_is_asked_for(stored: TestClient) -> None:
    entries = stored.get("/fhir/Patient/a/_history?_elements=name").json()["entry"]
    assert entries[0]["resource"]["meta"]["tag"][0]["code"] == "SUBSETTED"


def test_post_search__takes_the_format_from_the_form(stored: TestClient) -> None:
    answer = stored.post("/fhir/Patient/_search", content="_format=xml&_id=a", headers=FORM)
    assert answer.headers["content-type"].startswith("application/fhir+xml")


def test_post_search__asks_for_a_form(stored: TestClient) -> None:
    answer = stored.post("/fhir/Patient/_search", json={})
    assert (answer.status_code, issue_id(answer)) == (415, "form-expected")


@pytest.mark.parametrize("path", ["Patient?name=%E9", "Patient/_search"])
def test_parameters__other_bytes_than_utf8_are_refused(stored: TestClient, path: str) -> None:
    if path.endswith("_search"):
        answer = stored.post(f"/fhir/{path}", content=b"name=%E9", headers=FORM)
    else:
        answer = stored.get(f"/fhir/{path}")
    assert (answer.status_code, issue_id(answer)) == (400, "query-not-utf8")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/fhir+json; fhirVersion=4.0", 201),
        ('application/fhir+json; fhirVersion="4.0.1"; charset=UTF-8', 201),
        ("application/fhir+json; fhirVersion=3.0", 415),
        ("application/fhir+json; fhirVersion=4.00", 415),
        ("application/fhir+json; charset=iso-8859-1", 415),
    ],
)
def test_content__of_another_version_or_charset_is_refused(
    client: TestClient,
    content_type: str,
    status: int,
) -> None:
    answer = client.post(
        "/fhir/Patient",
        content=b'{"resourceType":"Patient"}',
        headers={"Content-Type": content_type},
    )
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json; fhirVersion=4.0", 200),
        ("application/fhir+json; fhirVersion=3.0", 406),
        ("application/fhir+json; fhirVersion=5.0, application/fhir+xml", 200),
    ],
)
def test_accept__another_version_is_not_given(stored: TestClient, accept: str, status: int) -> None:
    answer = stored.get("/fhir/Patient/a", headers={"Accept": accept})
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["Patient/a", "Patient"])
def test_elements__that_the_type_does_not_have_are_refused(stored: TestClient, path: str) -> None:
    wrong = stored.get(f"/fhir/{path}?_elements=nmae")
    assert (wrong.status_code, issue_id(wrong)) == (400, "search-elements-unknown")
    right = "id,active,deceased,name.family,Patient.photo,Observation.code"
    assert stored.get(f"/fhir/{path}?_elements={right}").status_code == 200


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("Patient?birthdate=x", "http.birthdate"),
        ("Patient?nmae=x", "http.nmae"),
        ("Patient/a/_history?_since=x", "http._since"),
        ("Patient/a?_summary=x", "http._summary"),
    ],
)
def test_issues__of_a_parameter_name_it(stored: TestClient, path: str, place: str) -> None:
    assert stored.get(f"/fhir/{path}").json()["issue"][0]["expression"] == [place]


def test_issues__of_criteria_name_their_header(stored: TestClient) -> None:
    answer = stored.post("/fhir/Patient", json=patient(), headers={"If-None-Exist": "nmae=x"})
    places = [issue["expression"] for issue in answer.json()["issue"]]
    assert places == [["http.If-None-Exist"]] * 2


def test_diff__of_equal_resources_has_no_empty_list(stored: TestClient) -> None:
    answer = stored.get("/fhir/$diff?from=Patient/a&to=Patient/b")
    assert answer.json() == {"resourceType": "Parameters"}


def test_meta_add__heeds_if_match(stored: TestClient) -> None:
    tag = {"name": "meta", "valueMeta": {"tag": [{"system": "urn:x", "code": "y"}]}}
    answer = stored.post(
        "/fhir/Patient/a/$meta-add",
        json={"resourceType": "Parameters", "parameter": [tag]},
        headers={"If-Match": 'W/"7"'},
    )
    assert (answer.status_code, issue_id(answer)) == (412, "version-conflict")


def test_history__drops_what_it_does_not_know_where_handling_is_lenient(stored: TestClient) -> None:
    answer = stored.get("/fhir/Patient/a/_history?foo=1", headers={"Prefer": "handling=lenient"})
    assert answer.status_code == 200
    assert "foo" not in link(answer.json(), "self")
    wrong = stored.get("/fhir/Patient/a/_history?_at=x", headers={"Prefer": "handling=lenient"})
    assert wrong.status_code == 400


@pytest.mark.parametrize(
    "path", ["$versions", "Patient/a/$meta", "Subscription/$status", "Subscription/$dead-letters"]
)
def test_operation__refuses_content_that_it_does_not_take(stored: TestClient, path: str) -> None:
    unknown = {"resourceType": "Parameters", "parameter": [{"name": "foo", "valueString": "x"}]}
    refused = stored.post(f"/fhir/{path}", json=unknown)
    assert (refused.status_code, issue_id(refused)) == (400, "parameter-not-taken")
    other = stored.post(f"/fhir/{path}", json=patient())
    assert (other.status_code, issue_id(other)) == (400, "operation-no-parameters")
    assert stored.post(f"/fhir/{path}", json={"resourceType": "Parameters"}).status_code == 200


def test_snapshot__asks_for_the_url(stored: TestClient) -> None:
    answer = stored.get("/fhir/StructureDefinition/$snapshot")
    assert (answer.status_code, issue_id(answer)) == (400, "operation-parameter-missing")


@pytest.mark.parametrize("sent", ["name=Ångström", "name=%C3%85ngstr%C3%B6m"])
def test_form__bytes_beyond_ascii_are_utf8(stored: TestClient, sent: str) -> None:
    stored.put("/fhir/Patient/n", json=patient(id="n", name=[{"family": "Ångström"}]))
    found = stored.post("/fhir/Patient/_search", content=sent.encode(), headers=FORM)
    assert found.json()["total"] == 1
    latin = stored.post("/fhir/Patient/_search", content=b"name=\xc5", headers=FORM)
    assert (latin.status_code, issue_id(latin)) == (400, "query-not-utf8")


def test_form__in_another_charset_is_refused(stored: TestClient) -> None:
    latin = {"Content-Type": f"{FORM['Content-Type']}; charset=iso-8859-1"}
    answer = stored.post("/fhir/Patient/_search", content=b"name=a", headers=latin)
    assert (answer.status_code, issue_id(answer)) == (415, "charset-not-supported")


def test_if_none_exist__bytes_beyond_ascii_are_utf8(stored: TestClient) -> None:
    criteria = {b"If-None-Exist": "family=Ångström".encode()}
    sent = patient(name=[{"family": "Ångström"}])
    answers = [stored.post("/fhir/Patient", json=sent, headers=criteria) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]


@pytest.mark.parametrize("parameter", ["charset=utf-16", "fhirVersion=5.0"])
def test_patch__of_another_version_or_charset_is_refused(
    stored: TestClient, parameter: str
) -> None:
    kind = {"Content-Type": f"application/json-patch+json; {parameter}"}
    assert stored.patch("/fhir/Patient/a", content=b"[]", headers=kind).status_code == 415

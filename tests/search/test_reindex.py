"""Search parameters defined while the server runs, and the index made anew for what was stored before."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer
from fhir_server.search.reindex import run_batch, run_jobs
from fhir_server.store.bodies import packed
from tests.interactions.conftest import opened as opened  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import server as server  # noqa: PLC0414

NICKNAME: dict[str, Any] = {
    "resourceType": "SearchParameter",
    "url": "https://osteon.test/SearchParameter/nickname",
    "name": "Nickname",
    "status": "active",
    "description": "A nickname.",
    "code": "nickname",
    "base": ["Patient"],
    "type": "string",
    "expression": "Patient.name.where(use='nickname').given",
}


def _with(**elements: Any) -> dict[str, Any]:
    return {**NICKNAME, **elements}


def _patient(nickname: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"use": "nickname", "given": [nickname]}]}


@pytest.fixture
def other(server: FhirServer) -> FhirServer:
    """Another process on the same store."""
    return replace(server, search=server.search.of_another_store())


def _client(server: FhirServer) -> TestClient:
    allowed = {"operator_secret": SecretStr("right")}
    opened = replace(server, settings=server.settings.model_copy(update=allowed))
    app = create_app(opened, reindexes=False)
    return TestClient(app, raise_server_exceptions=False, headers={"Authorization": "Bearer right"})


@pytest.fixture
def client(server: FhirServer) -> Iterator[TestClient]:
    with _client(server) as client:
        yield client


def _store(client: TestClient, *resources: dict[str, Any]) -> None:
    for resource in resources:
        assert client.post(f"/fhir/{resource['resourceType']}", json=resource).status_code == 201


def _found(client: TestClient, query: str) -> int:
    return int(client.get(f"/fhir/{query}&_summary=count").json()["total"])


def _part(parameters: dict[str, Any], name: str) -> Any:
    for part in parameters["parameter"]:
        if part["name"] == name:
            return next(value for key, value in part.items() if key.startswith("value"))
    return None


def _ids(outcome: dict[str, Any]) -> list[str]:
    return [issue["details"]["coding"][0]["code"] for issue in outcome["issue"]]


# taking effect -------------------------------------------------------------------------------------


def test_definition__takes_effect_without_restart(client: TestClient) -> None:
    assert client.get("/fhir/Patient?nickname=zo").status_code == 400
    _store(client, NICKNAME, _patient("Zoé"))
    assert _found(client, "Patient?nickname=zoe") == 1


def test_definition__takes_effect_in_other_processes(client: TestClient, other: FhirServer) -> None:
    with _client(other) as elsewhere:
        assert elsewhere.get("/fhir/Patient?nickname=zo").status_code == 400
        _store(client, NICKNAME)
        _store(elsewhere, _patient("Zoé"))
        assert _found(elsewhere, "Patient?nickname=zoe") == 1
        assert _found(client, "Patient?nickname=zoe") == 1


def test_definition__is_claimed_while_it_is_in_force(client: TestClient) -> None:
    def claimed() -> bool:
        resources = client.get("/fhir/metadata").json()["rest"][0]["resource"]
        patient = next(one for one in resources if one["type"] == "Patient")
        return "nickname" in {one["name"] for one in patient["searchParam"]}

    assert not claimed()
    _store(client, NICKNAME)
    assert client.get("/fhir/Patient?nickname=a").status_code == 200
    assert claimed()


def test_definition__of_a_draft_has_no_effect(client: TestClient) -> None:
    _store(client, _with(status="draft"))
    assert client.get("/fhir/Patient?nickname=zo").status_code == 400


def test_definition__keeps_the_meaning_of_a_known_code(client: TestClient) -> None:
    _store(client, _with(code="birthdate", type="date", expression="Patient.meta.lastUpdated"))
    _store(client, {"resourceType": "Patient", "birthDate": "1970-01-01"})
    assert _found(client, "Patient?birthdate=1970-01-01") == 1


def test_definition__of_a_composite_uses_others(client: TestClient) -> None:
    own = _with(url="urn:x:gender2", code="gender2", type="token", expression="Patient.gender")
    pair = _with(
        url="urn:x:pair", code="pair", type="composite", expression="Patient",
        component=[
            {"definition": "urn:x:gender2", "expression": "gender"},
            {"definition": "http://hl7.org/fhir/SearchParameter/individual-birthdate",
             "expression": "birthDate"},
        ],
    )  # fmt: skip
    _store(client, own, pair)
    _store(client, {"resourceType": "Patient", "gender": "male", "birthDate": "1970-01-01"})
    assert _found(client, "Patient?pair=male$1970") == 1
    assert _found(client, "Patient?pair=female$1970") == 0


# refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        ({"expression": "Patient.nme.given"}, "search-definition-nothing"),
        ({"expression": "Observation.code"}, "search-definition-nothing"),
        ({"type": "date"}, "search-definition-type"),
        ({"type": "quantity"}, "search-definition-type"),
        ({"type": "special"}, "search-definition-special"),
        ({"expression": None}, "search-definition-no-expression"),
        ({"code": "_count"}, "search-definition-code"),
        ({"code": "a.b"}, "search-definition-code"),
    ],
)
def test_definition__that_cannot_be_searched_by_is_refused(
    client: TestClient, change: dict[str, Any], issue: str
) -> None:
    content = {name: value for name, value in _with(**change).items() if value is not None}
    answer = client.post("/fhir/SearchParameter", json=content)
    assert answer.status_code == 422
    assert issue in _ids(answer.json())


def test_definition__with_a_faulty_expression_is_refused(client: TestClient) -> None:
    answer = client.post("/fhir/SearchParameter", json=_with(expression="Patient.name.where("))
    assert answer.status_code == 422


# reindex -------------------------------------------------------------------------------------------


def test_reindex__finds_what_was_stored_before(client: TestClient, server: FhirServer) -> None:
    _store(client, _patient("Zoé"), _patient("Max"), {"resourceType": "Patient"}, NICKNAME)
    early = client.get("/fhir/Patient?nickname=zoe").json()
    assert _ids(early["entry"][0]["resource"]) == ["search-parameter-incomplete"]
    asked = client.post("/fhir/Patient/$reindex")
    assert asked.status_code == 202
    run_jobs(server.database, server.search, lambda _: True, batch_size=2)
    status = client.get(asked.headers["Content-Location"].removeprefix("http://testserver")).json()
    assert _part(status, "state") == "completed"
    assert [_part(status, name) for name in ("total", "processed", "changed")] == [3, 3, 2]
    server.search.current = server.search.loaded
    complete = client.get("/fhir/Patient?nickname=zoe").json()
    assert [one["search"]["mode"] for one in complete["entry"]] == ["match"]


def test_reindex__goes_on_where_another_process_left_it(
    client: TestClient, server: FhirServer, other: FhirServer
) -> None:
    _store(client, *[_patient(f"N{number}") for number in range(7)], NICKNAME)
    client.post("/fhir/$reindex", json=_parameters(parameter=NICKNAME["url"]))
    run_batch(server.database, server.search)
    run_batch(server.database, server.search, batch_size=3)
    status = client.get("/fhir/$reindex").json()["parameter"][0]
    assert [_part({"parameter": status["part"]}, n) for n in ("processed", "remaining")] == [3, 4]
    seen = []
    while (job := run_batch(other.database, other.search, batch_size=3)) is not None:
        seen.append(job.processed)
    assert seen == [3, 6]
    assert _found(client, "Patient?nickname=N") == 7


def _parameters(**values: str) -> dict[str, Any]:
    listed = [{"name": name, "valueUri": value} for name, value in values.items()]
    return {"resourceType": "Parameters", "parameter": listed}


def test_reindex__batch_that_fails_leaves_nothing(
    client: TestClient, server: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _store(client, _patient("Zoé"), NICKNAME)
    job = _part(client.post("/fhir/Patient/$reindex").json(), "id")
    run_batch(server.database, server.search)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("fhir_server.search.reindex.note_progress", killed)
        with pytest.raises(KeyboardInterrupt):
            run_batch(server.database, server.search)
    assert _part(client.get(f"/fhir/$reindex?job={job}").json(), "processed") == 0
    assert _found(client, "Patient?nickname=zoe") == 0
    run_jobs(server.database, server.search, lambda _: True)
    assert _found(client, "Patient?nickname=zoe") == 1


def test_reindex__leaves_what_is_beyond_reach(client: TestClient, server: FhirServer) -> None:
    """An earlier version may have stored what nests too deeply to be gone through."""
    _store(client, _patient("Zed"), _patient("Bo"), NICKNAME)
    deep = b'{"resourceType":"Patient","extension":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    with server.database.transaction() as connection:
        connection.execute(
            "UPDATE resource SET body = %s WHERE sequence = (SELECT min(sequence) FROM resource)",
            (packed(deep),),
        )
    client.post("/fhir/Patient/$reindex")
    run_jobs(server.database, server.search, lambda _: True)
    status = client.get("/fhir/$reindex").json()["parameter"][0]
    told = [
        _part({"parameter": status["part"]}, name) for name in ("state", "processed", "changed")
    ]
    assert told == ["completed", 2, 1]
    assert _found(client, "Patient?nickname=bo") == 1


def test_reindex__of_a_right_index_changes_nothing(client: TestClient, server: FhirServer) -> None:
    _store(client, _patient("Zoé"), {"resourceType": "Observation", "status": "final",
           "code": {"text": "x"}, "valueQuantity": {"value": 5.40, "unit": "mg"}})  # fmt: skip
    job = client.post("/fhir/$reindex").json()
    run_jobs(server.database, server.search, lambda _: True)
    status = client.get(f"/fhir/$reindex?job={_part(job, 'id')}").json()
    assert [_part(status, name) for name in ("total", "processed", "changed")] == [3, 3, 0]


def test_reindex__forgets_rows_of_a_parameter_out_of_force(
    client: TestClient, server: FhirServer
) -> None:
    _store(client, NICKNAME, _patient("Zoé"))
    definition = client.get("/fhir/SearchParameter?code=nickname").json()["entry"][0]["resource"]
    client.delete(f"/fhir/SearchParameter/{definition['id']}")
    before = _rows_of(server, "zoe")
    client.post("/fhir/Patient/$reindex")
    run_jobs(server.database, server.search, lambda _: True)
    assert before - _rows_of(server, "zoe") == 1


def _rows_of(server: FhirServer, value: str) -> int:
    with server.database.connection() as connection:
        statement = "SELECT count(*) FROM search_string WHERE value = %s"
        row = connection.execute(statement, (value,)).fetchone()
    return int(row[0]) if row else 0


def test_reindex__waits_for_writes_by_older_definitions(
    client: TestClient, server: FhirServer
) -> None:
    from fhir_server.store.search_state import begin_writing

    _store(client, _patient("Zoé"))
    client.post("/fhir/$reindex")
    with server.database.transaction() as writer:
        begin_writing(writer)
        job = run_batch(server.database, server.search)
        assert job is not None
        assert (
            client.get("/fhir/$reindex").json()["parameter"][0]["part"][1]["valueCode"] == "queued"
        )
    run_jobs(server.database, server.search, lambda _: True)
    assert (
        client.get("/fhir/$reindex").json()["parameter"][0]["part"][1]["valueCode"] == "completed"
    )


def test_reindex__can_be_called_off(client: TestClient, server: FhirServer) -> None:
    job = _part(client.post("/fhir/$reindex").json(), "id")
    assert client.delete(f"/fhir/$reindex?job={job}").status_code == 204
    assert client.delete(f"/fhir/$reindex?job={job}").status_code == 409
    assert run_batch(server.database, server.search) is None


def test_reindex__needs_the_secret(client: TestClient, server: FhirServer) -> None:
    requests = [("POST", "$reindex"), ("POST", "Patient/$reindex"), ("GET", "$reindex"),
                ("DELETE", "$reindex?job=1")]  # fmt: skip
    for method, path in requests:
        answer = client.request(method, f"/fhir/{path}", headers={"Authorization": "Bearer wrong"})
        assert answer.status_code == 401
    with TestClient(create_app(server, reindexes=False)) as off:
        assert {off.request(method, f"/fhir/{path}").status_code for method, path in requests} == {
            403
        }


def test_reindex__leaves_a_trace(client: TestClient) -> None:
    job = _part(client.post("/fhir/Patient/$reindex").json(), "id")
    client.delete(f"/fhir/$reindex?job={job}")
    events = client.get("/fhir/AuditEvent?action=E").json()["entry"]
    named = [event["resource"]["entity"][0] for event in events]
    assert {one["name"] for one in named} == {f"$reindex?job={job}"}
    assert {one["detail"][0]["valueString"] for one in named} == {"asked for", "called off"}


def test_reindex__asked_twice_is_one_job(client: TestClient) -> None:
    first, second = (client.post("/fhir/Patient/$reindex").json() for _ in range(2))
    assert _part(first, "id") == _part(second, "id")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "$reindex?type=Patinet", 400),
        ("POST", "$reindex?parameter=urn:none", 400),
        ("POST", "$reindex?other=1", 400),
        ("POST", "Patient/a/$reindex", 404),
        ("POST", "SearchParameter/none/$reindex", 404),
        ("GET", "$reindex?job=none", 404),
        ("DELETE", "$reindex?job=none", 404),
        ("DELETE", "$reindex", 400),
    ],
)
def test_reindex__faults_are_the_clients(
    client: TestClient, method: str, path: str, status: int
) -> None:
    assert client.request(method, f"/fhir/{path}").status_code == status


def test_criteria__by_an_incomplete_parameter_are_refused(client: TestClient) -> None:
    _store(client, _patient("Zoé"), NICKNAME)
    answer = client.post("/fhir/Patient", json=_patient("Zoé"),
                         headers={"If-None-Exist": "nickname=zoe"})  # fmt: skip
    assert answer.status_code == 412
    assert _ids(answer.json()) == ["criteria-incomplete"]

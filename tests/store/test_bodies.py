"""Bodies are stored small and come back to the last byte."""

import threading

from fhir_server.model.json_source import encode_json
from fhir_server.store.bodies import packed, unpacked
from fhir_server.store.database import Database

CONDITION = encode_json(
    {
        "resourceType": "Condition",
        "id": "11111111-2222-4333-8444-555555555555",
        "meta": {"versionId": "1", "lastUpdated": "2026-01-01T12:00:00.000Z"},
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                    "code": "active",
                }
            ]
        },
        "subject": {"reference": "Patient/66666666-7777-4888-8999-000000000000"},
    }
)


def test_packed__comes_back_as_it_was() -> None:
    for body in (CONDITION, b"{}", b"", '{"text":"é"}'.encode(), bytes(range(256)) * 4000):
        assert unpacked(packed(body)) == body


def test_packed__is_small_for_what_fhir_repeats() -> None:
    assert len(packed(CONDITION)) < len(CONDITION) / 2


def test_packed__serves_threads_at_once() -> None:
    bodies = [CONDITION.replace(b"1111", b"%04d" % number) for number in range(200)]
    found: list[bool] = []

    def work() -> None:
        found.append(all(unpacked(packed(body)) == body for body in bodies))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


def test_unpacked__gives_bodies_of_earlier_servers_as_they_are() -> None:
    assert unpacked(CONDITION) == CONDITION


def test_packed__is_no_text_of_the_database(database: Database) -> None:
    with database.connection() as connection:
        row = connection.execute("SELECT %s::bytea", (packed(CONDITION),)).fetchone()
    assert row is not None
    assert unpacked(row[0]) == CONDITION

"""Observation/$lastn."""

from typing import Any

import pytest
from starlette.testclient import TestClient


@pytest.fixture
def observed(client: TestClient) -> TestClient:
    def put(name: str, date: str, *codes: str, patient: str = "p") -> None:
        resource = {
            "resourceType": "Observation", "id": name, "status": "final", "effectiveDateTime": date,
            "subject": {"reference": f"Patient/{patient}"},
            "code": {"coding": [{"system": "http://s.test", "code": code} for code in codes]},
        }  # fmt: skip
        assert client.put(f"/fhir/Observation/{name}", json=resource).status_code == 201

    put("w1", "2020-01-01", "weight")
    put("w2", "2021-01-01", "weight", "mass")
    put("w3", "2022-01-01", "mass")
    put("h1", "2020-06-01", "height")
    put("h2", "2021-06-01", "height")
    put("h3", "2021-06-01", "height")
    put("x1", "2023-01-01", "height", patient="other")
    return client


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("patient=p", ["w3", "h2", "h3"]),
        ("subject=Patient/p&max=2", ["w3", "h2", "h3", "w2"]),
        ("patient=p&max=3", ["w3", "h2", "h3", "w2", "h1", "w1"]),
        ("patient=p&code=weight", ["w2"]),
        ("patient=p&date=lt2021", ["h1", "w1"]),
        ("patient=nobody", []),
    ],
)
def test_lastn__gives_the_latest_of_each_code(
    observed: TestClient, query: str, found: list[str]
) -> None:
    answer = observed.get(f"/fhir/Observation/$lastn?{query}")
    assert answer.status_code == 200
    bundle = answer.json()
    assert bundle["total"] == len(found)
    names = [entry["resource"]["id"] for entry in bundle.get("entry", ())]
    assert sorted(names) == sorted(found)
    dates = [entry["resource"]["effectiveDateTime"] for entry in bundle.get("entry", ())]
    assert dates == sorted(dates, reverse=True)


def test_lastn__takes_parameters(observed: TestClient) -> None:
    listed: list[dict[str, Any]] = [
        {"name": "patient", "valueString": "Patient/p"}, {"name": "max", "valuePositiveInt": 2},
    ]  # fmt: skip
    content = {"resourceType": "Parameters", "parameter": listed}
    assert observed.post("/fhir/Observation/$lastn", json=content).json()["total"] == 4


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Observation/$lastn", 400),
        ("Observation/$lastn?code=weight", 400),
        ("Observation/$lastn?patient=p&max=0", 400),
        ("Observation/$lastn?patient=p&max=many", 400),
        ("Observation/$lastn?patient=p&_sort=date", 400),
        ("Condition/$lastn?patient=p", 404),
    ],
)
def test_lastn__faults_are_the_clients(client: TestClient, path: str, status: int) -> None:
    assert client.get(f"/fhir/{path}").status_code == status

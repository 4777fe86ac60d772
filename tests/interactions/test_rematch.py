"""What criteria found is looked at again once its row is locked."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.interactions.writing import write
from fhir_server.store.resources import lock_resources as lock
from tests.interactions.bundling import identified


def test_conditional_update__of_what_no_longer_matches_makes_a_new_one(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client.post("/fhir/Patient", json=identified("one")).json()["id"]
    meanwhile = [True]

    def lock_after_a_change(*arguments: Any) -> Any:
        if meanwhile.pop() if meanwhile else False:
            changed = {**identified("other"), "id": first}
            assert client.put(f"/fhir/Patient/{first}", json=changed).status_code == 200
        return lock(*arguments)

    monkeypatch.setattr(write, "lock_resources", lock_after_a_change)
    response = client.put("/fhir/Patient?identifier=urn:x|one", json=identified("one"))
    assert response.status_code == 201
    assert response.json()["id"] != first
    kept = client.get(f"/fhir/Patient/{first}").json()
    assert kept["identifier"][0]["value"] == "other"

"""$diff: a FHIRPath Patch that makes of the first what the second is."""

from typing import Any

import pytest
from starlette.testclient import TestClient

NAME = {"family": "Dupont", "given": ["Anne", "Marie"]}
PAIRS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"gender": "male"}, {"gender": "female"}),
    ({}, {"active": True, "birthDate": "1970"}),
    ({"active": True, "birthDate": "1970"}, {}),
    ({"name": [NAME]}, {"name": [{"family": "Durand", "given": ["Marie"]}]}),
    ({"name": [{"family": "A"}]}, {"name": [{"text": "B"}]}),
    ({"name": [{"family": "A"}, {"family": "B"}]}, {"name": [{"family": "B"}]}),
    ({"name": [{"family": "B"}]}, {"name": [{"family": "A"}, {"family": "B"}, {"family": "C"}]}),
    ({"name": [{"given": list("abcdef")}]}, {"name": [{"given": list("xbdyefz")}]}),
    ({"deceasedBoolean": True}, {"deceasedDateTime": "2020"}),
    ({"birthDate": "1970"}, {"birthDate": "1970", "_birthDate": {"extension": [
        {"url": "http://x.test/t", "valueString": "noon"}]}}),
    ({}, {"contact": [{"name": NAME, "telecom": [{"system": "phone", "value": "1"}]}]}),
    ({"contact": [{"name": NAME}]}, {"contact": [{"name": {"family": "X"}, "gender": "other"}]}),
    ({}, {"extension": [{"url": "http://x.test/a", "valueCode": "b"}]}),
    ({"extension": [{"url": "http://x.test/a", "valueCode": "b"}]},
     {"extension": [{"url": "http://x.test/a", "valueString": "c"}]}),
    ({}, {"text": {"status": "generated",
                   "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}}),
    ({"meta": {"tag": [{"code": "a"}]}}, {"meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient"]}}),
    ({"link": [{"other": {"reference": "#c"}, "type": "seealso"}],
      "contained": [{"resourceType": "Patient", "id": "c", "active": True}]},
     {"link": [{"other": {"reference": "#c"}, "type": "refer"}],
      "contained": [{"resourceType": "Patient", "id": "c", "active": False}]}),
]  # fmt: skip


def _stored(resource: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in resource.items() if name not in {"id", "meta"}}
    meta = {n: v for n, v in resource["meta"].items() if n not in {"versionId", "lastUpdated"}}
    return {**kept, "meta": meta}


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_diff__applied_to_the_first_gives_the_second(
    client: TestClient, before: dict[str, Any], after: dict[str, Any]
) -> None:
    for resource_id, content in (("a", before), ("b", after)):
        resource = {"resourceType": "Patient", "id": resource_id, **content}
        answer = client.put(f"/fhir/Patient/{resource_id}", json=resource)
        assert answer.status_code in {200, 201}, answer.text
    patch = client.get("/fhir/$diff", params={"from": "Patient/a", "to": "Patient/b"}).json()
    headers = {"Content-Type": "application/fhir+json"}
    patched = client.patch("/fhir/Patient/a", json=patch, headers=headers)
    assert patched.status_code == 200, (patch, patched.text)
    assert _stored(patched.json()) == _stored(client.get("/fhir/Patient/b").json())


def test_diff__of_versions(client: TestClient) -> None:
    for gender in ("male", "female", "other"):
        client.put("/fhir/Patient/a", json={"resourceType": "Patient", "id": "a", "gender": gender})

    def values(query: str) -> list[str]:
        found = client.get(f"/fhir/Patient/a/$diff{query}").json().get("parameter", [])
        return [operation["part"][2]["valueCode"] for operation in found]

    assert values("") == ["other"]
    assert values("?fromVersion=1&toVersion=2") == ["female"]
    assert values("?fromVersion=3&toVersion=3") == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Patient/none/$diff", 404),
        ("Patient/a/$diff?fromVersion=9", 404),
        ("Patient/a/$diff?version=1", 400),
        ("$diff?from=Patient/a", 400),
        ("$diff?from=Patient/a&to=http://else.test/Patient/a", 400),
        ("$diff?from=Patient/a&to=Organization/o", 400),
    ],
)
def test_diff__faults_are_the_clients(client: TestClient, path: str, status: int) -> None:
    client.put("/fhir/Patient/a", json={"resourceType": "Patient", "id": "a"})
    organization = {"resourceType": "Organization", "id": "o", "name": "x"}
    client.put("/fhir/Organization/o", json=organization)
    assert client.get(f"/fhir/{path}").status_code == status

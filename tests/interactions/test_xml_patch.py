"""XML Patch: RFC 5261 on the XML of a resource."""

import pytest
from starlette.testclient import TestClient

from tests.interactions.patches import XML_PATCH
from tests.interactions.test_create_update_delete import issue_id, patient


def test_xml_patch__makes_a_version(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a", name=[{"family": "A"}]))
    change = (
        '<diff xmlns:f="http://hl7.org/fhir">'
        '<replace sel="f:Patient/f:name[1]/f:family/@value">B</replace>'
        '<add sel="f:Patient/f:active" pos="after"><gender xmlns="http://hl7.org/fhir" value="male"/>'
        "</add></diff>"
    )
    response = client.patch("/fhir/Patient/a", content=change, headers=XML_PATCH)
    assert response.status_code == 200, response.text
    assert response.json()["name"] == [{"family": "B"}]
    assert response.json()["gender"] == "male"


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ("<diff/>", 400, "patch-no-list"),
        ("<!DOCTYPE diff><diff/>", 400, "xml-doctype"),
        ('<diff><remove sel="//f:name"/></diff>', 400, "patch-path-invalid"),
        ('<diff><remove sel="f:Patient/f:name[contains(.,1)]"/></diff>', 400, "patch-path-invalid"),
        ('<diff><remove sel="f:Patient/f:name"/></diff>', 422, "patch-path-none"),
        ('<diff><remove sel="f:Patient"/></diff>', 422, "patch-path-invalid"),
        ('<diff><remove sel="x:Patient"/></diff>', 400, "patch-path-invalid"),
        (
            '<diff><add sel="f:Patient" type="namespace::a b">x</add></diff>',
            400,
            "patch-path-invalid",
        ),
        ('<diff><add sel="f:Patient" type="@a b">x</add></diff>', 400, "patch-path-invalid"),
        ('<diff><add sel="f:Patient" pos="before"><x/></add></diff>', 422, "patch-path-invalid"),
        ('<diff><replace sel="f:Patient/f:active">x</replace></diff>', 400, "patch-part-missing"),
        (
            '<diff><add sel="f:Patient"><!-- c --></add><add sel="f:Patient/comment()">x</add></diff>',
            400,
            "patch-path-invalid",
        ),
        ('<diff><mend sel="f:Patient"/></diff>', 400, "patch-operation-unknown"),
    ],
)
def test_xml_patch__fault_is_named(
    client: TestClient, change: str, status: int, expected: str
) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = client.patch("/fhir/Patient/a", content=change, headers=XML_PATCH)
    assert (response.status_code, issue_id(response)) == (status, expected)

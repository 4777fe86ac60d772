"""XML in and out, over HTTP."""

from typing import Any

import pytest
from lxml import etree
from starlette.testclient import TestClient

from fhir_server.definitions import core_definitions
from fhir_server.model.xml_source import parse_xml

FHIR = 'xmlns="http://hl7.org/fhir"'
XML = {"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}


def read(response: Any) -> dict[str, Any]:
    return parse_xml(response.content, core_definitions().type_model)


def issue(response: Any) -> dict[str, Any]:
    outcome = read(response)
    assert outcome["resourceType"] == "OperationOutcome"
    found: dict[str, Any] = outcome["issue"][0]
    return found


def test_xml__request_and_answer(client: TestClient) -> None:
    source = f'<Patient {FHIR}><name><family value="Exemple"/></name></Patient>'
    response = client.post("/fhir/Patient", content=source, headers=XML)
    assert response.status_code == 201
    assert response.headers["content-type"].startswith("application/fhir+xml")
    made = read(response)
    assert made["name"] == [{"family": "Exemple"}]
    assert client.get(f"/fhir/Patient/{made['id']}").json() == made


def test_xml__numbers_keep_their_digits(client: TestClient) -> None:
    source = (
        f'<Observation {FHIR}><id value="n"/><status value="final"/><code><text value="x"/></code>'
        '<valueQuantity><value value="1.00"/></valueQuantity></Observation>'
    )
    assert client.put("/fhir/Observation/n", content=source, headers=XML).status_code == 201
    assert '"value":1.00' in client.get("/fhir/Observation/n").text
    assert '<value value="1.00"/>' in client.get("/fhir/Observation/n?_format=xml").text


@pytest.mark.parametrize(
    ("headers", "query", "kind"),
    [
        ({"Accept": "application/fhir+xml"}, "", "xml"),
        ({"Accept": "text/xml"}, "", "xml"),
        ({"Accept": "application/fhir+json;q=0.5, application/fhir+xml"}, "", "xml"),
        ({"Accept": "application/fhir+xml"}, "?_format=json", "json"),
        ({"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"}, "", "json"),
        ({}, "?_format=application/fhir+xml", "xml"),
        ({}, "?_format=text/xml", "xml"),
    ],
)
def test_format__is_negotiated(
    client: TestClient, headers: dict[str, str], query: str, kind: str
) -> None:
    response = client.get(f"/fhir/Patient{query}", headers=headers)
    assert response.status_code == 200
    assert f"fhir+{kind}" in response.headers["content-type"]


def test_format__pretty_xml_is_indented(client: TestClient) -> None:
    text = client.get("/fhir/Patient?_format=xml&_pretty=true").text
    assert '\n  <type value="searchset"/>' in text


def test_outcome__is_xml_with_lines(client: TestClient) -> None:
    source = f'<Patient {FHIR}>\n <gender value="male"/>\n <shoeSize value="42"/></Patient>'
    headers = {**XML, "Accept": "application/fhir+xml"}
    response = client.post("/fhir/Patient", content=source, headers=headers)
    assert response.status_code == 422
    found = issue(response)
    assert found["details"]["coding"][0]["code"] == "unknown-element"
    assert found["extension"][0]["valueInteger"] == 3


@pytest.mark.parametrize(
    ("source", "issue_id"),
    [
        (f"<!DOCTYPE Patient><Patient {FHIR}/>", "xml-doctype"),
        (
            f'<!DOCTYPE p [<!ENTITY x "y">]><Patient {FHIR}><id value="&x;"/></Patient>',
            "xml-doctype",
        ),
        (f"<Patient {FHIR}>", "xml-syntax"),
        ("<Patient/>", "xml-namespace"),
    ],
)
def test_source__that_is_no_fhir_xml_is_refused(
    client: TestClient, source: str, issue_id: str
) -> None:
    response = client.post("/fhir/Patient", content=source, headers=XML)
    assert response.status_code == 400
    assert issue(response)["details"]["coding"][0]["code"] == issue_id


def test_outcome__is_json_where_no_format_can_be_given(client: TestClient) -> None:
    response = client.get("/fhir/Patient", headers={"Accept": "application/pdf"})
    assert response.status_code == 406
    assert response.json()["resourceType"] == "OperationOutcome"


def test_transaction__in_xml(client: TestClient) -> None:
    source = f"""<Bundle {FHIR}><type value="transaction"/><entry>
      <fullUrl value="urn:uuid:1"/>
      <resource><Patient><active value="true"/></Patient></resource>
      <request><method value="POST"/><url value="Patient"/></request></entry></Bundle>"""
    response = client.post("/fhir", content=source, headers=XML)
    assert response.status_code == 200
    root = etree.fromstring(response.content)
    status = root.find("{*}entry/{*}response/{*}status")
    assert status is not None
    assert status.get("value") == "201 Created"


def test_validate__text_between_elements_does_not_hide_what_else_is_wrong(
    client: TestClient,
) -> None:
    source = f'<Patient {FHIR}>x\n<gender value="blue"/></Patient>'
    response = client.post("/fhir/$validate", content=source, headers=XML)
    assert response.status_code == 200
    found = [one["details"]["coding"][0]["code"] for one in read(response)["issue"]]
    assert found[:2] == ["xml-syntax", "binding-required"]
    assert client.post("/fhir/Patient", content=source, headers=XML).status_code == 400

from decimal import Decimal
from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.model.json_source import encode_json, parse_json
from fhir_server.model.xml_source import parse_xml
from fhir_server.model.xml_writer import write_xml
from tests.conformance import R4Example, needs_conformance_data, r4_examples

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def write(resource: dict[str, Any]) -> str:
    return write_xml(resource, core_definitions().type_model).decode()


def read(source: str) -> dict[str, Any]:
    return parse_xml(source.encode(), core_definitions().type_model)


def body(text: str) -> str:
    return text.partition("?>")[2]


def test_write_xml__elements_stand_in_the_order_of_their_type() -> None:
    text = write({"resourceType": "Patient", "gender": "male", "active": True, "id": "1"})
    assert body(text) == (
        '<Patient xmlns="http://hl7.org/fhir"><id value="1"/><active value="true"/>'
        '<gender value="male"/></Patient>'
    )


def test_write_xml__ids_and_urls_of_elements_are_attributes() -> None:
    text = write(
        {
            "resourceType": "Patient",
            "extension": [{"id": "e", "url": "u", "valueDecimal": Decimal("1.50")}],
            "_birthDate": {"id": "b", "extension": [{"url": "v", "valueCode": "unknown"}]},
        }
    )
    assert '<extension id="e" url="u"><valueDecimal value="1.50"/></extension>' in text
    assert '<birthDate id="b"><extension url="v"><valueCode value="unknown"/>' in text


def test_write_xml__an_element_may_be_named_resource_type() -> None:
    instance = {"resourceId": "1", "resourceType": "Patient", "name": "n"}
    scenario = {"resourceType": "ExampleScenario", "status": "draft", "instance": [instance]}
    assert read(write(scenario)) == scenario


@pytest.mark.parametrize("text", ["a\tb\nc\rd", "<&>\"'", " x ", "é 🦴", ""])
def test_write_xml__text_is_read_back(text: str) -> None:
    resource = {"resourceType": "Patient", "name": [{"text": text}]}
    assert read(write(resource)) == resource


def test_write_xml__what_xml_cannot_hold_is_replaced() -> None:
    found = read(write({"resourceType": "Patient", "name": [{"text": "a\x01b"}]}))
    assert found["name"] == [{"text": "a\ufffdb"}]


@pytest.mark.parametrize(
    "div",
    [
        f"<div {XHTML}><p class='a'>b<br></br><!-- c -->é</p></div>",
        f"<div {XHTML}><div><div/></div></div>",
        "<h:div xmlns:h='http://www.w3.org/1999/xhtml'><h:p>x</h:p></h:div>",
        f"<div {XHTML}><![CDATA[</div>]]></div>",
    ],
)
def test_write_xml__narrative_stays_as_it_is_written(div: str) -> None:
    resource = {"resourceType": "Patient", "text": {"status": "generated", "div": div}}
    assert read(write(resource)) == resource


@pytest.mark.parametrize(
    "div", ["<div>", "x", f"<div {XHTML}/></Patient><Patient>", "<!DOCTYPE div><div/>", "<div/>"]
)
def test_write_xml__narrative_cannot_break_the_document(div: str) -> None:
    source = write({"resourceType": "Patient", "text": {"status": "generated", "div": div}})
    assert set(read(source)) == {"resourceType", "text"}


@needs_conformance_data
@pytest.mark.parametrize("example", r4_examples(), ids=lambda example: example.file)
def test_write_xml__official_example_is_read_back_value_for_value(example: R4Example) -> None:
    resource = parse_json(example.json.encode())
    types = core_definitions().type_model
    for pretty in (False, True):
        again = parse_xml(write_xml(resource, types, pretty=pretty), types)
        assert encode_json(_sorted(again)) == encode_json(_sorted(resource))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(member) for name, member in sorted(value.items())}
    if isinstance(value, str):
        # XML 1.0 §2.11: within a narrative every line end becomes a line feed.
        return value.replace("\r\n", "\n") if value.startswith("<div") else value
    return [_sorted(member) for member in value] if isinstance(value, list) else value

"""Reading for validation: one pass tells the faults of the text and of what it says."""

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.model.json_source import JsonSyntaxError
from fhir_server.model.locations import fhir_path
from fhir_server.model.reading import Reading, read_leniently
from fhir_server.model.xml_source import XmlSyntaxError

FHIR = 'xmlns="http://hl7.org/fhir"'
TYPES = core_definitions().type_model


def _xml(text: str | bytes) -> Reading:
    return read_leniently(text.encode() if isinstance(text, str) else text, "xml", TYPES)


def _faults(reading: Reading) -> list[tuple[str, str, int | None]]:
    return [(fault.id, fault.expression, fault.line) for fault in reading.faults]


def test_read_leniently__bytes_that_are_no_utf_8_are_replaced() -> None:
    xml = _xml(
        f'<Patient {FHIR}>\n<name><family value="D\xe9"/></name></Patient>'.encode("latin-1")
    )
    assert _faults(xml) == [("source-encoding", "Patient", 2)]
    assert xml.value["name"] == [{"family": "D\ufffd"}]
    json = read_leniently(b'{"resourceType": "Patient",\n "id": "\xe9"}', "json", TYPES)
    assert _faults(json) == [("source-encoding", "Patient", 2)]
    assert json.value == {"resourceType": "Patient", "id": "\ufffd"}


def test_read_leniently__xml_with_an_encoding_of_its_own_has_no_fault() -> None:
    text = (
        f'<?xml version="1.0" encoding="ISO-8859-1"?><Patient {FHIR}><id value="\xe9"/></Patient>'
    )
    assert not _xml(text.encode("latin-1")).faults


def test_read_leniently__text_between_elements_is_named_where_it_stands() -> None:
    found = _xml(
        f"<Patient {FHIR}>\n<contact><name>x<family value='y'/></name></contact></Patient>"
    )
    assert _faults(found) == [("xml-syntax", "Patient.contact[0].name", 2)]


def test_read_leniently__elements_of_another_namespace_are_left_out() -> None:
    found = _xml(f"<Patient {FHIR}><x xmlns='urn:x'/><active value='true'/></Patient>")
    assert _faults(found) == [("xml-namespace", "Patient", 1)]
    assert found.value == {"resourceType": "Patient", "active": True}


def test_read_leniently__element_out_of_order_is_named_once() -> None:
    found = _xml(f"""<Observation {FHIR}><valueQuantity><code value="c"/><unit value="u"/></valueQuantity>
        <status value="final"/><code><text value="x"/></code></Observation>""")
    assert _faults(found) == [
        ("xml-order", "Observation.value.ofType(Quantity).unit", 1),
        ("xml-order", "Observation.status", 2),
    ]


def test_read_leniently__repeated_elements_stand_together() -> None:
    found = _xml(f"""<Patient {FHIR}><name><text value="a"/></name><gender value="male"/>
        <name><text value="b"/></name></Patient>""")
    assert _faults(found) == [("xml-order", "Patient.name[1]", 2)]


def test_read_leniently__key_that_stands_twice_is_named() -> None:
    found = read_leniently(
        b'{"resourceType": "Patient", "name": [{"text": "a", "text": "b"}]}', "json", TYPES
    )
    assert _faults(found) == [("json-duplicate-key", "Patient.name[0]", 1)]
    assert found.value["name"] == [{"text": "b"}]


def test_read_leniently__what_cannot_be_read_is_refused() -> None:
    with pytest.raises(XmlSyntaxError):
        _xml(f"<Patient {FHIR}>")
    with pytest.raises(JsonSyntaxError):
        read_leniently(b"{", "json", TYPES)


def test_fhir_path__stops_at_what_the_type_lacks() -> None:
    document = {
        "resourceType": "Patient",
        "name": [{"shoeSize": {"x": 1}}],
        "_birthDate": {"id": "b"},
    }
    assert fhir_path(("name", 0, "shoeSize", "x"), document, TYPES) == "Patient.name[0]"
    assert fhir_path(("_birthDate",), document, TYPES) == "Patient.birthDate"

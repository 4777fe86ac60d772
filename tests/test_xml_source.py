from decimal import Decimal
from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.model.xml_source import XmlDocument, XmlSyntaxError, parse_xml

FHIR = 'xmlns="http://hl7.org/fhir"'


def read(text: str) -> dict[str, Any]:
    return parse_xml(text.encode(), core_definitions().type_model)


def test_parse_xml__resource_becomes_the_json_shape() -> None:
    found = read(f"""<Observation {FHIR}><id value="1"/>
      <extension url="u"><valueDecimal value="1.50"/></extension>
      <status value="final"><extension url="x"><valueBoolean value="true"/></extension></status>
      <category><coding id="c"><code value="lab"/></coding></category>
      <valueQuantity><value value="2.00"/></valueQuantity></Observation>""")
    assert found == {
        "resourceType": "Observation",
        "id": "1",
        "extension": [{"url": "u", "valueDecimal": Decimal("1.50")}],
        "status": "final",
        "_status": {"extension": [{"url": "x", "valueBoolean": True}]},
        "category": [{"coding": [{"id": "c", "code": "lab"}]}],
        "valueQuantity": {"value": Decimal("2.00")},
    }
    assert str(found["valueQuantity"]["value"]) == "2.00"


def test_parse_xml__repeated_primitives_keep_their_place() -> None:
    found = read(f"""<Patient {FHIR}><name><given value="A"/><given id="x"/></name></Patient>""")
    assert found["name"] == [{"given": ["A", None], "_given": [None, {"id": "x"}]}]


def test_parse_xml__contained_resources_and_narrative() -> None:
    found = read(f"""<Patient {FHIR}><text><status value="generated"/>
      <div xmlns="http://www.w3.org/1999/xhtml"><p>a &amp; b</p></div></text>
      <contained><Organization><id value="o"/></Organization></contained></Patient>""")
    assert (
        found["text"]["div"] == '<div xmlns="http://www.w3.org/1999/xhtml"><p>a &amp; b</p></div>'
    )
    assert found["contained"] == [{"resourceType": "Organization", "id": "o"}]


def test_parse_xml__wrong_values_and_unknown_elements_are_kept() -> None:
    found = read(f"""<Patient {FHIR}><active value="maybe"/><shoeSize value="42"/></Patient>""")
    assert (found["active"], found["shoeSize"]) == ("maybe", "42")


@pytest.mark.parametrize(
    ("text", "issue_id"),
    [
        ("<Patient", "xml-syntax"),
        ("", "xml-syntax"),
        ("<Patient/>", "xml-namespace"),
        (f"<Nothing {FHIR}/>", "xml-not-a-resource"),
        (f"<!DOCTYPE Patient [<!ENTITY x 'y'>]><Patient {FHIR}/>", "xml-doctype"),
        (f"<!DOCTYPE Patient SYSTEM 'file:///etc/passwd'><Patient {FHIR}/>", "xml-doctype"),
        (f"<Patient {FHIR}>text</Patient>", "xml-syntax"),
        (f"<Patient {FHIR}>" + "<a>" * 5_000, "xml-syntax"),
    ],
)
def test_parse_xml__fault_is_named(text: str, issue_id: str) -> None:
    with pytest.raises(XmlSyntaxError) as caught:
        read(text)
    assert caught.value.issue_id == issue_id
    assert caught.value.line >= 1
    reason = caught.value.reason
    assert not isinstance(reason, str)
    assert reason.text("fr") != reason.text("en")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"<Patient {FHIR}>\n  <é/> <name xmlns=''/></Patient>", (2, 8)),
        (f"<Patient {FHIR}>\n <contained><x/></contained></Patient>", (2, 13)),
        ("\n  <!DOCTYPE x [<!ENTITY y 'z'>]><x/>", (2, 3)),
    ],
)
def test_parse_xml__fault_has_line_and_column(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(XmlSyntaxError) as caught:
        read(text)
    assert (caught.value.line, caught.value.column) == place


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_xml_document__lines_and_columns_are_known(encoding: str) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    text = f"""<?xml version="1.0" encoding="{declared}"?><Patient {FHIR}><id value="a"/>
<!-- é --><name><?pi x?>
  <text value="é"/><given value="x"/><given value="y"/></name></Patient>"""
    document = XmlDocument(text.encode(encoding), core_definitions().type_model)
    assert document.locate(("id",)) == (1, text.index("<id") + 1)
    assert document.locate(("name", 0)) == (2, 11)
    assert document.locate(("name", 0, "text")) == (3, 3)
    assert document.locate(("name", 0, "given", 1)) == (3, 38)
    assert document.locate(("name", 0, "period")) == (2, 11)


def test_xml_document__only_the_line_is_known_in_an_encoding_of_several_bytes() -> None:
    text = f"<?xml version='1.0' encoding='euc-jp'?><Patient {FHIR}>\n <id value='a'/></Patient>"
    document = XmlDocument(text.encode("euc-jp"), core_definitions().type_model)
    assert document.locate(("id",)) == (2, 1)


@pytest.mark.parametrize(
    "text",
    [
        f'<Patient {FHIR} id="1"/>',
        f'<Patient {FHIR} active="true"/>',
        f'<Patient {FHIR}><name family="A"/></Patient>',
        f'<Patient {FHIR}><name url="A"/></Patient>',
        f'<Patient {FHIR}><active value="true" url="A"/></Patient>',
        f'<Patient {FHIR}><extension url="http://example.org/x" value="A"/></Patient>',
        f'<Patient {FHIR}><name xml:id="A"><family value="A"/></name></Patient>',
    ],
)
def test_parse_xml__attributes_are_values_ids_and_urls_only(text: str) -> None:
    with pytest.raises(XmlSyntaxError) as raised:
        read(text)
    assert raised.value.issue_id == "xml-attribute"
    tolerant = XmlDocument(text.encode(), core_definitions().type_model, tolerant=True)
    assert [fault.issue_id for fault in tolerant.faults] == ["xml-attribute"]

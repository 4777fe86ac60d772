"""Narrative: `htmlChecks()`.

Source: FHIR R4 §2.4.0 https://hl7.org/fhir/R4/narrative.html#xhtml (txt-1, txt-2)
"""

from typing import Any

from lxml import etree

from fhir_server.fhirpath.functions.registry import on_collection
from fhir_server.fhirpath.values import Items, TypedValue
from fhir_server.model.xhtml import ELEMENTS, XHTML, is_allowed

_LINK = "https://hl7.org/fhir/R4/fhirpath.html#functions"
_XHTML = f"{{{XHTML}}}"
MAX_CHARACTERS = 5_000_000


def xhtml_fault(text: str) -> str | None:
    """What is wrong with a narrative, in a few words; None where nothing is."""
    if len(text) > MAX_CHARACTERS:
        return "too long"
    if "<!DOCTYPE" in text:
        return "a DOCTYPE"
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        return f"no well-formed XML: {fault}"
    if root.tag != _XHTML + "div":
        return "the outermost element is no div of XHTML"
    for element in root.iter():
        fault_here = _element_fault(element)
        if fault_here is not None:
            return fault_here
    return None if _has_content(root) else "no content"


def _element_fault(element: Any) -> str | None:
    if not isinstance(element.tag, str):
        return "an entity or processing instruction" if element.tag is not etree.Comment else None
    if not element.tag.startswith(_XHTML) or element.tag.removeprefix(_XHTML) not in ELEMENTS:
        return f"the element {element.tag.rpartition('}')[2]}"
    for name, value in element.attrib.items():
        if not is_allowed(element.tag.removeprefix(_XHTML), name):
            return f"the attribute {name.rpartition('}')[2]}"
        if name in {"href", "src"} and value.strip().lower().startswith(
            ("javascript:", "vbscript:")
        ):
            return f"a script in {name}"
    return None


def _has_content(root: Any) -> bool:
    return any(text.strip() for text in root.itertext()) or root.find(f".//{_XHTML}img") is not None


def _declare(name: str) -> None:
    @on_collection(name, _LINK, returns="Boolean")
    def check(items: Items) -> Items:
        """Whether every item is _XHTML as narratives may have it."""
        return [all(_is_narrative(item) for item in items)] if items else []


def _is_narrative(item: Any) -> bool:
    value = item.value if type(item) is TypedValue else item
    return type(value) is str and xhtml_fault(value) is None


_declare("htmlChecks")
_declare("htmlChecks1")
_declare("htmlChecks2")

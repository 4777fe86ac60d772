"""Narrative: `htmlChecks()`.

Source: FHIR R4 §2.4.0 https://hl7.org/fhir/R4/narrative.html#xhtml (txt-1, txt-2)
"""

from typing import Any

from lxml import etree

from fhir_server.fhirpath.functions.registry import on_collection
from fhir_server.fhirpath.values import Items, TypedValue

_LINK = "https://hl7.org/fhir/R4/fhirpath.html#functions"
XHTML = "{http://www.w3.org/1999/xhtml}"
MAX_CHARACTERS = 5_000_000

ELEMENTS = frozenset({
    "a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption",
    "cite", "code", "col", "colgroup", "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "i", "img", "kbd", "li", "map", "ol", "p", "pre", "q", "samp", "small", "span",
    "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul", "var",
})  # fmt: skip
"""Chapters 7 to 11 and 15 of HTML 4.0 without forms, frames, scripts and objects, without `ins` and `del`
(§9.4) and without what it deprecates.
"""

ATTRIBUTES = frozenset({
    "abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign", "cellpadding",
    "cellspacing", "cellvalign", "char", "charoff", "charset", "cite", "class", "color", "colspan",
    "compact", "coords", "dir", "face", "frame", "headers", "height", "href", "hreflang", "hspace",
    "id", "lang", "longdesc", "name", "nohref", "noshade", "nowrap", "rel", "rev", "rowspan",
    "rules", "scope", "shape", "size", "span", "src", "start", "style", "summary", "tabindex",
    "title", "type", "valign", "value", "vspace", "width",
    "{http://www.w3.org/XML/1998/namespace}id", "{http://www.w3.org/XML/1998/namespace}lang",
    "{http://www.w3.org/XML/1998/namespace}space",
})  # fmt: skip


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
    if root.tag != XHTML + "div":
        return "the outermost element is no div of XHTML"
    for element in root.iter():
        fault_here = _element_fault(element)
        if fault_here is not None:
            return fault_here
    return None if _has_content(root) else "no content"


def _element_fault(element: Any) -> str | None:
    if not isinstance(element.tag, str):
        return "an entity or processing instruction" if element.tag is not etree.Comment else None
    if not element.tag.startswith(XHTML) or element.tag.removeprefix(XHTML) not in ELEMENTS:
        return f"the element {element.tag.rpartition('}')[2]}"
    for name, value in element.attrib.items():
        if name not in ATTRIBUTES:
            return f"the attribute {name.rpartition('}')[2]}"
        if name in {"href", "src"} and value.strip().lower().startswith(
            ("javascript:", "vbscript:")
        ):
            return f"a script in {name}"
    return None


def _has_content(root: Any) -> bool:
    return any(text.strip() for text in root.itertext()) or root.find(f".//{XHTML}img") is not None


def _declare(name: str) -> None:
    @on_collection(name, _LINK, returns="Boolean")
    def check(items: Items) -> Items:
        """Whether every item is XHTML as narratives may have it."""
        return [all(_is_narrative(item) for item in items)] if items else []


def _is_narrative(item: Any) -> bool:
    value = item.value if type(item) is TypedValue else item
    return type(value) is str and xhtml_fault(value) is None


_declare("htmlChecks")
_declare("htmlChecks1")
_declare("htmlChecks2")

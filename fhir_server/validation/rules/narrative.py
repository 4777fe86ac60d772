"""Narrative: XHTML with the elements and attributes that FHIR allows, well formed, with something to see.

Source: FHIR R4 §2.4.0.2 (txt-1, txt-2), https://hl7.org/fhir/R4/narrative.html#xhtml
"""

import re
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from lxml import etree

from fhir_server.model.issues import Reason, because
from fhir_server.model.xhtml import (
    ELEMENTS,
    GENERAL_ATTRIBUTES,
    SPECIFIC_ATTRIBUTES,
    XHTML,
    is_allowed,
)
from fhir_server.model.xml_places import reason_of
from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.report import shown
from fhir_server.validation.rules.narrative_links import broken_links
from fhir_server.validation.scope import Scope

_NAMESPACE = f"{{{XHTML}}}"
_ACTIVE = re.compile(r"\s*(?:javascript|vbscript):", re.IGNORECASE)
_BLOCKS = frozenset({"blockquote", "div", "ol", "p", "table", "ul"})
"""Elements that no paragraph may hold: HTML 4.0 §9.3.1, to which the narrative is bound."""
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset({"lt", "gt", "amp", "quot", "apos"})
_TEXT = re.compile(r">\s*[^<\s&]")
_PARAGRAPHS_AND_BLOCKS = re.compile(r"<(/p|blockquote|div|ol|p(?!\s*/)|table|ul)[\s/>]")
_EMPTY_OR_ACTIVE_LINK = re.compile(
    r"""\s(?:href|src)\s*=\s*["']\s*(?:["']|javascript:|vbscript:)""", re.IGNORECASE
)
_SEPARATOR = " "
_NAMES = frozenset(
    [f"{XHTML}{_SEPARATOR}{name}" for name in ELEMENTS]
    + [name.removeprefix("{").replace("}", _SEPARATOR) for name in GENERAL_ATTRIBUTES]
    + list(SPECIFIC_ATTRIBUTES)
)
"""The names that a narrative may have, as expat gives them: those of elements stand behind their
namespace, those of attributes have none.
"""
_MISPLACED = {
    name: re.compile(
        rf"<(?!(?:{'|'.join(elements)})\s)[a-z0-9]+\s(?:[^<>]*?\s)?{name}\s*=", re.IGNORECASE
    )
    for name, elements in SPECIFIC_ATTRIBUTES.items()
}
"""Where tags are plain: an attribute on another element than those that may have it."""
_PLAIN_TAGS = 500
"""More may nest deeper than the parser of `faults` goes."""


def is_plain(div: str) -> bool:
    """Whether a narrative is of the plain kind that most are, and has no fault. A no tells nothing.

    With neither comments nor processing instructions, and a `>` for each `<`, what looks like a tag is one,
    and a few patterns see the rest. Cost: a third of that of `faults`.
    """
    count = div.count("<")
    if count > _PLAIN_TAGS or count != div.count(">") or "<!" in div or "<?" in div:
        return False
    if not div.startswith("<div") or div.count("xmlns") != 1 or _TEXT.search(div) is None:
        return False
    names = _names_of(div)
    if names is None or not _NAMES.issuperset(names):
        return False
    if any(_MISPLACED[name].search(div) for name in _MISPLACED.keys() & names.keys()):
        return False
    has_links = "href" in names or "src" in names
    if has_links and ("&#" in div or _EMPTY_OR_ACTIVE_LINK.search(div) is not None):
        return False
    return "<p" not in div or _keeps_blocks_apart(_PARAGRAPHS_AND_BLOCKS.findall(div))


def _names_of(div: str) -> dict[str, str] | None:
    """The names of elements and attributes; None where the text is not well formed."""
    names: dict[str, str] = {}
    first: dict[str, dict[str, str]] = {}
    parser = expat.ParserCreate(None, _SEPARATOR, names)
    # Names of elements are kept only where somebody listens, and what is built in listens fastest.
    parser.StartElementHandler = first.setdefault
    try:
        parser.Parse(div.encode(), True)  # noqa: FBT003 — the signature is Python's
    except (expat.ExpatError, ValueError):
        return None
    return names


def _keeps_blocks_apart(tags: list[str]) -> bool:
    is_open = False
    for tag in tags:
        if tag == "/p":
            is_open = False
        elif is_open and tag in _BLOCKS:
            return False
        elif tag == "p":
            is_open = True
    return True


def faults(div: str) -> Iterator[tuple[str, str | Reason]]:
    """The faults of a narrative, each with its issue id and what it is about."""
    unknown = [name for name in _ENTITY.findall(div) if name not in _XML_ENTITIES]
    if unknown:
        yield "narrative-entity", f"&{unknown[0]};"
        return
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(div.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        yield "narrative-syntax", reason_of(error)
        return
    if getattr(root.getroottree().docinfo, "doctype", ""):
        yield "narrative-syntax", because("because-doctype")
        return
    if root.tag != f"{_NAMESPACE}div":
        yield "narrative-no-div", str(root.tag)
        return
    yield from _faults_of(root)


def _faults_of(root: Any) -> Iterator[tuple[str, str | Reason]]:
    has_content = False
    for node in root.iter():
        if not isinstance(node.tag, str):
            if isinstance(node, etree._ProcessingInstruction):  # noqa: SLF001 — lxml has no public name for it
                yield "narrative-syntax", because("because-processing-instruction")
            continue
        name = node.tag.removeprefix(_NAMESPACE)
        if name not in ELEMENTS:
            yield "narrative-element", name.rpartition("}")[2]
        elif name in _BLOCKS and _is_in_paragraph(node):
            yield "narrative-paragraph", name
        for attribute, value in node.attrib.items():
            if not is_allowed(name, attribute):
                yield "narrative-attribute", f"{name}/@{attribute.rpartition('}')[2]}"
            elif attribute in {"href", "src"} and (_ACTIVE.match(value) or not value.strip()):
                yield "narrative-attribute", f"{name}/@{attribute} {shown(value, 20)}".rstrip()
        has_content = has_content or name == "img" or bool((node.text or "").strip())
        has_content = has_content or bool((node.tail or "").strip() and node is not root)
    if not has_content:
        yield "narrative-blank", "div"


def _is_in_paragraph(node: Any) -> bool:
    return any(ancestor.tag == f"{_NAMESPACE}p" for ancestor in node.iterancestors())


def compile_narrative() -> Check:
    """The fast check of `Narrative.div`."""

    def check(value: Any, scope: Scope, _place: Element) -> bool:
        return (
            type(value) is str
            and (is_plain(value) or next(faults(value), None) is None)
            and next(broken_links(value, scope), None) is None
        )

    return check


def explain_narrative(element: Element, item: Item, case: Inspection) -> None:
    """The detailed check."""
    if isinstance(item.value, str):
        for issue_id, part in faults(item.value):
            case.report.error(issue_id, "invalid", item.location, element.profile, part=part)
        for link in broken_links(item.value, case.scope):
            case.report.error(
                "narrative-link", "invalid", item.location, element.profile, link=shown(link)
            )

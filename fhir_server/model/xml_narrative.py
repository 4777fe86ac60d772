"""The source text of the narratives of an XML document: quotes, comments and empty tags as they were written.

A parser gives back the content of a `div` and not its text; FHIR keeps narrative as text in JSON.

Source: FHIR R4 §2.4.0 https://hl7.org/fhir/R4/narrative.html; XML 1.0 §2.11 (line ends), §3.1 (tags)
"""

import re
from typing import Any

from lxml import etree

XHTML_DIV = "{http://www.w3.org/1999/xhtml}div"

_MARKUP = re.compile(
    r"""<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"""
    r"""|<(?P<end>/?)(?P<name>[^\s<>/!?]+)(?:[^<>"'/]++|"[^"]*+"|'[^']*+'|/(?!>))*+(?P<empty>/?)>""",
    re.DOTALL,
)


def narratives(root: Any, source: bytes) -> dict[Any, str]:
    """The text of each narrative of a document, by its element.

    Shape: only those whose text, read alone, is the same as in the document; the others need to be
    written anew.
    """
    elements = [div for div in root.iter(XHTML_DIV) if not _is_inner(div)]
    try:
        texts = _outermost_divs(source.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError:
        return {}
    if len(texts) != len(elements):
        return {}
    pairs = zip(elements, texts, strict=True)
    return {element: text for element, text in pairs if _is_same(element, text)}


def _is_inner(div: Any) -> bool:
    parent = div.getparent()
    return parent is not None and str(parent.tag).startswith("{http://www.w3.org/1999/xhtml}")


def _outermost_divs(text: str) -> list[str]:
    found: list[str] = []
    depth = start = 0
    for markup in _MARKUP.finditer(text):
        if (markup["name"] or "").rpartition(":")[2] != "div":
            continue
        if depth == 0:
            start = markup.start()
        if not markup["empty"]:
            depth += -1 if markup["end"] else 1
        if depth == 0:
            found.append(text[start : markup.end()])
    return found


def _is_same(element: Any, text: str) -> bool:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        alone = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return False
    return _canonical(alone) == _canonical(element)


def _canonical(element: Any) -> bytes:
    canonical: bytes = etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, with_tail=False
    )
    return canonical

"""The XHTML that narratives may have: which elements, and which attributes on which of them.

HTML 4.0, chapters 7 to 11 and 15 with links and images, without `ins` and `del` (§9.4). The specification
leaves open what becomes of the attributes and elements that HTML 4.0 deprecates, and how strictly an
attribute is bound to its elements. There this follows HL7's validator 6.5.18: of what is deprecated `align`,
`width`, the border of images and cells that do not wrap stay; attributes of text and of tables may stand
anywhere.

Source: FHIR R4 §2.4.0.2 (txt-1), https://hl7.org/fhir/R4/narrative.html#xhtml, and
https://www.w3.org/TR/1998/REC-html40-19980424/index/attributes.html
"""

from collections.abc import Mapping

XHTML = "http://www.w3.org/1999/xhtml"
_XML = "{http://www.w3.org/XML/1998/namespace}"

ELEMENTS = frozenset({
    "a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption", "cite",
    "code", "col", "colgroup", "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "i", "img", "kbd", "li", "map", "ol", "p", "pre", "q", "samp", "small", "span", "strong", "sub",
    "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul", "var",
})  # fmt: skip

GENERAL_ATTRIBUTES = frozenset({
    "abbr", "accesskey", "align", "axis", "char", "charoff", "class", "colspan", "dir", "headers", "id",
    "idref", "lang", "rowspan", "scope", "span", "style", "tabindex", "title", "valign", "width",
    f"{_XML}lang", f"{_XML}space",
})  # fmt: skip
"""Those that may stand on every element; of another namespace than none behind that in braces."""

_IMAGES_AND_AREAS, _LINKS, _QUOTATIONS = ("area", "img"), ("a", "area"), ("blockquote", "q")
SPECIFIC_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "alt": _IMAGES_AND_AREAS, "border": ("img", "table"), "cellpadding": ("table",),
    "cellspacing": ("table",), "charset": ("a",), "cite": _QUOTATIONS, "coords": _LINKS,
    "frame": ("table",), "height": ("img",), "href": _LINKS, "hreflang": ("a",), "ismap": ("img",),
    "longdesc": ("img",), "name": ("a", "map"), "nohref": ("area",), "nowrap": ("td",), "rel": ("a",),
    "rev": ("a",), "rules": ("table",), "shape": _LINKS, "src": ("img",), "summary": ("table",),
    "type": ("a",), "usemap": ("img",),
}  # fmt: skip
"""Those that only some elements may have, with these."""


def is_allowed(element: str, attribute: str) -> bool:
    """Whether an element may have an attribute. Shape: names without a namespace, or behind it in braces."""
    return attribute in GENERAL_ATTRIBUTES or element in SPECIFIC_ATTRIBUTES.get(attribute, ())

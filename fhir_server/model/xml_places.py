"""Where the elements of an XML text stand, and what is wrong with a text that is none.

lxml knows the line of an element and not its column; expat, which knows both, is asked only once something
has to be explained.
"""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from lxml import etree

from fhir_server.model.issues import Reason, because

Place = tuple[int, int]


class XmlPlaces:
    """Line and column of the start tag of each element of a document, both from 1.

    Cost: one more reading of the text, when the first place is asked for.
    """

    def __init__(self, root: Any, source: bytes) -> None:
        self._root = root
        self._source = source
        self._found: dict[Any, Place] | None = None

    def of(self, element: Any) -> Place:
        """The place of an element; only its line where the text is in an encoding that expat cannot read."""
        if self._found is None:
            elements = list(self._root.iter(etree.Element))
            places = _start_tags(self._source)
            are_all = len(places) == len(elements)
            self._found = dict(zip(elements, places, strict=True)) if are_all else {}
        return self._found.get(element) or (int(element.sourceline or 1), 1)


def _start_tags(source: bytes) -> list[Place]:
    """The places of all start tags in their order, as far as the text can be read."""
    found: list[Place] = []
    # The mark of a byte order stands in no column, and yet expat counts that of UTF-16.
    mark = int(source.startswith((BOM_UTF16_BE, BOM_UTF16_LE)))
    parser = expat.ParserCreate()

    def start(_name: str, _attributes: object) -> None:
        line = parser.CurrentLineNumber
        found.append((line, parser.CurrentColumnNumber + 1 - (mark if line == 1 else 0)))

    parser.StartElementHandler = start
    try:
        parser.Parse(source.removeprefix(BOM_UTF8), True)  # noqa: FBT003 — the signature is Python's
    except (expat.ExpatError, ValueError, LookupError):
        return []
    return found


_ERRORS = etree.ErrorTypes
_REASONS: Mapping[int, str] = {
    _ERRORS.ERR_DOCUMENT_EMPTY: "because-xml-empty",
    _ERRORS.ERR_DOCUMENT_END: "because-xml-after-end",
    _ERRORS.ERR_TAG_NAME_MISMATCH: "because-xml-end-tag",
    _ERRORS.ERR_TAG_NOT_FINISHED: "because-xml-not-closed",
    _ERRORS.ERR_LTSLASH_REQUIRED: "because-xml-not-closed",
    _ERRORS.ERR_GT_REQUIRED: "because-xml-tag-end",
    _ERRORS.ERR_NAME_REQUIRED: "because-xml-name",
    _ERRORS.ERR_SPACE_REQUIRED: "because-xml-space",
    _ERRORS.ERR_ATTRIBUTE_REDEFINED: "because-xml-attribute-twice",
    _ERRORS.ERR_ATTRIBUTE_WITHOUT_VALUE: "because-xml-attribute-value",
    _ERRORS.ERR_EQUAL_REQUIRED: "because-xml-attribute-value",
    _ERRORS.ERR_ATTRIBUTE_NOT_STARTED: "because-xml-attribute-quotes",
    _ERRORS.ERR_ATTRIBUTE_NOT_FINISHED: "because-xml-attribute-quotes",
    _ERRORS.ERR_LT_IN_ATTRIBUTE: "because-xml-less-than",
    _ERRORS.ERR_UNDECLARED_ENTITY: "because-xml-entity",
    _ERRORS.WAR_UNDECLARED_ENTITY: "because-xml-entity",
    _ERRORS.ERR_ENTITYREF_SEMICOL_MISSING: "because-xml-ampersand",
    _ERRORS.ERR_INVALID_CHAR: "because-xml-character",
    _ERRORS.ERR_INVALID_CHARREF: "because-xml-character",
    _ERRORS.ERR_INVALID_ENCODING: "because-xml-encoding",
    _ERRORS.ERR_UNKNOWN_ENCODING: "because-xml-unknown-encoding",
    _ERRORS.ERR_UNSUPPORTED_ENCODING: "because-xml-unknown-encoding",
    _ERRORS.ERR_RESERVED_XML_NAME: "because-xml-declaration",
    _ERRORS.ERR_XMLDECL_NOT_FINISHED: "because-xml-declaration",
    _ERRORS.ERR_COMMENT_NOT_FINISHED: "because-xml-comment",
    _ERRORS.ERR_RESOURCE_LIMIT: "because-xml-limit",
    _ERRORS.NS_ERR_UNDEFINED_NAMESPACE: "because-xml-prefix",
}


def reason_of(fault: Exception) -> Reason:
    """Why a text is no XML, as lxml found it."""
    code = int(getattr(fault, "code", None) or 0)
    known = _REASONS.get(code)
    return because(known) if known is not None else because("because-xml-other", number=code)

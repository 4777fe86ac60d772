"""FHIR XML from the JSON-shaped dict every layer speaks, lossless: what `xml_source` reads back alike.

Elements stand in the order of their type, numbers keep their digits, a primitive carries its `id` and
extensions, narrative stays as it is written.

Source: FHIR R4 §2.6.2 XML representation https://hl7.org/fhir/R4/xml.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from lxml import etree

from fhir_server.model.json_source import encode_json

_XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'

# XML 1.0 has no way to write these, not even escaped (§2.2).
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile('[&<>"\t\n\r]')
# White space in an attribute is read back as spaces unless it is escaped (XML 1.0 §3.3.3).
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;",
            "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}  # fmt: skip


class _Element(Protocol):
    @property
    def json_names(self) -> Mapping[str, str]:
        """Each key it may have, with its type."""
        ...


class _Type(Protocol):
    @property
    def kind(self) -> str:
        """`resource`, `complex-type`, `primitive-type` or `backbone`."""
        ...

    @property
    def elements(self) -> Mapping[str, Any]:
        """Its `_Element`s by name, in the order of the definition."""
        ...


class WriterTypes(Protocol):
    """What the writer needs to know of the type model."""

    def type(self, name: str) -> Any:
        """The `_Type` of a name, or None."""
        ...


def write_xml(resource: Mapping[str, Any], types: WriterTypes, *, pretty: bool = False) -> bytes:
    """A resource as an XML document.

    Shape: UTF-8 with an XML declaration; with `pretty`, an indent of two spaces.
    Errors: none for a resource that passed validation; elements its type lacks stand last, as their JSON
    shape suggests.
    """
    writer = _Writer(types, pretty=pretty)
    writer.resource(resource, 0, ' xmlns="http://hl7.org/fhir"')
    return "".join([_HEAD, *writer.parts, "\n" if pretty else ""]).encode()


class _Writer:
    """Collects the text of one document in `parts`."""

    def __init__(self, types: WriterTypes, *, pretty: bool) -> None:
        self._types = types
        self._pretty = pretty
        self.parts: list[str] = []

    def resource(self, resource: Mapping[str, Any], depth: int, namespace: str = "") -> None:
        name = str(resource.get("resourceType", "Basic"))
        self._complex(name, resource, name, depth, namespace)

    def _complex(
        self, tag: str, node: Mapping[str, Any], type_name: str, depth: int, attributes: str = ""
    ) -> None:
        info: _Type | None = self._types.type(type_name)
        is_resource = info is not None and info.kind == "resource"
        names = {"resourceType"} if is_resource else _ATTRIBUTES.get(type_name, {"id"})
        for name in ("id", "url"):
            if name in names and isinstance(node.get(name), str):
                attributes += f' {name}="{_escaped(node[name])}"'
        members = [member for member in _members(node, info) if member[0] not in names]
        self._open(tag, attributes, depth, is_empty=not members)
        for name, kind in members:
            self._member(name, kind, node.get(name), node.get("_" + name), depth + 1)
        if members:
            self._close(tag, depth)

    def _member(self, name: str, kind: str, value: Any, beside: Any, depth: int) -> None:
        values = value if isinstance(value, list) else [value]
        siblings = beside if isinstance(beside, list) else [beside]
        for at in range(max(len(values), len(siblings))):
            one = values[at] if at < len(values) else None
            sibling = siblings[at] if at < len(siblings) else None
            if one is not None or sibling is not None or isinstance(value, list):
                self._value(name, kind, one, sibling, depth)

    def _value(self, name: str, kind: str, value: Any, sibling: Any, depth: int) -> None:
        if isinstance(value, dict):
            if self._is_resource(kind, value):
                self._open(name, "", depth, is_empty=False)
                self.resource(value, depth + 1)
                self._close(name, depth)
            else:
                self._complex(name, value, kind, depth)
        elif kind == "xhtml" and isinstance(value, str):
            self._indent(depth)
            self.parts.append(_narrative(value))
        else:
            attribute = "" if value is None else f' value="{_escaped(_text(value))}"'
            beside = sibling if isinstance(sibling, dict) else {}
            self._complex(name, beside, "Element", depth, attribute)

    def _is_resource(self, kind: str, value: Mapping[str, Any]) -> bool:
        # `ExampleScenario.instance` has an element of this very name: the type tells them apart.
        info = self._types.type(kind)
        known = info is not None and info.kind != "resource" and kind != "Element"
        return not known and isinstance(value.get("resourceType"), str)

    def _open(self, tag: str, attributes: str, depth: int, *, is_empty: bool) -> None:
        self._indent(depth)
        self.parts.append(f"<{tag}{attributes}/>" if is_empty else f"<{tag}{attributes}>")

    def _close(self, tag: str, depth: int) -> None:
        self._indent(depth)
        self.parts.append(f"</{tag}>")

    def _indent(self, depth: int) -> None:
        if self._pretty:
            self.parts.append("\n" + "  " * depth)


_ATTRIBUTES: Mapping[str, set[str]] = {"Extension": {"id", "url"}}
"""Elements written as attributes, beside the `id` of every element (§2.6.2)."""


def _members(node: Mapping[str, Any], info: _Type | None) -> Iterator[tuple[str, str]]:
    """The element names that a node has, with their types, in the order of the type."""
    keys = dict.fromkeys(key.removeprefix("_") for key in node)
    if info is not None:
        for element in info.elements.values():
            for name, kind in element.json_names.items():
                if name in keys:
                    del keys[name]
                    yield name, kind
    for name in keys:
        yield name, "Element"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return encode_json(value).decode()


def _escaped(text: str) -> str:
    if _FORBIDDEN.search(text):
        text = _FORBIDDEN.sub("\ufffd", text)
    return _SPECIAL.sub(lambda match: _ESCAPES[match[0]], text) if _SPECIAL.search(text) else text


def _narrative(div: str) -> str:
    """The XHTML as it stands; as plain text where it would break the document."""
    return div if _is_narrative(div) else f"<div {_XHTML}>{_escaped(div)}</div>"


def _is_narrative(div: str) -> bool:
    if div[:2] in {"<?", "<!"} or div[:1] != "<":
        return False
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tag: str = etree.fromstring(div.encode(), parser).tag
    except (etree.XMLSyntaxError, ValueError):
        return False
    return tag == "{http://www.w3.org/1999/xhtml}div"

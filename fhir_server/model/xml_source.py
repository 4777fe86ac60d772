"""FHIR XML as the JSON-shaped dict every layer speaks, lossless, with the place of each part.

Source: FHIR R4 §2.6.2 XML representation https://hl7.org/fhir/R4/xml.html, and its mapping to JSON,
§2.6.3 https://hl7.org/fhir/R4/json.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from lxml import etree

from fhir_server.model.issues import Reason, because
from fhir_server.model.json_source import MAX_DEPTH, Path, parse_decimal
from fhir_server.model.source_faults import SourceFault
from fhir_server.model.xml_narrative import XHTML_DIV, narratives
from fhir_server.model.xml_places import XmlPlaces, reason_of

FHIR_NAMESPACE = "{http://hl7.org/fhir}"
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_OF_RESOURCES: frozenset[str] = frozenset()
_OF_PRIMITIVES = frozenset({"id", "value"})
_OF_EXTENSIONS = frozenset({"id", "url"})
_OF_OTHERS = frozenset({"id"})
"""The attributes of each kind of element (§2.6.2); all else stands in elements."""


class Element(Protocol):
    """What the reader needs to know of an element."""

    @property
    def is_list(self) -> bool:
        """Whether JSON holds an array."""
        ...

    @property
    def json_names(self) -> Mapping[str, str]:
        """Each key it may have, with its type."""
        ...


class Types(Protocol):
    """What the reader needs to know of the type model."""

    def element(self, type_name: str, element: str) -> Any:
        """The `Element` of a type by its JSON key, or None."""
        ...

    def position(self, type_name: str, element: str) -> int | None:
        """Where an element stands in the order of its type."""
        ...

    def is_primitive(self, name: str) -> bool:
        """Whether a type is a FHIR primitive."""
        ...

    def is_resource(self, name: str) -> bool:
        """Whether a type is a resource type."""
        ...


class XmlSyntaxError(ValueError):
    """Source text that is no FHIR XML. `line` and `column` count from 1."""

    def __init__(
        self, reason: str | Reason, line: int, column: int, *, issue_id: str = "xml-syntax"
    ) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column
        self.issue_id = issue_id


class _FaultyError(Exception):
    """An element that is no FHIR XML."""

    def __init__(self, element: Any, reason: str | Reason, issue_id: str = "xml-syntax") -> None:
        super().__init__(issue_id)
        self.element = element
        self.reason = reason
        self.issue_id = issue_id


class XmlDocument:
    """A resource read from XML: its `value`, and the place of each part of it.

    Shape: as `parse_json` gives it. Text that a primitive type cannot hold stays text, and elements
    that the type does not have are kept, so that validation can name them.
    A `tolerant` document reads past what it can and notes it in `faults`, so that validation tells
    everything at once; there it also notes elements out of order (§2.6.2), which say nothing wrong.
    Errors: XmlSyntaxError for text that is no XML, a DOCTYPE, another namespace, or nesting deeper
    than MAX_DEPTH.
    """

    def __init__(self, source: bytes, types: Types, *, tolerant: bool = False) -> None:
        self._types = types
        self._is_tolerant = tolerant
        self._elements: dict[Path, Any] = {}
        self.faults: list[SourceFault] = []
        root, readable = self._root(source)
        self._places = XmlPlaces(root, readable)
        self._narratives = narratives(root, readable)
        try:
            self.value = self._resource(root, ())
        except _FaultyError as fault:
            place = self._places.of(fault.element)
            raise XmlSyntaxError(fault.reason, *place, issue_id=fault.issue_id) from None

    def locate(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column of the value at a path, or of the nearest part around it that exists."""
        steps = tuple(path)
        while steps and steps not in self._elements:
            steps = steps[:-1]
        return self._places.of(self._elements[steps])

    def _root(self, source: bytes) -> tuple[Any, bytes]:
        """The outermost element, and the text it was read from."""
        try:
            return parse_root(source), source
        except XmlSyntaxError:
            readable = source.decode("utf-8", "replace").encode()
            if not self._is_tolerant or readable == source:
                raise
        root = parse_root(readable)
        self.faults.append(SourceFault.of_encoding(source))
        return root, readable

    def _fault(self, fault: _FaultyError, path: Path) -> None:
        if not self._is_tolerant:
            raise fault
        place = self._places.of(fault.element)
        self.faults.append(SourceFault(fault.issue_id, fault.reason, *place, path))

    def _resource(self, element: Any, path: Path) -> dict[str, Any]:
        name = _local_name(element)
        if not self._types.is_resource(name):
            raise _FaultyError(element, because("because-name", name=name), "xml-not-a-resource")
        self._elements[path] = element
        return {"resourceType": name, **self._members(element, name, path, _OF_RESOURCES)}

    def _attributes(self, element: Any, path: Path, allowed: frozenset[str]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for name, value in element.attrib.items():
            if name in allowed:
                members[name] = value
            elif name != _SCHEMA_LOCATION:
                local = name.rpartition("}")[2]
                self._fault(_FaultyError(element, local, "xml-attribute"), path)
        return members

    def _members(
        self, element: Any, type_name: str, path: Path, attributes: frozenset[str]
    ) -> dict[str, Any]:
        if len(path) > MAX_DEPTH:
            raise _FaultyError(element, because("because-too-deep", max=MAX_DEPTH))
        if _has_text(element):
            self._fault(_FaultyError(element, because("because-xml-text")), path)
        members = self._attributes(element, path, attributes)
        groups: dict[str, list[Any]] = {}
        last = -1
        for child in element.iterchildren(tag=etree.Element):
            try:
                name = _local_name(child)
            except _FaultyError as fault:
                self._fault(fault, path)
                continue
            group = groups.setdefault(name, [])
            if self._is_tolerant:
                last = self._check_order(child, type_name, last, (*path, name), len(group))
            group.append(child)
        for name, children in groups.items():
            self._member(members, type_name, name, children, path)
        return members

    def _check_order(self, child: Any, type_name: str, last: int, path: Path, at: int) -> int:
        """Notes an element that stands behind one that its type names later; gives its position."""
        name = str(path[-1])
        position = self._types.position(type_name, name)
        if position is None:
            return last
        if position < last:
            place = (*path, at) if self._types.element(type_name, name).is_list else path
            self.faults.append(SourceFault("xml-order", name, *self._places.of(child), place))
        return position

    def _member(
        self, members: dict[str, Any], type_name: str, name: str, children: list[Any], path: Path
    ) -> None:
        info: Element | None = self._types.element(type_name, name)
        kind = (info.json_names.get(name) if info else None) or _guess(children[0])
        is_list = (info is not None and info.is_list) or len(children) > 1
        inner = (*path, name)
        self._elements[inner] = children[0]
        if kind == "xhtml" or not self._types.is_primitive(kind):
            values = [
                self._complex(child, kind, (*inner, at) if is_list else inner)
                for at, child in enumerate(children)
            ]
            members[name] = values if is_list else values[0]
            return
        pairs = [
            self._primitive(child, kind, (*path, "_" + name, *([at] if is_list else [])))
            for at, child in enumerate(children)
        ]
        for at, child in enumerate(children if is_list else ()):
            self._elements[*inner, at] = child
        _put_primitives(members, name, pairs, is_list=is_list)

    def _complex(self, element: Any, kind: str, path: Path) -> Any:
        self._elements[path] = element
        if kind == "xhtml":
            return self._narratives.get(element) or _xhtml(element)
        if kind in {"Resource", "DomainResource"}:
            inner = list(element.iterchildren(tag=etree.Element))
            if len(inner) != 1:
                raise _FaultyError(element, because("because-xml-one-resource"))
            if _has_text(element):
                self._fault(_FaultyError(element, because("because-xml-text")), path)
            return self._resource(inner[0], path)
        attributes = _OF_EXTENSIONS if kind == "Extension" else _OF_OTHERS
        return self._members(element, kind, path, attributes)

    def _primitive(self, element: Any, kind: str, path: Path) -> tuple[Any, dict[str, Any] | None]:
        beside = self._members(element, kind, path, _OF_PRIMITIVES)
        text = beside.pop("value", None)
        value = None if text is None else _PRIMITIVES.get(kind, _same)(text)
        return value, beside or None


def _put_primitives(
    members: dict[str, Any],
    name: str,
    pairs: list[tuple[Any, dict[str, Any] | None]],
    *,
    is_list: bool,
) -> None:
    values = [value for value, _ in pairs]
    siblings = [sibling for _, sibling in pairs]
    if any(value is not None for value in values):
        members[name] = values if is_list else values[0]
    if any(sibling is not None for sibling in siblings):
        members["_" + name] = siblings if is_list else siblings[0]


def parse_xml(source: bytes, types: Types) -> dict[str, Any]:
    """Read one resource from XML; see `XmlDocument`. Errors: XmlSyntaxError."""
    return XmlDocument(source, types).value


def parse_root(source: bytes, *, keep_comments: bool = False) -> Any:
    """The outermost element of an XML document. Errors: XmlSyntaxError, also for a DOCTYPE."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True,
        remove_comments=not keep_comments,
    )  # fmt: skip
    try:
        root = etree.fromstring(source, parser)
    except etree.XMLSyntaxError as fault:
        line, column = fault.position
        raise XmlSyntaxError(reason_of(fault), line or 1, column or 1) from None
    except ValueError as fault:
        raise XmlSyntaxError(reason_of(fault), 1, 1) from None
    if root.getroottree().docinfo.internalDTD is not None:
        before = source[: max(source.find(b"<!DOCTYPE"), 0)].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise XmlSyntaxError(because("because-doctype"), line, column, issue_id="xml-doctype")
    return root


def _local_name(element: Any) -> str:
    tag: str = element.tag
    if tag.startswith(FHIR_NAMESPACE):
        return tag.removeprefix(FHIR_NAMESPACE)
    if tag == XHTML_DIV:
        return "div"
    namespace = tag[1:].partition("}")[0] if tag.startswith("{") else ""
    name = tag.rpartition("}")[2]
    where = (
        because("because-namespace", name=name, namespace=namespace)
        if namespace
        else because("because-no-namespace", name=name)
    )
    raise _FaultyError(element, where, "xml-namespace")


def _has_text(element: Any) -> bool:
    texts = (element.text, *(child.tail for child in element))
    return any(text and not text.isspace() for text in texts)


def _guess(element: Any) -> str:
    """The type of an element its parent does not have: text where it has a value."""
    if element.tag == XHTML_DIV:
        return "xhtml"
    return "string" if element.get("value") is not None else "Element"


def _xhtml(element: Any) -> str:
    text: str = etree.tostring(element, encoding="unicode", with_tail=False)
    # The namespaces of the surrounding FHIR document come along with the fragment; they say nothing here.
    return re.sub(r"^(<[^>]*?) xmlns:xsi=\"[^\"]*\"", r"\1", text)


def _same(text: str) -> str:
    return text


def _boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,999})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,999})(?:\.[0-9]{1,999})?(?:[eE][+-]?[0-9]{1,9})?")


def _integer(text: str) -> Any:
    return int(text) if _INTEGER.fullmatch(text) else text


def _decimal(text: str) -> Any:
    if not _DECIMAL.fullmatch(text):
        return text
    try:
        return int(text) if _INTEGER.fullmatch(text) else parse_decimal(text)
    except ArithmeticError:
        return text


_PRIMITIVES: Mapping[str, Callable[[str], Any]] = {
    "boolean": _boolean,
    "integer": _integer,
    "positiveInt": _integer,
    "unsignedInt": _integer,
    "decimal": _decimal,
}

"""FHIR XML, read into the same plain dicts as JSON.

Shape: repeating elements become arrays, numbers `int` or `Decimal`, `id` and `extension` of a primitive its
`_name` sibling, XHTML its serialised text. What the type model does not know is kept as best it can be, so
that validation can name it.

Source: FHIR R4 §2.6.2 XML, https://hl7.org/fhir/R4/xml.html
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from fhir_server.definitions.types import TypeModel

FHIR_NAMESPACE = "http://hl7.org/fhir"
XHTML_NAMESPACE = "http://www.w3.org/1999/xhtml"
_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})


class XmlSyntaxError(ValueError):
    """Source text that is no FHIR XML. `line` and `column` count from 1."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column


def parse_xml(source: bytes, types: TypeModel) -> dict[str, Any]:
    """Read one resource. Errors: XmlSyntaxError, also for a DOCTYPE, which FHIR does not allow."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True,
        huge_tree=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(source, parser)
    except etree.XMLSyntaxError as error:
        raise XmlSyntaxError(
            error.msg or "no XML", int(error.lineno or 1), int(error.offset or 1)
        ) from None
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise XmlSyntaxError("a DOCTYPE is not allowed", 1, 1)
    name = etree.QName(root)
    if name.namespace != FHIR_NAMESPACE:
        raise XmlSyntaxError(f"{name.localname} is not in the FHIR namespace", 1, 1)
    return _resource(root, types)


def _resource(node: Any, types: TypeModel) -> dict[str, Any]:
    type_name = etree.QName(node).localname
    return {"resourceType": type_name, **_members(node, type_name, types)}


def _members(node: Any, type_name: str, types: TypeModel) -> dict[str, Any]:
    members: dict[str, Any] = {
        key: value for key, value in node.attrib.items() if key in {"id", "url"}
    }
    for child in node:
        name = etree.QName(child)
        key = name.localname
        if name.namespace == XHTML_NAMESPACE:
            members[key] = etree.tostring(child, encoding="unicode", with_tail=False)
            continue
        element = types.element(type_name, key)
        child_type = element.json_names.get(key, "") if element else ""
        value, sibling = _value(child, child_type, types)
        if element is not None and element.is_list:
            _append(members, key, value, sibling)
        elif key in members or f"_{key}" in members:
            _repeat(members, key, value)
        else:
            if value is not None:
                members[key] = value
            if sibling:
                members[f"_{key}"] = sibling
    return members


def _value(node: Any, type_name: str, types: TypeModel) -> tuple[Any, dict[str, Any] | None]:
    """The JSON value of an element, and the sibling of a primitive that has an id or extensions."""
    text = node.get("value")
    if type_name and not types.is_primitive(type_name):
        if types.is_resource(type_name):
            return (_resource(node[0], types) if len(node) else {}), None
        members = _members(node, type_name, types)
        return members if text is None else {**members, "value": text}, None
    if not type_name and text is None:
        return _members(node, type_name, types), None
    sibling = _members(node, "Element", types)
    return (None if text is None else _primitive(text, type_name)), sibling or None


def _primitive(text: str, type_name: str) -> Any:
    if type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    try:
        if type_name in _INTEGERS:
            return int(text)
        if type_name == "decimal":
            return Decimal(text)
    except (ValueError, InvalidOperation):
        return text
    return text


def _append(members: dict[str, Any], key: str, value: Any, sibling: dict[str, Any] | None) -> None:
    values = members.setdefault(key, [])
    if not isinstance(values, list):
        values = members[key] = [values]
    values.append(value)
    beside = f"_{key}"
    if sibling or beside in members:
        siblings = members.setdefault(beside, [])
        siblings.extend([None] * (len(values) - 1 - len(siblings)))
        siblings.append(sibling)


def _repeat(members: dict[str, Any], key: str, value: Any) -> None:
    """An element that may occur once occurs again: kept as an array, for validation to report."""
    present = members.get(key)
    members[key] = [*present, value] if isinstance(present, list) else [present, value]

"""XML Patch: `add`, `replace` and `remove` on the XML form of a resource.

Source: RFC 5261; FHIR R4 https://hl7.org/fhir/R4/http.html#patch
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from fhir_server.interactions.patching.bounds import check_length
from fhir_server.interactions.patching.xml_selectors import DEFAULT_PREFIX, xpath_of
from fhir_server.model.issues import Issue, Refused, refuse
from fhir_server.model.xml_source import XmlSyntaxError, parse_root

_USUAL = {"f": "http://hl7.org/fhir", "h": "http://www.w3.org/1999/xhtml"}
"""Prefixes that need no declaration: the FHIR specification's own."""
_NAMES = ("add", "replace", "remove")


@dataclass(frozen=True, slots=True)
class XmlPatch:
    """The operations of a patch document."""

    operations: Sequence[Any]


def parse_xml_patch(source: bytes) -> XmlPatch:
    """Read a patch document. Errors: Refused 400 for what is none."""
    try:
        root = parse_root(source, keep_comments=True)
    except XmlSyntaxError as fault:
        issue = Issue(fault.issue_id, "error", "structure", parameters={"reason": fault.reason})
        raise Refused(400, [issue.at(fault.line, fault.column)]) from None
    operations = list(root.iterchildren(tag=etree.Element))
    if not operations:
        raise refuse(400, "patch-no-list", "structure")
    check_length(operations)
    for number, operation in enumerate(operations, start=1):
        where = f"[{number}]"
        if etree.QName(operation).localname not in _NAMES:
            allowed = ", ".join(_NAMES)
            raise refuse(400, "patch-operation-unknown", "value", where, allowed=allowed)
        if not operation.get("sel"):
            raise refuse(400, "patch-part-missing", "required", where, part="sel")
    return XmlPatch(operations)


def apply_xml_patch(document: bytes, patch: XmlPatch) -> bytes:
    """The patched document.

    Errors: Refused 400 for a selector that is none, 422 where it does not lead to exactly one node.
    """
    root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
    for number, operation in enumerate(patch.operations, start=1):
        root = _Operation(operation, f"[{number}]", root).apply()
    text: bytes = etree.tostring(root, encoding="UTF-8")
    return text


class _Operation:
    """One operation on the document below `root`."""

    def __init__(self, element: Any, at: str, root: Any) -> None:
        self._element = element
        self._at = at
        self._root = root

    def apply(self) -> Any:
        """Carry it out; the root of the document, which may be another one."""
        node, attribute = self._find()
        name = etree.QName(self._element).localname
        if attribute is not None:
            self._attribute(node, attribute, name)
        elif name == "add" and not _takes_content(node, self._element.get("pos")):
            raise self.refusal("patch-path-invalid", 400)
        elif isinstance(node, str):
            _set_text(node, self._text() if name == "replace" else "", self)
        elif name == "add":
            self._add(node)
        elif name == "replace":
            return self._replace(node)
        else:
            self._remove(node)
        return self._root

    def _find(self) -> tuple[Any, str | None]:
        """The node, or the element and the name of its attribute."""
        spaces = {**_USUAL, **{k: v for k, v in self._element.nsmap.items() if k is not None}}
        if None in self._element.nsmap:
            spaces[DEFAULT_PREFIX] = self._element.nsmap[None]
        xpath = xpath_of(self._element.get("sel"), spaces)
        if xpath is None or "/namespace::" in xpath:
            raise self.refusal("patch-path-invalid", 400)
        try:
            found = self._root.getroottree().xpath(xpath, namespaces=spaces)
        except etree.XPathError:
            raise self.refusal("patch-path-invalid", 400) from None
        if not isinstance(found, list) or len(found) != 1:
            raise self.refusal("patch-path-several" if found else "patch-path-none")
        node = found[0]
        is_attribute = isinstance(node, str) and bool(getattr(node, "is_attribute", False))
        return (node.getparent(), node.attrname) if is_attribute else (node, None)

    def _attribute(self, owner: Any, attribute: str, name: str) -> None:
        if name == "add":
            raise self.refusal("patch-path-invalid", 400)
        if name == "replace":
            owner.set(attribute, self._text())
        else:
            del owner.attrib[attribute]

    def _add(self, node: Any) -> None:
        kind, position = self._element.get("type"), self._element.get("pos")
        if kind is not None and kind.startswith("namespace::"):
            self._declare(node, kind.removeprefix("namespace::"))
        elif kind is not None:
            self._add_attribute(node, kind)
        elif position in {"before", "after"}:
            if node is self._root:
                raise self.refusal("patch-path-invalid")
            self._insert(node.getparent(), node, after=position == "after")
        elif position == "prepend":
            first = next(iter(node), None)
            if first is None:
                self._append(node)
            else:
                self._insert(node, first, after=False)
        else:
            self._append(node)

    def _add_attribute(self, node: Any, kind: str) -> None:
        name = kind.removeprefix("@")
        if kind[:1] != "@" or not name.isidentifier():
            raise self.refusal("patch-path-invalid", 400)
        if node.get(name) is not None:
            raise self.refusal("patch-exists")
        node.set(name, self._text())

    def _declare(self, node: Any, prefix: str) -> None:
        spaces = {**node.nsmap, prefix: self._text()}
        try:
            declared = etree.Element(node.tag, dict(node.attrib), nsmap=spaces)
        except ValueError:
            raise self.refusal("patch-path-invalid", 400) from None
        declared.text, declared.tail = node.text, node.tail
        declared.extend(list(node))
        self._put_in_place(node, declared)

    def _append(self, node: Any) -> None:
        before, nodes = self._content()
        if len(node):
            node[-1].tail = (node[-1].tail or "") + before
        else:
            node.text = (node.text or "") + before
        node.extend(nodes)

    def _insert(self, parent: Any, beside: Any, *, after: bool) -> None:
        before, nodes = self._content()
        at = parent.index(beside) + (1 if after else 0)
        if after and nodes:
            nodes[-1].tail = (nodes[-1].tail or "") + (beside.tail or "")
            beside.tail = before
        elif after:
            beside.tail = before + (beside.tail or "")
        elif at:
            parent[at - 1].tail = (parent[at - 1].tail or "") + before
        else:
            parent.text = (parent.text or "") + before
        for offset, node in enumerate(nodes):
            parent.insert(at + offset, node)

    def _replace(self, node: Any) -> Any:
        _, nodes = self._content()
        if len(nodes) != 1 or isinstance(nodes[0].tag, str) != isinstance(node.tag, str):
            raise self.refusal("patch-part-missing", 400, part=etree.QName(self._element).localname)
        nodes[0].tail = node.tail
        self._put_in_place(node, nodes[0])
        return self._root

    def _remove(self, node: Any) -> None:
        if node is self._root:
            raise self.refusal("patch-path-invalid")
        parent, before = node.getparent(), node.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + (node.tail or "")
        else:
            parent.text = (parent.text or "") + (node.tail or "")
        parent.remove(node)

    def _put_in_place(self, node: Any, other: Any) -> None:
        parent = node.getparent()
        if parent is None:
            self._root = other
        else:
            parent.replace(node, other)

    def _content(self) -> tuple[str, list[Any]]:
        """The text before the first node, and the nodes, each with the text behind it."""
        return self._element.text or "", [copy.deepcopy(node) for node in self._element]

    def _text(self) -> str:
        return self._element.text or ""

    def refusal(self, issue_id: str, status: int = 422, **parameters: Any) -> Refused:
        """The refusal of this operation."""
        selector = str(self._element.get("sel"))[:200]
        return refuse(status, issue_id, "processing", self._at, path=selector, **parameters)


def _takes_content(node: Any, position: str | None) -> bool:
    """Whether something can be added here: inside an element, or beside any node but text."""
    return not isinstance(node, str) and (
        isinstance(node.tag, str) or position in {"before", "after"}
    )


def _set_text(node: Any, text: str, operation: _Operation) -> None:
    """Replace a text node, which lxml holds at the element before it."""
    owner = node.getparent()
    if owner is None:
        raise operation.refusal("patch-path-none")
    if getattr(node, "is_tail", False):
        owner.tail = text
    else:
        owner.text = text

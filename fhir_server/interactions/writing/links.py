"""Links of a resource to others: found by type, rewritten when identities become known.

Source: FHIR R4 transaction processing, https://hl7.org/fhir/R4/http.html#trules: the server replaces
links in elements of type Reference, uri, url, oid, uuid, and in `href` and `src` of the narrative.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from fhir_server.definitions import TypeModel

LINK_TYPES = frozenset({"uri", "url", "oid", "uuid", "canonical"})
_NARRATIVE_LINK = re.compile(r"""(?<=\s)(href|src)=(["'])(.*?)\2""")

Replace = Callable[[str], str | None]
"""Gives the new link for an old one, or None to keep it."""


def replace_links(resource: dict[str, Any], types: TypeModel, replace: Replace) -> dict[str, Any]:
    """A copy of the resource with its links replaced; parts without a change are shared, not copied."""
    changed = _replace_in_type(resource, str(resource.get("resourceType")), types, replace)
    return changed if isinstance(changed, dict) else resource


def _replace_in_type(node: Any, type_name: str, types: TypeModel, replace: Replace) -> Any:
    if isinstance(node, str):
        return _replace_in_text(node, type_name, replace)
    if not isinstance(node, dict):
        return node
    if type_name in {"Resource", "DomainResource"}:
        type_name = str(node.get("resourceType", type_name))
    changes: dict[str, Any] = {}
    for name, value in node.items():
        if type_name == "Reference" and name == "reference":
            new = replace(value) or value if isinstance(value, str) else value
        else:
            new = _replace_in_element(value, type_name, name, types, replace)
        if new is not value:
            changes[name] = new
    return {**node, **changes} if changes else node


def _replace_in_element(
    value: Any, type_name: str, name: str, types: TypeModel, replace: Replace
) -> Any:
    element_type = _element(types, type_name, name)
    if element_type is None:
        return value
    if isinstance(value, list):
        new = [_replace_in_type(member, element_type, types, replace) for member in value]
        return new if any(a is not b for a, b in zip(new, value, strict=True)) else value
    return _replace_in_type(value, element_type, types, replace)


@lru_cache(maxsize=16_384)
def _element(types: TypeModel, type_name: str, name: str) -> str | None:
    """The type of an element, by its JSON name; None for one that can hold no link."""
    found = types.element(type_name, name.removeprefix("_"))
    if found is None:
        return None
    if name.startswith("_"):
        return "Element"
    element_type = found.json_names.get(name, found.types[0])
    is_linkless = element_type[:1].islower() and element_type not in {*LINK_TYPES, "xhtml"}
    return None if is_linkless else element_type


def _replace_in_text(text: str, type_name: str, replace: Replace) -> str:
    if type_name in LINK_TYPES:
        return replace(text) or text
    if type_name == "xhtml":
        return _NARRATIVE_LINK.sub(lambda link: _narrative_link(link, replace), text)
    return text


def _narrative_link(link: re.Match[str], replace: Replace) -> str:
    name, quote, target = link.groups()
    return f"{name}={quote}{replace(target) or target}{quote}"


def references(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every `Reference.reference` below a node, with its FHIRPath."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "reference" and isinstance(value, str):
                yield f"{path}.reference", value
            elif isinstance(value, dict | list):
                yield from references(value, f"{path}.{name}")
    elif isinstance(node, list):
        for position, member in enumerate(node):
            yield from references(member, f"{path}[{position}]")


def reference_texts(node: Any) -> list[str]:
    """Every `Reference.reference` below a node, in no order. Cost: a fifth of `references`."""
    found: list[str] = []
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            for name, value in one.items():
                if isinstance(value, str):
                    if name == "reference":
                        found.append(value)
                elif isinstance(value, dict | list):
                    left.append(value)
        elif isinstance(one, list):
            left.extend(one)
    return found

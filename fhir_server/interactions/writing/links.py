"""Links of a resource to others: found by type in one walk, rewritten when identities become known.

Source: FHIR R4 transaction processing, https://hl7.org/fhir/R4/http.html#trules: the server replaces
links in elements of type Reference, uri, url, oid, uuid, and in `href` and `src` of the narrative.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from fhir_server.definitions import TypeModel

REFERENCE = "Reference.reference"
NARRATIVE = "xhtml"
_ADDRESSES = frozenset({"uri", "url", "oid", "uuid", "canonical"})
_WHOLE_LINKS = frozenset({REFERENCE, NARRATIVE})
_NARRATIVE_LINK = re.compile(r"""(?<=\s)(href|src)=(["'])(.*?)\2""")

Steps = tuple[str | int, ...]
"""Keys and positions from a resource to a value."""

Replace = Callable[[str], str | None]
"""Gives the new link for an old one, or None to keep it."""


class Link(msgspec.Struct, frozen=True, gc=False):
    """A text that may lead to another resource.

    Shape: `type` is REFERENCE, the type of an address, or NARRATIVE, whose text is the whole narrative.
    """

    steps: Steps
    text: str
    type: str

    def path(self, start: str) -> str:
        """Its FHIRPath, below that of the resource."""
        return start + "".join(
            f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps
        )


def find_links(
    resource: dict[str, Any], types: TypeModel, replace: Replace = lambda _: None
) -> list[Link]:
    """The references and narratives of a resource and of what it contains, and those of its addresses that
    are to be replaced: every code system is an address, and hardly any leads to another entry.

    Cost: 10 µs for a Condition.
    """
    found: list[Link] = []
    _Finder(types, replace, found).walk(resource, str(resource.get("resourceType")), ())
    return found


class _Finder(msgspec.Struct):
    """Walks a resource by the types of its elements."""

    types: TypeModel
    replace: Replace
    found: list[Link]

    def walk(self, node: dict[str, Any], type_name: str, steps: Steps) -> None:
        """Find the links of an object."""
        known = _linked_elements(self.types, type_name)
        for name, value in node.items():
            kind = known.get(name)
            if kind is None:
                continue
            if type(value) is str:
                self._text(value, kind, steps, name)
            elif type(value) is dict:
                self.walk(value, _type_of(value, kind), (*steps, name))
            elif type(value) is list:
                for position, member in enumerate(value):
                    if type(member) is dict:
                        self.walk(member, _type_of(member, kind), (*steps, name, position))
                    elif type(member) is str:
                        self._text(member, kind, steps, name, position)

    def _text(self, text: str, kind: str, steps: Steps, *place: str | int) -> None:
        if kind in _WHOLE_LINKS or (kind in _ADDRESSES and self.replace(text) is not None):
            self.found.append(Link((*steps, *place), text, kind))


def _type_of(node: dict[str, Any], declared: str) -> str:
    return str(node.get("resourceType", declared)) if declared == "Resource" else declared


@cache
def _linked_elements(types: TypeModel, type_name: str) -> dict[str, str]:
    """The elements of a type that are links or may hold some: by JSON key, what they are."""
    info = types.type(type_name)
    found: dict[str, str] = {}
    for name, element in info.by_json_name.items() if info else ():
        kind = element.json_names[name]
        is_primitive = kind[:1].islower() and kind != NARRATIVE
        if is_primitive:
            found[f"_{name}"] = "Element"
        if not is_primitive or kind in _ADDRESSES:
            found[name] = kind
    if type_name == "Reference":
        found["reference"] = REFERENCE
    return found


def rewrite_links(
    resource: dict[str, Any], links: Sequence[Link], replace: Replace
) -> tuple[dict[str, Any], Sequence[Link]]:
    """The resource and its links after replacement; parts without a change are shared, not copied."""
    after = [_rewritten(link, replace) for link in links]
    changed = [new for old, new in zip(links, after, strict=True) if new is not old]
    return (_with_texts(resource, changed), after) if changed else (resource, links)


def _rewritten(link: Link, replace: Replace) -> Link:
    if link.type == NARRATIVE:
        text = _NARRATIVE_LINK.sub(lambda found: _narrative_link(found, replace), link.text)
    else:
        text = replace(link.text) or link.text
    return link if text == link.text else Link(link.steps, text, link.type)


def _narrative_link(link: re.Match[str], replace: Replace) -> str:
    name, quote, target = link.groups()
    return f"{name}={quote}{replace(target) or target}{quote}"


def _with_texts(resource: dict[str, Any], links: Iterable[Link]) -> dict[str, Any]:
    root = dict(resource)
    copies: dict[Steps, Any] = {}
    for link in links:
        node: Any = root
        for length, step in enumerate(link.steps[:-1], 1):
            above = link.steps[:length]
            if above not in copies:
                copies[above] = node[step] = node[step].copy()
            node = copies[above]
        node[link.steps[-1]] = link.text
    return root

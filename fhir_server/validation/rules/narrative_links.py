"""Links and images within a narrative lead somewhere: to an id in the resource, or to an entry of the
Bundle.

Source: FHIR R4 §2.4.0.3, https://hl7.org/fhir/R4/narrative.html#id
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from fhir_server.validation.scope import Scope

_LINK = re.compile(r"""<(?:a\b[^>]*?\shref|img\b[^>]*?\ssrc)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_ANCHOR = re.compile(r"""\s(?:id|name)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_URN = ("urn:uuid:", "urn:oid:")


def broken_links(div: str, scope: Scope) -> Iterator[str]:
    """The links that lead nowhere, in order. Cost: the resource is searched for ids only where there are
    links within it.
    """
    anchors: set[str] | None = None
    for quoted, other in _LINK.findall(div):
        link = unescape(quoted or other)
        if link.startswith(_URN):
            if scope.bundle is not None and link not in scope.bundle.by_url:
                yield link
        elif link.startswith("#") and len(link) > 1:
            if anchors is None:
                anchors = set(_anchors(scope.root))
            if link[1:] not in anchors:
                yield link


def _anchors(resource: Any) -> Iterator[str]:
    """The ids in a resource: of its elements, of what it contains, and in its narratives."""
    waiting = [resource]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, dict):
            if isinstance(one.get("id"), str):
                yield one["id"]
            if isinstance(one.get("div"), str):
                yield from (unescape(a or b) for a, b in _ANCHOR.findall(one["div"]))
            waiting.extend(inner for inner in one.values() if isinstance(inner, (dict, list)))

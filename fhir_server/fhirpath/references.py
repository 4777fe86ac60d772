"""References: the type they point to by their text alone, and the resource behind them.

Source: FHIR R4 §2.3 References https://hl7.org/fhir/R4/references.html; §2.9.4 `resolve()`
"""

import re
from functools import lru_cache
from typing import Any

from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.type_space import resource_type
from fhir_server.fhirpath.values import Items, TypedValue

# [type]/[id] with an optional base before and an optional version behind, or a search [type]?…
_LITERAL = re.compile(
    r"(?:.*/)?([A-Z][A-Za-z]{2,63})/[A-Za-z0-9.\-]{1,64}(?:/_history/[A-Za-z0-9.\-]{1,64})?(?:#.*)?"
)
_SEARCH = re.compile(r"(?:.*/)?([A-Z][A-Za-z]{2,63})\?.*")


@lru_cache(maxsize=8192)
def type_of_reference(reference: str) -> str | None:
    """The resource type a literal reference names; None for fragments, `urn:` and the like."""
    match = _LITERAL.fullmatch(reference) or _SEARCH.fullmatch(reference)
    return match[1] if match else None


def reference_of(item: Any) -> tuple[str | None, str | None]:
    """Reference text and declared type of a Reference, canonical, uri or string."""
    value = item.value if type(item) is TypedValue else item
    if type(value) is str:
        return value, None
    if type(value) is not dict:
        return None, None
    text, declared = value.get("reference"), value.get("type")
    return text if type(text) is str else None, declared if type(declared) is str else None


def referenced_types(items: Items, scope: Scope) -> list[str]:
    """The types behind references; the target is read only where neither text nor `type` tells."""
    names: list[str] = []
    for item in items:
        text, declared = reference_of(item)
        name = type_of_reference(text) if text is not None else None
        if name is None and text is not None and text.startswith("#"):
            target = _contained(text, scope)
            name = target.type if target is not None else None
        if name is None and declared is not None:
            name = declared.rpartition("/")[2]
        if name is None and text is not None:
            target = resolve_text(text, scope)
            name = target.type if target is not None else None
        if name is not None:
            names.append(name)
    return names


def resolve_text(text: str, scope: Scope) -> TypedValue | None:
    """The resource behind a reference: contained here, else what the callback finds."""
    if text.startswith("#"):
        return _contained(text, scope)
    if scope.resolve is None:
        return None
    found = scope.resolve(text)
    return None if found is None else TypedValue(resource_type(found, "Resource"), found)


def _contained(text: str, scope: Scope) -> TypedValue | None:
    root = scope.root_resource or scope.resource
    if root is None or type(root.value) is not dict:
        return None
    if text == "#":
        return root
    contained = root.value.get("contained")
    for resource in contained if type(contained) is list else ():
        if type(resource) is dict and resource.get("id") == text[1:]:
            return TypedValue(resource_type(resource, "Resource"), resource)
    return None

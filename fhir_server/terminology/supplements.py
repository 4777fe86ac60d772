"""Supplements: CodeSystems that add names and properties to the concepts of another, and no concepts.

Source: FHIR R4 §4.8.9 https://hl7.org/fhir/R4/codesystem.html#supplements
"""

from collections.abc import Iterable, Mapping
from typing import Any

Resource = dict[str, Any]

_ADDED = ("designation", "property")


def canonical_of(resource: Resource) -> str:
    """The url of a resource, with its version where it has one."""
    version = resource.get("version")
    return f"{resource['url']}|{version}" if version else str(resource["url"])


def fitting(supplements: Iterable[Resource], version: str | None) -> list[Resource]:
    """Those that add to a version of a system: by name, or to whichever there is."""
    return [
        each
        for each in supplements
        if each.get("content") == "supplement"
        and str(each.get("supplements", "")).partition("|")[2] in {"", version}
    ]


def added_to_concepts(supplements: Iterable[Resource]) -> Mapping[str, Resource]:
    """The designations and properties that supplements add, by code. The display that a supplement gives
    is a name in the language of the supplement.
    """
    found: dict[str, Resource] = {}
    for supplement in supplements:
        language = supplement.get("language")
        waiting = list(supplement.get("concept", ()))
        while waiting:
            item = waiting.pop()
            waiting.extend(item.get("concept", ()))
            added = found.setdefault(str(item.get("code")), {name: [] for name in _ADDED})
            if isinstance(item.get("display"), str):
                named = {"language": language} if isinstance(language, str) else {}
                added["designation"].append({**named, "value": item["display"]})
            for name in _ADDED:
                added[name].extend(item.get(name, ()))
    return found


def with_additions(concept: Resource, added: Resource | None) -> Resource:
    """A concept with what is added to it; its own goes before."""
    if added is None:
        return concept
    merged = {
        name: [*concept.get(name, ()), *(e for e in added[name] if e not in concept.get(name, ()))]
        for name in _ADDED
    }
    return {**concept, **{name: entries for name, entries in merged.items() if entries}}

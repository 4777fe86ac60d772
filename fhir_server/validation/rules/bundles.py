"""Bundles as a whole: each fullUrl fits its resource, what a document or message refers to is in it, every
entry of a document is reached, search results are marked as what they are.

Source: FHIR R4 §2.36.4, https://hl7.org/fhir/R4/bundle.html, and §3.3 documents,
https://hl7.org/fhir/R4/documents.html#content
"""

import re
from collections.abc import Iterator
from typing import Any

from fhir_server.validation.inspection import Inspection
from fhir_server.validation.report import shown
from fhir_server.validation.scope import Scope

Resource = dict[str, Any]
Entry = tuple[int, dict[str, Any], Resource]
"""Its index, itself, its resource."""

_RESTFUL = re.compile(
    r"https?://.*/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]+)?"
)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_INCLUDED = re.compile(
    r".*\.resource\.(?:subject|encounter|author\[\d+\]|attester\[\d+\]\.party|custodian"
    r"|event\[\d+\]\.detail\[\d+\]|(?:section\[\d+\]\.)+(?:focus|(?:author|entry)\[\d+\]))"
)
"""Where a Composition refers to what its document includes, wherever else that is stored (§3.3.1)."""
_WITHOUT_IDENTITY = frozenset({"batch", "batch-response", "transaction", "transaction-response"})
"""Types of Bundles whose entries may lack a fullUrl (§2.36.4.1)."""
_OF_RESOURCES_WITH_IDENTITY = frozenset(
    {"collection", "document", "message", "searchset", "history"}
)
_FOLLOWED = {"document": "Composition", "message": "MessageHeader"}


def explain_bundle(bundle: Resource, location: str, case: Inspection) -> None:
    """The detailed check of a Bundle. Cost: linear in its size."""
    kind = bundle.get("type") if isinstance(bundle.get("type"), str) else None
    for index, entry, resource in _entries(bundle):
        _full_url(entry, resource, kind, f"{location}.entry[{index}]", case)
    entries = list(_entries(bundle)) if kind in {*_FOLLOWED, "searchset"} else []
    if kind in _FOLLOWED and entries and entries[0][2].get("resourceType") == _FOLLOWED[kind]:
        _explain_references(entries[0], location, case)
        if kind == "document":
            _explain_reach(entries, location, case)
    if kind == "searchset":
        _explain_search(bundle, entries, location, case)


def _entries(bundle: Resource) -> Iterator[Entry]:
    entries = bundle.get("entry")
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
            yield index, entry, entry["resource"]


def _full_url(entry: Resource, resource: Resource, kind: Any, at: str, case: Inspection) -> None:
    url = entry.get("fullUrl")
    if not isinstance(url, str):
        # An outcome is no resource with an identity, nor is what a transaction is to create.
        if kind not in _WITHOUT_IDENTITY and resource.get("resourceType") != "OperationOutcome":
            case.report.error("bundle-full-url-missing", "required", at)
        return
    if not _ABSOLUTE.match(url):
        case.report.error("bundle-full-url-relative", "invalid", at, full_url=shown(url))
        return
    match = _RESTFUL.fullmatch(url)
    # A resource about to be created has no id yet (§2.36.4).
    has_id = "id" in resource or kind in _OF_RESOURCES_WITH_IDENTITY
    if match is None or not has_id or match[1] not in case.knowledge.resource_types:
        return
    found = f"{resource.get('resourceType')}/{resource.get('id', '')}"
    if found != f"{match[1]}/{match[2]}":
        case.report.error(
            "bundle-full-url-mismatch", "invalid", at, full_url=shown(url), found=shown(found)
        )


def references_in(value: Any, location: str = "") -> Iterator[tuple[str, str]]:
    """Every literal reference below a value with its place, without those to contained resources."""
    waiting = [(value, location)]
    while waiting:
        one, place = waiting.pop()
        if isinstance(one, list):
            waiting.extend((inner, f"{place}[{index}]") for index, inner in enumerate(one))
        elif isinstance(one, dict):
            reference = one.get("reference")
            if isinstance(reference, str) and not reference.startswith("#"):
                yield reference, place
            waiting.extend(
                (inner, f"{place}.{key}")
                for key, inner in one.items()
                if isinstance(inner, (dict, list))
            )


def _scope_of(entry: Entry, case: Inspection) -> Scope:
    return case.scope.entry(entry[2], entry[1].get("fullUrl"))


def _explain_references(first: Entry, location: str, case: Inspection) -> None:
    """What the first resource of a document or message refers to must be in the Bundle, once."""
    scope, is_document = _scope_of(first, case), first[2].get("resourceType") == "Composition"
    for reference, place in references_in(first[2], f"{location}.entry[0].resource"):
        is_local = reference.startswith("urn:") or not _ABSOLUTE.match(reference)
        is_included = is_document and _INCLUDED.fullmatch(place) is not None
        if (is_local or is_included) and not scope.candidates(reference):
            case.report.error(
                "bundle-reference-missing", "invalid", place, reference=shown(reference)
            )


def _explain_reach(entries: list[Entry], location: str, case: Inspection) -> None:
    targets: dict[int, list[int]] = {}
    index_of = {id(resource): index for index, _, resource in entries}
    for entry in entries:
        scope = _scope_of(entry, case)
        found = (
            one for reference, _ in references_in(entry[2]) for one in scope.candidates(reference)
        )
        targets[entry[0]] = [index_of[id(one)] for one in found if id(one) in index_of]
    reached = _reach({entries[0][0]}, targets)
    sources: dict[int, list[int]] = {}
    for source, found_targets in targets.items():
        for target in found_targets:
            sources.setdefault(target, []).append(source)
    # Resources that refer to the document's content, such as Provenance, belong to it as well.
    backwards = _reach(set(reached), sources)
    for index, _, resource in entries:
        if index in reached:
            continue
        add = case.report.warning if index in backwards else case.report.error
        add("bundle-entry-unreached", "informational", f"{location}.entry[{index}]", None,
            type=resource.get("resourceType"))  # fmt: skip


def _reach(start: set[int], edges: dict[int, list[int]]) -> set[int]:
    reached, waiting = set(start), list(start)
    while waiting:
        for target in edges.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached


def _explain_search(
    bundle: Resource, entries: list[Entry], location: str, case: Inspection
) -> None:
    seen: set[Any] = set()
    for index, link in enumerate(bundle.get("link") or ()):
        relation = link.get("relation") if isinstance(link, dict) else None
        if relation in seen:
            case.report.error("bundle-link-twice", "invalid", f"{location}.link[{index}]",
                              relation=shown(relation))  # fmt: skip
        seen.add(relation)
    searched = _searched(bundle, case)
    for index, entry, resource in entries:
        search = entry.get("search")
        mode = search.get("mode") if isinstance(search, dict) else None
        is_outcome = resource.get("resourceType") == "OperationOutcome"
        at = f"{location}.entry[{index}].resource"
        if (mode == "outcome") is not is_outcome and mode is not None:
            case.report.error(
                "bundle-search-mode", "invalid", at, mode=mode, type=resource.get("resourceType")
            )
        elif mode == "match" and searched not in (None, resource.get("resourceType")):
            case.report.error("bundle-search-type", "invalid", at,
                              type=shown(resource.get("resourceType")), searched=searched)  # fmt: skip
        if not is_outcome and "id" not in resource:
            case.report.error("bundle-search-no-id", "invalid", at)


def _searched(bundle: Resource, case: Inspection) -> str | None:
    """The type that was searched for, by the self link; None where it names none.

    Source: https://hl7.org/fhir/R4/search.html (the self link says what was searched for).
    """
    links = (link for link in bundle.get("link") or () if isinstance(link, dict))
    url = next((link.get("url") for link in links if link.get("relation") == "self"), None)
    if not isinstance(url, str):
        return None
    kind = url.partition("?")[0].removesuffix("/_search").rpartition("/")[2]
    return kind if kind in case.knowledge.resource_types else None

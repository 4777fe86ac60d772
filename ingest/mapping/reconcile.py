"""The Bundle of a message against a store: found resources are merged and updated under `ifMatch`,
unchanged ones are left alone, the others written conditionally.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from fhir_server.model.issues import Issue, error
from ingest.mapping.assembly import Built, missing_elements
from ingest.mapping.bundle import WITHOUT_IDENTIFIER, conditional_entry, search_token
from ingest.mapping.matching import Found, find, identities
from ingest.mapping.merge import Resource, Said, merged, with_keys
from ingest.mapping.movements import is_added, moved, movement_of
from ingest.mapping.national_identity import (
    contradicts_ins,
    only_if_qualified,
    without_replaced_ins,
)
from ingest.mapping.patient_merge import absorbed, linked, replacement_entries, update_entry
from ingest.mapping.precedence import element_keys, message_keys
from ingest.mapping.result import Stored


@dataclass(slots=True)
class Reconciled:
    """What is to be written: entries of the transaction, and reasons to hold the message."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    held: list[Issue] = field(default_factory=list)


def reconcile(
    built: Sequence[Built], stored: Stored, cleared: frozenset[str], message_time: str
) -> Reconciled:
    """The transaction entries of a message, given what is stored.

    Cost: one search per resource type in the message, one more for tumours without a number.
    """
    found = find(built, stored)
    result = Reconciled(held=list(found.conflicts))
    references = {
        one.full_url: f"{one.plan.type}/{found.known[one.full_url]['id']}"
        for one in built
        if one.full_url in found.known
    }
    keys = message_keys(built, message_time)
    said: dict[str, Said] = {}
    for one in built:
        resource = _with_references(one.resource, references) if references else one.resource
        key = keys[one.full_url]
        said[one.full_url] = Said(
            resource, key, _cleared(one, cleared), element_keys(one, key, found)
        )
    for one in built:
        _reconcile_one(one, said, found, stored, result)
    return result


def _reconcile_one(
    one: Built, all_said: Mapping[str, Said], found: Found, stored: Stored, result: Reconciled
) -> None:
    known, said = found.known.get(one.full_url), all_said[one.full_url]
    retired = found.retired.get(one.full_url, [])
    if retired and known is not None:
        said = linked(said, retired)
        result.entries.extend(replacement_entries(retired, known, stored))
    if known is None:
        result.held.extend(one.missing)
        result.entries.append(_new_entry(one, said))
        return
    conflict = _conflict(one, said.resource, known)
    if conflict is not None:
        _hold(result, conflict)
        return
    if one.plan.identity == "content-of-document":
        return
    if one.plan.identity == "message":
        if not _same(known, _adopt(said.resource, known)):
            result.entries.append(conditional_entry(one, said.resource))
        return
    standing = absorbed(without_replaced_ins(one, known), retired)
    resource = only_if_qualified(merged(standing, _adopted(said, known)))
    if one.plan.type == "Encounter":
        resource = _by_movements(one, resource, all_said, found, stored)
    result.held.extend(missing_elements(one.plan, resource))
    if not _same(known, resource):
        result.entries.append(update_entry(resource, known, one.full_url))


OWNED = frozenset({"DiagnosticReport", "DocumentReference", "Observation", "Specimen"})
"""Types that stay with their patient: a number used again would put one patient's result into the record of
another. A stay may be given to another patient by its hospital."""


def _conflict(one: Built, told: Resource, known: Resource) -> Issue | None:
    """Why what a message tells may not enter the stored record."""
    if _is_of_another(told, known):
        return error("v2-subject-conflict", "conflict", one.plan.type, element=one.plan.type)
    if contradicts_ins(one, known):
        return error("v2-ins-changed", "conflict", "Patient.identifier", place="PID-3")
    return None


def _is_of_another(resource: Resource, known: Resource) -> bool:
    """Whether what is stored under the number is about another patient."""
    if resource["resourceType"] not in OWNED or "subject" not in known:
        return False
    told = resource.get("subject", {}).get("reference")
    return told is not None and told != known["subject"].get("reference")


def _hold(result: Reconciled, issue: Issue) -> None:
    if issue not in result.held:
        result.held.append(issue)


def _by_movements(
    one: Built, resource: Resource, said: Mapping[str, Said], found: Found, stored: Stored
) -> Resource:
    """A stay as its movements have it, where the message does more than add one.

    Cost: a search for the movements of the stay, if so.
    """
    movement = movement_of(one)
    if movement is None or movement is one:
        return resource
    known = found.known.get(movement.full_url)
    if known is None and is_added(one):
        return resource
    told = said[movement.full_url]
    now = with_keys(told) if known is None else merged(known, _adopted(told, known))
    query = {"part-of": f"Encounter/{resource['id']}"}
    others = [other for other in stored("Encounter", query) if other["id"] != now.get("id")]
    return moved(resource, [*others, now])


def _new_entry(one: Built, said: Said) -> dict[str, Any]:
    if one.plan.identity in WITHOUT_IDENTIFIER:
        return conditional_entry(one, said.resource)
    return absent_entry(one, with_keys(said))


def absent_entry(one: Built, resource: Resource) -> dict[str, Any]:
    """The entry that creates a resource which the store did not have when it was asked.

    Shape: a conditional PUT under `ifNoneMatch`, by everything that may find it: where another sender
    has stored it meanwhile, the transaction is refused (412) and the message mapped again.
    """
    tokens = ",".join(search_token(identity) for identity in identities(one))
    url = f"{one.plan.type}?identifier={quote(tokens, safe=':/|,')}"
    request = {"method": "PUT", "url": url, "ifNoneMatch": "*"}
    return {"fullUrl": one.full_url, "resource": resource, "request": request}


def _same(known: Mapping[str, Any], resource: Mapping[str, Any]) -> bool:
    return _content(known) == _content(resource)


def _content(resource: Mapping[str, Any]) -> dict[str, Any]:
    content = {name: value for name, value in resource.items() if name not in {"id", "meta"}}
    meta = resource.get("meta", {})
    content["meta"] = {
        name: value for name, value in meta.items() if name not in {"versionId", "lastUpdated"}
    }
    content["extension"] = sorted(content.get("extension", ()), key=lambda one: str(one["url"]))
    return content


def _cleared(one: Built, cleared: frozenset[str]) -> frozenset[str]:
    places = (name.partition(".") for name in cleared)
    return frozenset(element for label, _, element in places if label in one.labels)


def _adopted(said: Said, known: Resource) -> Said:
    return replace(said, resource=_adopt(said.resource, known))


def _adopt(value: Any, known: Any) -> Any:
    """Conditional references to what the stored reference already names, told by the same display."""
    if isinstance(value, dict):
        if "reference" in value and isinstance(known, dict):
            conditional = "?" in value["reference"] and "reference" in known
            same = conditional and value.get("display") == known.get("display")
            return known if same else value
        inner = known if isinstance(known, dict) else {}
        return {name: _adopt(part, inner.get(name)) for name, part in value.items()}
    if isinstance(value, list):
        others = known if isinstance(known, list) else []
        return [
            _adopt(part, others[i] if i < len(others) else None) for i, part in enumerate(value)
        ]
    return value


def _with_references(value: Any, references: Mapping[str, str]) -> Any:
    """The value with references by what they mean; parts without any are shared, not copied."""
    changed: Any = None
    for name, part in value.items() if type(value) is dict else enumerate(value):
        if type(part) is dict or type(part) is list:
            new = _with_references(part, references)
        elif name == "reference" and part in references:
            new = references[part]
        else:
            continue
        if new is not part:
            changed = value.copy() if changed is None else changed
            changed[name] = new
    return value if changed is None else changed

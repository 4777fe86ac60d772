"""The Bundle of a message against a store: found resources are merged and updated under `ifMatch`,
unchanged ones are left alone, the others written conditionally.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fhir_server.model.issues import Issue, error
from ingest.mapping.assembly import Built, Identity
from ingest.mapping.bundle import conditional_entry, message_resource_id, search_token
from ingest.mapping.centres import SID
from ingest.mapping.identifiers import V2_0203
from ingest.mapping.identities import INS_TYPES, laterality, topography, type_codes
from ingest.mapping.merge import Resource, Said, merged, with_keys
from ingest.mapping.result import Stored

REPORT_RANKS: Mapping[str, int] = {
    "registered": 0, "partial": 1, "preliminary": 1, "cancelled": 2, "final": 2,
    "amended": 3, "corrected": 3, "appended": 3, "entered-in-error": 4,
}  # fmt: skip
"""A lower status never overwrites a higher one, whatever its time (preliminary after final)."""

READING_RANKS: Mapping[str, int] = {"initial": 0, "expert": 1, "third": 2}
AT_ONCE = 200
"""Identifiers asked for in one search."""


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
    result = Reconciled()
    found = _find(built, stored, result.held)
    references = {
        one.full_url: f"{one.plan.type}/{found[one.full_url]['id']}"
        for one in built
        if one.full_url in found
    }
    keys = _keys(built, message_time)
    for one in built:
        resource = _with_references(one.resource, references)
        known = found.get(one.full_url)
        if known is None or one.plan.write == "update":
            result.held.extend(one.missing)
        said = Said(resource, keys[one.full_url], _cleared(one, cleared))
        result.entries.extend(_entries(one, said, known))
    return result


def _entries(one: Built, said: Said, known: Resource | None) -> Iterator[dict[str, Any]]:
    if one.plan.identity == "message":
        if known is None or not _same(known, _adopt(said.resource, known)):
            yield conditional_entry(one, said.resource)
        return
    if known is None:
        yield absent_entry(one, with_keys(said))
        return
    resource = merged(known, Said(_adopt(said.resource, known), said.key, said.cleared))
    if _same(known, resource):
        return
    version = known["meta"]["versionId"]
    yield {
        "fullUrl": one.full_url,
        "resource": resource,
        "request": {
            "method": "PUT",
            "url": f"{one.plan.type}/{known['id']}",
            "ifMatch": f'W/"{version}"',
        },
    }


def absent_entry(one: Built, resource: Resource) -> dict[str, Any]:
    """The entry that creates a resource which the store did not have when it was asked.

    Shape: a conditional PUT under `ifNoneMatch`, by everything that may find it: where another sender
    has stored it meanwhile, the transaction is refused (412) and the message mapped again.
    """
    tokens = ",".join(search_token(identity) for identity in _identities(one))
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
    prefix = f"{one.label}."
    return frozenset(name.removeprefix(prefix) for name in cleared if name.startswith(prefix))


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
    if isinstance(value, dict):
        return {
            name: references.get(part, part)
            if name == "reference" and isinstance(part, str)
            else _with_references(part, references)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_with_references(part, references) for part in value]
    return value


def _keys(built: Sequence[Built], message_time: str) -> dict[str, str]:
    """The key of each resource: of reports and what hangs on them by status and time of issue."""
    keys: dict[str, str] = {}
    for one in built:
        report = next((s.resource("report") for s in one.scopes if s.resource("report")), None)
        if one.plan.write == "create" and report is None:
            keys[one.full_url] = ""
        elif report is None:
            keys[one.full_url] = _utc(message_time)
        else:
            keys[one.full_url] = _report_key(report.resource, tumour=one.plan.type == "Condition")
    return keys


def _report_key(report: Mapping[str, Any], *, tumour: bool) -> str:
    rank = REPORT_RANKS.get(str(report.get("status")), 0)
    issued = _utc(str(report.get("issued", "")))
    if not tumour:
        return f"{rank}{issued}"
    url = "https://osteon.example/fhir/StructureDefinition/reading-role"
    roles = [e["valueCode"] for e in report.get("extension", ()) if e["url"] == url]
    return f"{READING_RANKS.get(roles[0] if roles else '', 0)}{rank}{issued}"


def _utc(moment: str) -> str:
    """A time as sortable text in UTC; a date alone sorts before the times of its day."""
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    if parsed.tzinfo is None:
        return parsed.strftime("%Y%m%d")
    return parsed.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def _find(built: Sequence[Built], stored: Stored, held: list[Issue]) -> dict[str, Resource]:
    """The stored resource of each built one, by its full URL."""
    found: dict[str, Resource] = {}
    by_type: dict[str, list[Built]] = {}
    for one in built:
        by_type.setdefault(one.plan.type, []).append(one)
    for resource_type, several in by_type.items():
        if resource_type == "Provenance":
            ids = ",".join(message_resource_id(one) for one in several)
            known = {r["id"]: r for r in stored(resource_type, {"_id": ids})}
            matches = {one.full_url: known.get(message_resource_id(one)) for one in several}
        else:
            candidates = _by_identifier(resource_type, several, stored)
            matches = {one.full_url: _match(one, candidates, held) for one in several}
        found.update({url: match for url, match in matches.items() if match is not None})
    for one in by_type.get("Condition", ()):
        if one.full_url not in found:
            same_site = _tumour_of_site(one, found, stored)
            if same_site is not None:
                found[one.full_url] = same_site
    return found


def _by_identifier(
    resource_type: str, several: Sequence[Built], stored: Stored
) -> dict[Identity, list[Resource]]:
    identities = list(dict.fromkeys(i for one in several for i in _identities(one)))
    found: dict[Identity, list[Resource]] = {}
    for start in range(0, len(identities), AT_ONCE):
        asked = identities[start : start + AT_ONCE]
        tokens = ",".join(search_token(identity) for identity in asked)
        count = str(2 * len(asked))
        for resource in stored(resource_type, {"identifier": tokens, "_count": count}):
            for identifier in resource.get("identifier", ()):
                identity = Identity(identifier.get("system", ""), identifier.get("value", ""))
                found.setdefault(identity, []).append(resource)
    return found


def _identities(one: Built) -> list[Identity]:
    """What may find the resource: its identity; for a patient the hospital numbers too."""
    if one.plan.type != "Patient":
        return [one.identity]
    kinds = {*INS_TYPES, (V2_0203, "PI")}
    further = [
        Identity(identifier["system"], identifier["value"])
        for identifier in one.resource.get("identifier", ())
        if identifier.get("system") and type_codes(identifier) & kinds
    ]
    return list(dict.fromkeys([one.identity, *further]))


def _match(
    one: Built, candidates: Mapping[Identity, list[Resource]], held: list[Issue]
) -> Resource | None:
    """The resource with the strongest identity. Two patients behind one message's numbers are a conflict."""
    matches: dict[str, Resource] = {}
    for identity in _identities(one):
        for resource in candidates.get(identity, ()):
            matches.setdefault(resource["id"], resource)
    if len(matches) > 1:
        held.append(
            error(
                "v2-identity-conflict",
                "conflict",
                one.plan.type,
                count=len(matches),
                element=one.plan.type,
            )
        )
    return next(iter(matches.values()), None)


def _tumour_of_site(one: Built, found: Mapping[str, Resource], stored: Stored) -> Resource | None:
    """The patient's tumour at the same site on a side that does not contradict.

    Shape: of a message that numbers the tumour, only one that has no number yet.
    """
    owner = next((s.resource("patient") for s in one.scopes), None)
    patient = found.get(owner.full_url) if owner else None
    if patient is None:
        return None
    site, side = topography(one.resource), laterality(one.resource)
    numbered = one.identity.system == f"{SID}/tumour"
    query = {"subject": f"Patient/{patient['id']}", "_count": "100"}
    for resource in stored("Condition", query):
        systems = {identifier.get("system") for identifier in resource.get("identifier", ())}
        other = laterality(resource)
        if numbered and f"{SID}/tumour" in systems:
            continue
        if site and topography(resource) == site and (not side or not other or side == other):
            return resource
    return None

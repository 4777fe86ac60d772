"""Identities: which resource each change is about, and what links between entries become.

Source: FHIR R4 §3.1.0.8–3.1.0.11, https://hl7.org/fhir/R4/http.html#ccreate; references in Bundles,
https://hl7.org/fhir/R4/bundle.html#references
"""

import re
from collections.abc import Iterator, Sequence

from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change, Criteria
from fhir_server.interactions.writing.check import check_id, check_preconditions
from fhir_server.interactions.writing.criteria import criteria_lock, only_match
from fhir_server.interactions.writing.links import REFERENCE, Replace, find_links, rewrite_links
from fhir_server.model.issues import Issue, Refused, error, refuse
from fhir_server.search.match import match_each
from fhir_server.search.run import match_resources
from fhir_server.store.keys import hash64
from fhir_server.store.resources import Connection, StoredResource, lock_criteria

_RESTFUL = re.compile(
    r"(?P<base>.*?/)?(?P<reference>[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(/_history/\S+)?"
)


_VERSION = "/_history/"


def lock_all_criteria(connection: Connection, changes: Sequence[Change]) -> None:
    """Hold the locks of all conditional changes, so that those about one resource are decided one by one.

    Two senders may know a patient by different numbers: beside its criteria, a change locks the
    identifiers of the resource it may create.
    """
    hashes: list[int] = []
    for change in changes:
        if change.criteria is not None:
            hashes.append(criteria_lock(change.criteria))
            hashes.extend(_identifier_locks(change))
    lock_criteria(connection, hashes)


def _identifier_locks(change: Change) -> Iterator[int]:
    identifiers = (change.resource or {}).get("identifier")
    for identifier in identifiers if isinstance(identifiers, list) else [identifiers]:
        if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
            system = identifier.get("system", "")
            yield hash64(f"{change.type}|{system}|{identifier['value']}")


def identify(connection: Connection, changes: Sequence[Change], delete_limit: int) -> None:
    """Give each change its id, by its criteria where it has some; a deletion up to `delete_limit`.

    Errors: Refused 412 where criteria match several resources, 400 where a body's id is another one.
    Cost: that of `match_each`.
    """
    conditional: list[tuple[Change, Criteria]] = []
    creates: dict[str, Change] = {}
    for change in changes:
        if change.criteria is None:
            if change.id is None:
                change.draw_id()
            continue
        if change.method == "DELETE":
            _identify_deletion(connection, change, change.criteria, delete_limit)
            continue
        if change.method == "POST":
            earlier = creates.setdefault(change.criteria.text, change)
            change.same_as = earlier if earlier is not change else None
        if change.same_as is None:
            conditional.append((change, change.criteria))
    matches = match_each(connection, [criteria.request for _, criteria in conditional])
    for (change, _), found in zip(conditional, matches, strict=True):
        _identify_by_match(change, found)
    for change in changes:
        if change.same_as is not None:
            change.id = change.same_as.id


def _identify_deletion(
    connection: Connection, change: Change, criteria: Criteria, limit: int
) -> None:
    matches = match_resources(connection, criteria.request, limit=limit + 1)
    if len(matches) > limit:
        raise refuse(412, "delete-too-many", "multiple-matches",
                     change.expression("request.url"), max=limit)  # fmt: skip
    if matches:
        change.id, change.also = matches[0].id, [match.id for match in matches[1:]]
        change.found_version = matches[0].version
    else:
        check_preconditions(change)


def _identify_by_match(change: Change, found: Sequence[StoredResource]) -> None:
    place = "request.ifNoneExist" if change.method == "POST" else "request.url"
    match = only_match(found, change.expression(place))
    if change.method == "POST":
        change.matched = match
        if match is None:
            change.draw_id()
        else:
            change.id = match.id
        return
    body_id = (change.resource or {}).get("id")
    if match is not None and isinstance(body_id, str) and body_id != match.id:
        raise refuse(400, "id-mismatch", "invalid", f"{change.expression()}.id", id=match.id)
    if match is not None:
        change.id, change.found_version = match.id, match.version
    elif change.method == "PUT":
        if isinstance(body_id, str):
            check_id(body_id, f"{change.expression()}.id")
            change.id = body_id
        else:
            change.draw_id()


def check_targets_differ(changes: Sequence[Change]) -> None:
    """No resource is written twice by one transaction.

    Errors: Refused 400 naming both entries. Source: https://hl7.org/fhir/R4/http.html#trules
    """
    seen: dict[str, Change] = {}
    for change in changes:
        if change.id is None or change.same_as is not None:
            continue
        earlier = seen.setdefault(change.reference, change)
        if earlier is change and change.criteria is not None and change.method != "DELETE":
            # Equal criteria mean one resource, also where none matches yet and each has an id of its own.
            earlier = seen.setdefault(change.criteria.text, change)
        if earlier is not change and (earlier.matched is None or change.matched is None):
            raise refuse(400, "transaction-duplicate-target", "duplicate", change.expression(),
                         other=earlier.at)  # fmt: skip


def resolve_links(server: FhirServer, changes: Sequence[Change]) -> None:
    """Replace, in every resource, the links to entries of the same Bundle.

    Errors: Refused 400, one issue for each `urn:` reference that no entry answers to; for two resources
    under one fullUrl, which would leave open what a link to it means.
    """
    targets = _targets(changes)
    dangling: list[Issue] = []
    for change in changes:
        if change.resource is None:
            continue
        target = _target_of(change, targets)
        links = find_links(change.resource, server.definitions.type_model, target)
        change.resource, change.links = rewrite_links(change.resource, links, target)
        if change.at:
            dangling.extend(_dangling(change))
    if dangling:
        raise Refused(400, dangling)


def _targets(changes: Sequence[Change]) -> dict[str, str]:
    """What each link to an entry becomes: by fullUrl, and by fullUrl with a version where the version that
    the entry has afterwards is known by now.

    Source: https://hl7.org/fhir/R4/bundle.html#references (references to versions; fullUrl is unique)
    """
    targets: dict[str, str] = {}
    for change in changes:
        if not change.full_url or change.id is None:
            continue
        if targets.setdefault(change.full_url, change.reference) != change.reference:
            raise refuse(400, "bundle-duplicate-full-url", "duplicate", f"{change.at}.fullUrl")
        version = 1 if change.has_new_id else change.matched.version if change.matched else None
        if version is not None:
            place = f"{change.full_url}{_VERSION}"
            targets.setdefault(place, f"{change.reference}{_VERSION}{version}")
    return targets


def _target_of(change: Change, targets: dict[str, str]) -> Replace:
    """What a link in the resource of a change becomes."""
    base = _base_of(change.full_url)

    def target(link: str) -> str | None:
        found = targets.get(link)
        if found is not None or (base is None and _VERSION not in link):
            return found
        # Whichever version it had where it comes from, there is one of it in the Bundle.
        named, version, _ = link.partition(_VERSION)
        found = targets.get(named + version)
        return targets.get(base + named + version) if found is None and base else found

    return target


def _base_of(full_url: str | None) -> str | None:
    match = _RESTFUL.fullmatch(full_url) if full_url else None
    return match["base"] if match else None


def _dangling(change: Change) -> list[Issue]:
    return [
        error("reference-unresolved", "not-found", link.path(change.expression()),
              reference=link.text[:100])
        for link in change.links
        if link.type == REFERENCE and _is_urn(link.text)
    ]  # fmt: skip


def _is_urn(link: str) -> bool:
    return link.startswith(("urn:uuid:", "urn:oid:"))

"""Which stored resource is meant by each one of a message: by its identifiers, never by a name alone.

A patient whose record was replaced (Patient.link, replaced-by) is the one that took its place: later
messages for a retired number go to the survivor.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fhir_server.model.issues import Issue, error
from ingest.mapping.assembly import Built
from ingest.mapping.binaries import id_of
from ingest.mapping.bundle import search_token
from ingest.mapping.centres import SID
from ingest.mapping.draft import Question
from ingest.mapping.identities import finds_patient, is_national, laterality, topography
from ingest.mapping.identity import Identity
from ingest.mapping.result import Resource, Stored

AT_ONCE = 200
"""Identifiers asked for in one search."""

BY_ID = frozenset({"Provenance", "Binary"})
"""Types without identifiers, whose resources the mapping names itself."""

Candidates = Mapping[Identity, Sequence[Resource]]


@dataclass(slots=True)
class Found:
    """Shape: `known` the stored resource of each built one by its full URL; `retired` the stored records
    that a merge replaces, by the full URL of the survivor.
    """

    known: dict[str, Resource] = field(default_factory=dict)
    retired: dict[str, list[Resource]] = field(default_factory=dict)
    conflicts: list[Issue] = field(default_factory=list)


def questions_about(built: Sequence[Built]) -> list[Question]:
    """What `find` is sure to ask."""
    questions: list[Question] = []
    for resource_type, several in _by_type(built).items():
        if resource_type in BY_ID:
            questions.append(_about_ids(resource_type, several))
        else:
            questions += _about_identifiers(resource_type, several)
    return questions


def find(built: Sequence[Built], stored: Stored) -> Found:
    """Ask the store. Cost: one search per resource type, one more for tumours without a number."""
    found = Found()
    by_type = _by_type(built)
    for resource_type, several in by_type.items():
        if resource_type in BY_ID:
            _find_by_id(several, stored, found)
        else:
            candidates = _by_identifier(resource_type, several, stored)
            for one in several:
                _match(one, candidates, found)
    for one in by_type.get("Condition", ()):
        if one.full_url not in found.known and one.plan.identity == "tumour":
            same_site = _tumour_of_site(one, found.known, stored)
            if same_site is not None:
                found.known[one.full_url] = same_site
    return found


def _by_type(built: Sequence[Built]) -> dict[str, list[Built]]:
    by_type: dict[str, list[Built]] = {}
    for one in built:
        by_type.setdefault(one.plan.type, []).append(one)
    return by_type


def _about_ids(resource_type: str, several: Sequence[Built]) -> Question:
    ids = ",".join(id_of(one.identity) for one in several)
    # Of a document it is enough to know that it is there: its id is made of its content.
    less = (("_elements", "id"),) if resource_type == "Binary" else ()
    return resource_type, (("_id", ids), *less)


def _about_identifiers(resource_type: str, several: Sequence[Built]) -> Iterator[Question]:
    asked = list(dict.fromkeys(i for one in several for i in identities(one)))
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        tokens = ",".join(search_token(identity) for identity in some)
        yield resource_type, (("identifier", tokens), ("_count", str(2 * len(some))))


def _find_by_id(several: Sequence[Built], stored: Stored, found: Found) -> None:
    resource_type, parameters = _about_ids(several[0].plan.type, several)
    known = {r["id"]: r for r in stored(resource_type, dict(parameters))}
    for one in several:
        if id_of(one.identity) in known:
            found.known[one.full_url] = known[id_of(one.identity)]


def _by_identifier(
    resource_type: str, several: Sequence[Built], stored: Stored
) -> dict[Identity, list[Resource]]:
    matches: dict[str, Resource] = {}
    for _, parameters in _about_identifiers(resource_type, several):
        for resource in stored(resource_type, dict(parameters)):
            matches[resource["id"]] = resource
    found: dict[Identity, list[Resource]] = {}
    for resource in matches.values():
        meant = _survivor(resource, stored) if resource_type == "Patient" else resource
        for identifier in resource.get("identifier", ()):
            identity = Identity(identifier.get("system", ""), identifier.get("value", ""))
            found.setdefault(identity, []).append(meant)
    return found


def _survivor(patient: Resource, stored: Stored) -> Resource:
    """The record that took a patient's place, at last; a ring of links ends before it comes round.

    Cost: a search for each merge that followed upon the other.
    """
    seen = {patient["id"]}
    while (successor := _replaced_by(patient)) and successor not in seen:
        others = stored("Patient", {"_id": successor})
        if not others:
            break
        seen.add(successor)
        patient = others[0]
    return patient


def _replaced_by(patient: Resource) -> str:
    """The id of the record that took a patient's place; empty where none did."""
    links = (one for one in patient.get("link", ()) if one.get("type") == "replaced-by")
    reference = next((str(one["other"].get("reference", "")) for one in links), "")
    return reference.rpartition("/")[2]


def identities(one: Built) -> Sequence[Identity]:
    """What may find the resource: its identity; for a patient the hospital numbers and the national pseudonym
    too, retired ones last.
    """
    if not one.numbers:
        one.numbers = _numbers(one) if one.plan.type == "Patient" else (one.identity,)
    return one.numbers


def _numbers(one: Built) -> Sequence[Identity]:
    further = sorted(
        filter(finds_patient, one.resource.get("identifier", ())),
        key=lambda identifier: (identifier.get("use") == "old", is_national(identifier)),
    )
    numbers = (Identity(one["system"], one["value"]) for one in further)
    return tuple(dict.fromkeys([one.identity, *numbers]))


def _match(one: Built, candidates: Candidates, found: Found) -> None:
    """The resource with the strongest identity. Two patients behind one message's numbers are a conflict,
    unless the message says that the number of the other is retired.
    """
    retired = {
        Identity(identifier.get("system", ""), identifier.get("value", ""))
        for identifier in one.resource.get("identifier", ())
        if one.plan.write == "merge" and identifier.get("use") == "old"
    }
    current: dict[str, Resource] = {}
    replaced: dict[str, Resource] = {}
    for identity in identities(one):
        for resource in candidates.get(identity, ()):
            (replaced if identity in retired else current).setdefault(resource["id"], resource)
    if len(current) > 1:
        found.conflicts.append(
            error(
                "v2-identity-conflict",
                "conflict",
                one.plan.type,
                count=len(current),
                element=one.plan.type,
            )
        )
    survivor = next(iter((current or replaced).values()), None)
    if survivor is None:
        return
    found.known[one.full_url] = survivor
    others = [resource for key, resource in replaced.items() if key != survivor["id"]]
    if others:
        found.retired[one.full_url] = others


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

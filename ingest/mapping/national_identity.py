"""The national identity (INS) in a stored record: on qualified identities only, and one at a time.

Source: RNIV (an INS is used with a qualified identity); FR Core `fr-core-patient-ins` (one of each kind).
"""

from collections.abc import Mapping
from typing import Any

from ingest.hl7v2 import NULL
from ingest.mapping.assembly import Built
from ingest.mapping.authorities import INS_NAMES, INS_OIDS
from ingest.mapping.identity_status import IDENTITY_STATUS
from ingest.mapping.merge import Resource

_SYSTEMS_IN_USE = frozenset(f"urn:oid:{oid}" for oid, kind in INS_OIDS.items() if kind != "INS-C")


def is_ins(identifier: Mapping[str, Any]) -> bool:
    """Whether an identifier is a national identity, or called one, other than the old INS-C."""
    named = identifier.get("type", {}).get("text") in INS_NAMES
    return named or identifier.get("system") in _SYSTEMS_IN_USE


def only_if_qualified(resource: Resource) -> Resource:
    """A record without its INS, where messages say last that the identity is not qualified."""
    tags = resource.get("meta", {}).get("tag", ())
    statuses = {one.get("code") for one in tags if one.get("system") == IDENTITY_STATUS}
    if not statuses or "QUAL" in statuses:
        return resource
    kept = [one for one in resource.get("identifier", ()) if not is_ins(one)]
    return {**resource, "identifier": kept}


def contradicts_ins(one: Built, known: Resource) -> bool:
    """Whether a message has another INS than the record, unless it is a merge that retires that one."""
    return not _retired_numbers(one).issuperset(_replaced_ins(one, known))


def without_replaced_ins(one: Built, known: Resource) -> Resource:
    """A record without the INS that another one of the message takes the place of."""
    replaced = _replaced_ins(one, known)
    if not replaced:
        return known
    kept = [i for i in known["identifier"] if not (is_ins(i) and i.get("value") in replaced)]
    return {**known, "identifier": kept}


def _replaced_ins(one: Built, known: Resource) -> set[str]:
    told: dict[str | None, set[str]] = {}
    for identifier in filter(is_ins, one.resource.get("identifier", ())):
        told.setdefault(identifier.get("system"), set()).add(identifier["value"])
    return {
        i["value"]
        for i in known.get("identifier", ())
        if is_ins(i) and "value" in i and i["value"] not in told.get(i.get("system"), {i["value"]})
    }


def _retired_numbers(one: Built) -> set[str]:
    """The numbers that a merge retires (MRG-1)."""
    segment = one.scopes[0].visible().get("MRG") if one.plan.write == "merge" else None
    repetitions = segment.field(1) if segment is not None else ()
    numbers = (repetition.component(1) for repetition in repetitions)
    return {number for number in numbers if number and number != NULL}

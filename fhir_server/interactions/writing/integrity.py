"""Referential integrity: what is referred to exists, and what others refer to is not deleted.

Checked once all of a transaction is written, so that resources may refer to each other and go together. A
writer holds the rows it refers to and a deletion holds its own: of the two that meet, the later one sees
what the earlier one did.

Source: FHIR R4 https://hl7.org/fhir/R4/http.html#delete (409), https://hl7.org/fhir/R4/references.html
"""

from collections.abc import Sequence

from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.links import REFERENCE, find_links
from fhir_server.model.issues import Issue, Refused, error
from fhir_server.model.references import parse_reference
from fhir_server.store.integrity import hold_existing, referring_resources
from fhir_server.store.keys import resource_key
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import Connection

MAX_SHOWN = 10


def check_integrity(server: FhirServer, connection: Connection, changes: Sequence[Change]) -> None:
    """Check what a transaction has written, where the setting asks for it.

    Errors: Refused 409 naming resources that refer to a deleted one; 422 naming each reference that
    leads nowhere.
    Cost: one statement for all references, one for all deletions.
    """
    if not server.settings.referential_integrity:
        return
    written = [change for change in changes if change.resource is not None]
    _check_targets(server, connection, written)
    _check_deletions(connection, [c for c in changes if c.method == "DELETE" and c.id is not None])


def _check_targets(server: FhirServer, connection: Connection, written: Sequence[Change]) -> None:
    targets: dict[int, list[tuple[str, str]]] = {}
    for change in written:
        assert change.resource is not None  # noqa: S101 — it was written
        for link in find_links(change.resource, server.definitions.type_model):
            if link.type != REFERENCE:
                continue
            reference = parse_reference(link.text)
            if reference.is_local([server.base_url]) and reference.type in TYPE_NUMBERS:
                key = resource_key(reference.type, reference.id)
                targets.setdefault(key, []).append(
                    (link.path(change.expression()), f"{reference.type}/{reference.id}")
                )
    missing = set(targets) - hold_existing(connection, targets)
    faults: list[Issue] = [
        error("reference-target-missing", "not-found", path, reference=name)
        for key in missing
        for path, name in targets[key]
    ]
    if faults:
        raise Refused(422, faults)


def _check_deletions(connection: Connection, deletions: Sequence[Change]) -> None:
    deleted = {resource_key(c.type, c.id or ""): c for c in deletions}
    found = referring_resources(connection, list(deleted), limit=MAX_SHOWN)
    if found:
        raise Refused(409, [
            error("delete-referenced", "conflict", deleted[target].expression("request"),
                  reference=deleted[target].reference, by=f"{name}/{resource_id}")
            for target, name, resource_id in found
        ])  # fmt: skip

"""A create that needs nothing of the store but what this process knows already, as nearly all do.

Its id is drawn here, so that there is no row to lock and no version to supersede. What asks the store for
more goes the way of all writes (`writing/write.py`): criteria, conditional references, contained resources,
references that must lead somewhere, definitions of searches and Subscriptions.

Source: https://hl7.org/fhir/R4/http.html#create
"""

from collections.abc import Set
from typing import Any

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.check import check_changes, check_resource_type
from fhir_server.interactions.writing.conditional_references import has_conditional_references
from fhir_server.interactions.writing.links import find_links
from fhir_server.interactions.writing.write import new_version
from fhir_server.store.resources import NewVersion
from fhir_server.store.single_create import Code, SingleCreate, single_create

_TOLD_OF = frozenset({"SearchParameter", "Subscription"})
"""Types whose resources change what the server does."""


def plan_plain_create(server: FhirServer, resource_type: str, resource: Any) -> Change | None:
    """The checked change of a create, or None where it is not plain.

    Errors: Refused 400 or 422 (does not conform).
    """
    check_resource_type(resource, resource_type, resource_type)
    if (
        server.settings.referential_integrity
        or resource_type in _TOLD_OF
        or "contained" in resource
    ):
        return None
    change = Change("POST", resource_type, resource=resource)
    change.links = find_links(resource, server.definitions.type_model)
    if has_conditional_references(change):
        return None
    check_changes(server, [change])
    return change


def write_of(
    server: FhirServer, change: Change, known_codes: Set[Code] = frozenset()
) -> tuple[NewVersion, SingleCreate]:
    """The version that a plain create makes at this moment, and the statement that writes it."""
    search = server.search.current
    change.draw_id()
    version = new_version(search.indexer, change, server.database.clock.now())
    assert version is not None  # noqa: S101 — there is nothing yet that it could leave unchanged
    return version, single_create(version, search.generation, known_codes)


def answer_of(change: Change, version: NewVersion) -> Answer:
    """What is answered once it is written."""
    return Answer(201, stored=version.resource, issues=change.warnings)

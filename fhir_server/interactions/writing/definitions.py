"""SearchParameters as they are written: checked, put in force with the transaction.

Source: https://hl7.org/fhir/R4/searchparameter.html
"""

from collections.abc import Iterator, Sequence
from typing import Any

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Issue
from fhir_server.model.json_source import parse_stored
from fhir_server.search.definition_check import check_definition, is_in_force
from fhir_server.search.parameters import types_of
from fhir_server.store.keys import parameter_hash
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import Connection, NewVersion, StoredResource
from fhir_server.store.search_state import Gap, new_generation, note_gaps

_SEARCHED = ("code", "type", "expression", "component")
"""What a change of makes rows of another kind."""


def check_search_definition(
    server: FhirServer, definition: dict[str, Any], together: Sequence[dict[str, Any]] = ()
) -> list[Issue]:
    """What keeps a SearchParameter from being searched by; `together` those written with it."""
    with server.database.connection() as connection:
        search = server.search.refresh(connection, max_age_s=0)
    others = [*search.stored, *together]
    return check_definition(definition, server.search.loaded.parameters, server.fhirpath, others)


def note_definitions(
    server: FhirServer, connection: Connection, versions: Sequence[NewVersion]
) -> None:
    """Put the SearchParameters among the versions in force, and others out of force."""
    gaps: list[Gap] = []
    is_changed = False
    for version in versions:
        if version.resource.type == "SearchParameter":
            before, after = _content(version.replaces), _content(version.resource)
            is_changed = is_changed or is_in_force(before) or is_in_force(after)
            gaps.extend(_gaps(server, before, after))
    if is_changed:
        new_generation(connection)
        note_gaps(connection, gaps)


def _content(stored: StoredResource | None) -> dict[str, Any]:
    content: dict[str, Any] = parse_stored(stored.body) if stored and stored.body else {}
    return content


def _gaps(server: FhirServer, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Gap]:
    """The parameters that resources stored earlier are not indexed by."""
    if not is_in_force(after):
        return
    is_same = is_in_force(before) and all(before.get(n) == after.get(n) for n in _SEARCHED)
    already = types_of(before) if is_same else ()
    code = after["code"]
    for name in types_of(after):
        if name not in already and code not in server.definitions.search_parameters(name):
            yield Gap(parameter_hash(name, code), TYPE_NUMBERS[name])

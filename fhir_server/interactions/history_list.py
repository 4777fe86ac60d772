"""`_list` of a history: the versions that a List refers to.

A reference with a version means that version, one without means every version of the resource.

Source: https://hl7.org/fhir/R4/http.html#history
"""

from collections.abc import Sequence

from fhir_server.interactions.server import FhirServer
from fhir_server.model.json_source import parse_stored
from fhir_server.model.references import parse_reference
from fhir_server.store.keys import resource_key
from fhir_server.store.resources import Connection, read_resource

_MOST_DIGITS = 9
"""No version number has more."""


def listed_versions(
    server: FhirServer,
    connection: Connection,
    list_id: str,
    types: Sequence[str],
    resource_id: str | None,
) -> dict[int, set[int] | None]:
    """By key, the versions that a List names, or None for all, of the types and the id that are asked for.

    Shape: empty where there is no such List, as in a search by `_list`.
    """
    stored = read_resource(connection, "List", list_id)
    found: dict[int, set[int] | None] = {}
    content = parse_stored(stored.body) if stored is not None and stored.body is not None else {}
    for entry in content.get("entry", ()):
        named = parse_reference(str(entry.get("item", {}).get("reference", "")))
        if not named.is_local({server.base_url}) or named.type not in types:
            continue
        if resource_id not in {None, named.id}:
            continue
        key = resource_key(named.type, named.id)
        known = found.setdefault(key, set())
        if named.version is None:
            found[key] = None
        elif known is not None and _is_number(named.version):
            known.add(int(named.version))
    return {key: versions for key, versions in found.items() if versions is None or versions}


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdigit() and len(version) <= _MOST_DIGITS

"""What a store holds, told without what differs from one loading to the next: ids, versions, times."""

from collections.abc import Mapping
from typing import Any

from fhir_server.model.json_source import parse_json
from fhir_server.store.bodies import unpacked
from fhir_server.store.database import Database

Content = dict[str, dict[str, Any]]


def store_versions(database: Database) -> dict[str, int]:
    """Every resource with its id and version."""
    with database.connection() as connection:
        rows = connection.execute("SELECT body, version FROM resource WHERE NOT deleted").fetchall()
    found = ((parse_json(unpacked(body)), version) for body, version in rows)
    return {f"{one['resourceType']}/{one['id']}": version for one, version in found}


def store_content(database: Database) -> Content:
    """Every current resource by its type and identifiers; references name their target so too."""
    with database.connection() as connection:
        rows = connection.execute("SELECT body FROM resource WHERE NOT deleted").fetchall()
    resources = [parse_json(unpacked(row[0])) for row in rows]
    names = {f"{one['resourceType']}/{one['id']}": _name(one) for one in resources}
    content: Content = {}
    for one in resources:
        name = _name(one)
        assert name not in content, f"two resources are {name}"
        content[name] = _plain(one, names)
    return content


def _name(resource: Mapping[str, Any]) -> str:
    identifiers = sorted(
        f"{one.get('system')}|{one.get('value')}" for one in resource.get("identifier", ())
    )
    return f"{resource['resourceType']} {' '.join(identifiers) or resource['id']}"


def _plain(resource: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    meta = {
        name: value
        for name, value in resource.get("meta", {}).items()
        if name not in {"versionId", "lastUpdated"}
    }
    found: dict[str, Any] = _named({**resource, "id": "", "meta": meta}, names)
    return found


def _named(value: Any, names: Mapping[str, str]) -> Any:
    """Targets by name; lists in an order of their own, since FHIR gives theirs no meaning here."""
    if isinstance(value, dict):
        return {
            key: names.get(part.split("/_history/")[0], part)
            if key == "reference" and isinstance(part, str)
            else _named(part, names)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return sorted((_named(part, names) for part in value), key=str)
    return value

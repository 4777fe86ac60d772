"""$meta of a type and of the system: the profiles, tags and security labels that are in use.

Source: https://hl7.org/fhir/R4/resource-operation-meta.html
"""

from collections.abc import Iterator, Sequence
from typing import Any

from fhir_server.interactions.server import FhirServer
from fhir_server.model.json_source import parse_stored
from fhir_server.search.parameters import SearchParameter
from fhir_server.store.codes_in_use import body_with, known_codes, strings_in_use
from fhir_server.store.keys import token_hash
from fhir_server.store.resource_types import RESOURCE_TYPES
from fhir_server.store.resources import Connection

_MOST_SYSTEMS = 100
"""Of how many systems one code is looked for."""


def meta_in_use(
    server: FhirServer, connection: Connection, resource_type: str | None
) -> dict[str, Any]:
    """The profiles, tags and labels of all resources of a type, or of all types, in Parameters.

    Shape: each coding once, by system and code, as some resource has it. Codings without a code do not
    come, of two that differ in case one does, and one that always stands beside the same code of another
    system may be missing.
    Cost: a statement for each code that was ever stored so, and one for each coding.
    """
    types = RESOURCE_TYPES if resource_type is None else (resource_type,)
    numbers = [parameter.hash for parameter in _each(server, types, "_profile")]
    found: dict[str, Any] = {
        "profile": strings_in_use(connection, numbers),
        "security": _codings(connection, _each(server, types, "_security"), "security"),
        "tag": _codings(connection, _each(server, types, "_tag"), "tag"),
    }
    meta = {name: values for name, values in found.items() if values}
    return {"resourceType": "Parameters", "parameter": [{"name": "return", "valueMeta": meta}]}


def _each(server: FhirServer, types: Sequence[str], code: str) -> list[SearchParameter]:
    each = (server.parameters.find(name, code) for name in types)
    return [parameter for parameter in each if parameter is not None]


def _codings(
    connection: Connection, parameters: Sequence[SearchParameter], name: str
) -> list[dict[str, Any]]:
    """The codings of one list of `meta`, in the order of their codes."""
    found: dict[tuple[str | None, str], dict[str, Any]] = {}
    for number, token, code in known_codes(connection, [one.hash for one in parameters]):
        for coding in _of_code(connection, number, token, code, name):
            found.setdefault((coding.get("system"), coding["code"]), coding)
    return list(found.values())


def _of_code(
    connection: Connection, number: int, token: int, code: str, name: str
) -> Iterator[dict[str, Any]]:
    """The codings with one code, of each system one."""
    seen: list[int] = []
    for _ in range(_MOST_SYSTEMS):
        body = body_with(connection, token, seen)
        if body is None:
            return
        codings = parse_stored(body).get("meta", {}).get(name, [])
        # Tokens do not tell apart by case.
        folded = code.casefold()
        fitting = [coding for coding in codings if coding.get("code", "").casefold() == folded]
        for coding in fitting:
            seen.append(token_hash(number, f"{coding.get('system', '')}|{folded}"))
            yield coding
        if not fitting:
            # The index is being made anew.
            return

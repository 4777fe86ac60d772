"""`GET /fhir/openapi.json`: the interface as OpenAPI 3.1, from the route table and the CapabilityStatement.

Paths carry the resource type as a parameter; `?type=Patient` gives those of one type, with its search
parameters.

Source: https://spec.openapis.org/oas/v3.1.0
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir_server.http.asynchronous import TAKEN
from fhir_server.http.formats import JSON, XML
from fhir_server.interactions.capabilities import TYPE_OPERATIONS, capability_statement
from fhir_server.interactions.patching.document import JSON_PATCH, XML_PATCH
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.check import check_type_known
from fhir_server.store.resource_types import RESOURCE_TYPES

Route = tuple[str, str, str, Any]

_ID: Mapping[str, Any] = {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"}
_SEARCHES = frozenset({"search-type", "search-system", "search-compartment"})
_ON_CRITERIA = frozenset({"conditional-update", "conditional-patch", "conditional-delete"})
_PLACE = re.compile(r"\{(\w+)\}")
_RESULT: Mapping[str, Mapping[str, Any]] = {
    "_count": {"type": "integer", "minimum": 0},
    "_sort": {"type": "string"},
    "_total": {"enum": ["none", "estimate", "accurate"]},
    "_summary": {"enum": ["true", "text", "data", "count", "false"]},
    "_elements": {"type": "string"},
}
_HISTORY: Mapping[str, Mapping[str, Any]] = {
    "_count": {"type": "integer", "minimum": 0},
    "_since": {"type": "string"},
    "_at": {"type": "string"},
    "_list": {"type": "string"},
    "_summary": {"enum": ["true", "text", "data", "false"]},
    "_elements": _RESULT["_elements"],
}
_ANY_CONTENT: Mapping[str, Any] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
"""What a Binary holds travels as it is: https://hl7.org/fhir/R4/binary.html#rest"""
_BODIES: Mapping[str, Mapping[str, Any]] = {
    "patch": {
        JSON_PATCH: {"schema": {"type": "array"}},
        XML_PATCH: {"schema": {"type": "string"}},
        JSON: {"schema": {"$ref": "#/components/schemas/Resource"}},
        XML: {"schema": {"type": "string"}},
    },
    "form": {
        "application/x-www-form-urlencoded": {
            "schema": {"type": "object", "additionalProperties": {"type": "string"}}
        }
    },
}


def openapi(server: FhirServer, routes: Sequence[Route], only: str | None) -> dict[str, Any]:
    """The document. Errors: Refused 400 for an unknown type."""
    if only is not None:
        check_type_known(only, "type")
    statement = capability_statement(server)
    paths: dict[str, dict[str, Any]] = {}
    for method, shape, interaction, _ in routes:
        path = "/" + shape
        if method == "OPTIONS" or (only is not None and not shape.startswith("{type}")):
            continue
        types = _types_of(interaction)
        if only is not None:
            if only not in types:
                continue
            path = path.replace("{type}", only)
        item = paths.setdefault(path, {})
        item[method.lower()] = _operation(
            statement, method, path, interaction, types=types, only=only
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": statement["title"],
            "version": statement["version"],
            "description": "FHIR R4 (4.0.1). The CapabilityStatement at /metadata says more.",
        },
        "servers": [{"url": server.base_url}],
        "paths": paths,
        "components": {
            "schemas": {
                "Resource": {
                    "type": "object",
                    "required": ["resourceType"],
                    "properties": {"resourceType": {"enum": list(RESOURCE_TYPES)}},
                },
                "OperationOutcome": {
                    "type": "object",
                    "required": ["resourceType", "issue"],
                    "properties": {"resourceType": {"const": "OperationOutcome"}},
                },
            }
        },
    }


def _types_of(interaction: str) -> Sequence[str]:
    """The resource types that have an interaction: all, but for operations of some types only."""
    name = interaction.removeprefix("$")
    own = [kind for kind, names in TYPE_OPERATIONS.items() if name in names]
    return own if interaction.startswith("$") and own else RESOURCE_TYPES


def _operation(
    statement: Mapping[str, Any],
    method: str,
    path: str,
    interaction: str,
    *,
    types: Sequence[str],
    only: str | None,
) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _schema(name, types)}
        for name in _PLACE.findall(path)
    ]
    parameters += _query_parameters(statement, method, interaction, only)
    words = re.sub(r"\W+", "-", f"{method.lower()}{path}".replace("$", "op-")).strip("-")
    described: dict[str, Any] = {
        "operationId": words,
        "summary": interaction,
        "tags": [only or interaction],
        "responses": _responses(interaction),
    }
    if parameters:
        described["parameters"] = parameters
    body = _body(method, path)
    if only == "Binary" and interaction in {"create", "update", "conditional-update"} and body:
        body = {**body, **_ANY_CONTENT}
    if only == "Binary" and interaction in {"read", "vread"}:
        described["responses"]["200"]["content"] |= _ANY_CONTENT
    if body:
        described["requestBody"] = {"content": body, "required": not interaction.startswith("$")}
    return described


def _schema(name: str, types: Sequence[str]) -> Mapping[str, Any]:
    if name in {"type", "member"}:
        return {"enum": list(types)}
    return {"type": "integer", "minimum": 1} if name == "version" else _ID


def _query_parameters(
    statement: Mapping[str, Any], method: str, interaction: str, only: str | None
) -> Iterator[dict[str, Any]]:
    named: dict[str, Mapping[str, Any]] = {}
    if interaction in _SEARCHES | _ON_CRITERIA:
        resources = statement["rest"][0]["resource"]
        own: Mapping[str, Any] = next((one for one in resources if one["type"] == only), {})
        # Every type has these two; those of one type come with `?type=`.
        codes = [one["name"] for one in own.get("searchParam", ())] or ["_id", "_lastUpdated"]
        named = {code: {"type": "string"} for code in codes}
    if interaction in _SEARCHES and method == "GET":
        named |= _RESULT
    elif interaction.startswith("history"):
        named = dict(_HISTORY)
    for name, schema in named.items():
        yield {"name": name, "in": "query", "schema": schema}


def _body(method: str, path: str) -> Mapping[str, Any] | None:
    if method in {"GET", "DELETE"}:
        return None
    if path.endswith("_search"):
        return _BODIES["form"]
    if method == "PATCH":
        return _BODIES["patch"]
    schema = {"schema": {"$ref": "#/components/schemas/Resource"}}
    return {JSON: schema, XML: {"schema": {"type": "string"}}}


def _responses(interaction: str) -> dict[str, Any]:
    resource = {JSON: {"schema": {"$ref": "#/components/schemas/Resource"}},
                XML: {"schema": {"type": "string"}}}  # fmt: skip
    outcome = {JSON: {"schema": {"$ref": "#/components/schemas/OperationOutcome"}},
               XML: {"schema": {"type": "string"}}}  # fmt: skip
    answers: dict[str, Any] = {"200": {"description": "Done.", "content": resource}}
    if interaction in {"create", "update", "conditional-update"}:
        answers["201"] = {"description": "Made anew.", "content": resource}
    if interaction in {*TAKEN, "$reindex", "async-status"}:
        answers["202"] = {"description": "Taken, and not done yet.", "content": resource}
    if interaction in {"delete", "conditional-delete"}:
        answers["204"] = {"description": "Deleted."}
    answers["4XX"] = {"description": "What is wrong with the request.", "content": outcome}
    answers["default"] = {"description": "What went wrong.", "content": outcome}
    return answers

"""capabilities: the CapabilityStatement, made from what the code does.

The route table says which interactions there are, the search registry which parameters.
Source: https://hl7.org/fhir/R4/http.html#capabilities
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from fhir_server import __version__
from fhir_server.interactions.operations.definitions import CANONICAL
from fhir_server.interactions.patching.document import JSON_PATCH, XML_PATCH
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subscriptions.topics import topics
from fhir_server.search.compartments import COMPARTMENTS, compartment_url
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.types.composite import is_searchable
from fhir_server.search.whole_resource import FULL_TEXT, WHOLE_RESOURCE
from fhir_server.store.resource_types import RESOURCE_TYPES

TYPE_INTERACTIONS: Sequence[str] = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
)  # fmt: skip
SYSTEM_INTERACTIONS: Sequence[str] = ("transaction", "batch", "history-system", "search-system")
RESOURCE_OPERATIONS: Sequence[str] = ("validate", "meta", "meta-add", "meta-delete")
OWN_OPERATIONS: Mapping[str, str] = {
    "diff": f"{CANONICAL}diff",
    "reindex": f"{CANONICAL}reindex",
}
"""Those of no specification, at the system and on every type, by their definitions."""
SYSTEM_OPERATIONS: Mapping[str, str] = {
    "validate": "Resource-validate", "meta": "Resource-meta", "versions": "CapabilityStatement-versions",
}  # fmt: skip
TYPE_OPERATIONS: Mapping[str, Sequence[str]] = {
    "CodeSystem": ("lookup", "subsumes", "validate-code"),
    "ConceptMap": ("translate",),
    "Observation": ("lastn",),
    "Patient": ("everything",),
    "StructureDefinition": ("snapshot",),
    "Subscription": ("status", "events", "dead-letters"),
    "ValueSet": ("expand", "validate-code"),
}
_DEFINITION = "http://hl7.org/fhir/OperationDefinition/"
_BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/"
_DEFINED_ELSEWHERE: Mapping[str, str] = {
    "Subscription-status": f"{_BACKPORT}OperationDefinition/backport-subscription-status",
    "Subscription-events": f"{_BACKPORT}OperationDefinition/backport-subscription-events",
    "Subscription-dead-letters": f"{CANONICAL}dead-letters",
}
"""Operations that R4 does not define, by type and name."""
_TOPIC = f"{_BACKPORT}StructureDefinition/capabilitystatement-subscriptiontopic-canonical"


def capability_statement(server: FhirServer) -> dict[str, Any]:
    """The CapabilityStatement of this server, with the search parameters in force."""
    return _statement(server, server.parameters)


@lru_cache(maxsize=4)
def _statement(server: FhirServer, parameters: SearchParameters) -> dict[str, Any]:
    return {
        "resourceType": "CapabilityStatement",
        "id": "osteon",
        "url": f"{server.base_url}/metadata",
        "version": __version__,
        "name": "Osteon",
        "title": "Osteon, FHIR R4 server of a bone-sarcoma network",
        "status": "active",
        "date": "2026-11-22",
        "kind": "instance",
        "software": {"name": "Osteon", "version": __version__},
        "implementation": {"description": "Osteon", "url": server.base_url},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml"],
        "patchFormat": [JSON_PATCH, XML_PATCH, "application/fhir+json", "application/fhir+xml"],
        "rest": [
            {
                "mode": "server",
                "resource": [_resource(server, parameters, name) for name in RESOURCE_TYPES],
                "interaction": [{"code": code} for code in SYSTEM_INTERACTIONS],
                "searchParam": _common_parameters(parameters),
                "compartment": [compartment_url(name) for name in COMPARTMENTS],
                "operation": [
                    {"name": name, "definition": _DEFINITION + definition}
                    for name, definition in SYSTEM_OPERATIONS.items()
                ]
                + _own_operations(),
            }
        ],
    }


def _resource(
    server: FhirServer, parameters: SearchParameters, resource_type: str
) -> dict[str, Any]:
    profiles = [
        url
        for url in server.definitions.urls("StructureDefinition")
        if url.startswith(("https://osteon.example/", _BACKPORT))
        and (server.definitions.structure(url) or {}).get("type") == resource_type
    ]
    extension = [{"url": _TOPIC, "valueCanonical": url} for url in topics()]
    described: dict[str, Any] = {
        "extension": extension if resource_type == "Subscription" else [],
        "type": resource_type,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{resource_type}",
        "supportedProfile": profiles,
        "interaction": [{"code": code} for code in TYPE_INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single"
        if server.settings.conditional_delete_limit == 1
        else "multiple",
        "referencePolicy": ["literal", "logical", *_enforced(server)],
        "searchInclude": ["*"],
        "searchRevInclude": ["*"],
        "searchParam": _search_parameters(parameters, resource_type),
        "operation": _operations(resource_type),
    }
    return {name: value for name, value in described.items() if value != []}


def _common_parameters(parameters: SearchParameters) -> list[dict[str, str]]:
    """Those of every type, and those that R4 describes without a SearchParameter."""
    claimed = [_search_parameters(parameters, name) for name in RESOURCE_TYPES]
    others = [{one["name"] for one in each} for each in claimed]
    common = [one for one in claimed[0] if all(one["name"] in names for names in others)]
    return [*common, *(dict(one) for one in _WITHOUT_DEFINITION)]


_WITHOUT_DEFINITION: tuple[Mapping[str, str], ...] = (
    {"name": "_has", "type": "special",
     "documentation": "Reverse chains, nested and mixed with chains: _has:Type:reference:parameter=value."},
    {"name": "_list", "type": "special", "documentation": "What a List refers to, by the List's id."},
    {"name": "_type", "type": "token", "documentation": "Several types, by the parameters of each."},
)  # fmt: skip


def _search_parameters(parameters: SearchParameters, resource_type: str) -> list[dict[str, str]]:
    """Those with an expression that is indexed, and those that search the resource as a whole."""
    listed = {
        code: (one.type, one.url)
        for code, one in parameters.of(resource_type).items()
        if one.type != "composite" or is_searchable(one)
    }
    for code, definition in parameters.definitions.search_parameters(resource_type).items():
        if code in WHOLE_RESOURCE and (parameters.full_text or code not in FULL_TEXT):
            listed[code] = (definition["type"], definition["url"])
    return [
        {"name": code, "type": kind, "definition": url}
        for code, (kind, url) in sorted(listed.items())
    ]


def _operations(resource_type: str) -> list[dict[str, str]]:
    operations = [
        {"name": name, "definition": f"{_DEFINITION}Resource-{name}"}
        for name in RESOURCE_OPERATIONS
    ]
    operations += [
        {
            "name": name,
            "definition": _DEFINED_ELSEWHERE.get(
                f"{resource_type}-{name}", f"{_DEFINITION}{resource_type}-{name}"
            ),
        }
        for name in TYPE_OPERATIONS.get(resource_type, ())
    ]
    expunge = {"name": "expunge", "definition": f"{CANONICAL}expunge"}
    return [*operations, expunge, *_own_operations()]


def _own_operations() -> list[dict[str, str]]:
    return [{"name": name, "definition": url} for name, url in OWN_OPERATIONS.items()]


def _enforced(server: FhirServer) -> list[str]:
    return ["enforced"] if server.settings.referential_integrity else []

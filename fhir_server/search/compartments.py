"""Compartments: the resources that belong to a patient, an encounter, a practitioner or a device.

Source: FHIR R4 CompartmentDefinition, https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from collections.abc import Iterable, Mapping

from fhir_server.model.issues import refuse
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.predicates import AnyOf, Belongs, HasToken, KeyIn, Predicate
from fhir_server.store.keys import reference_token, resource_key
from fhir_server.store.resource_types import TYPE_NUMBERS

_BASE = "http://hl7.org/fhir/CompartmentDefinition/"

COMPARTMENTS = ("Patient", "Encounter", "Practitioner", "RelatedPerson", "Device")
"""The types that R4 has a compartment of."""

Compartment = tuple[str, str]
"""The type and the id of the resource that a compartment is of."""


def compartment_url(compartment_type: str) -> str:
    """The canonical URL of the compartment of a type."""
    return _BASE + compartment_type[:1].lower() + compartment_type[1:]


def compartment_parameters(
    parameters: SearchParameters, compartment_type: str
) -> Mapping[str, tuple[str, ...]]:
    """The codes of the parameters that put a resource into the compartment, by its type.

    Errors: Refused(404) where there is no such compartment.
    """
    url = compartment_url(compartment_type)
    definition = parameters.definitions.find("CompartmentDefinition", url)
    if definition is None:
        raise refuse(404, "search-compartment-unknown", "not-found", type=compartment_type)
    return {
        entry["code"]: tuple(entry["param"])
        for entry in definition["resource"]
        if entry.get("param")
    }


def in_any_compartment(
    parameters: SearchParameters, types: Iterable[str], compartment_type: str
) -> Predicate:
    """The resource belongs to the compartment of some resource of the type, or is one of these.

    Errors: Refused(404).
    """
    members = compartment_parameters(parameters, compartment_type)
    numbers = tuple(
        parameter.hash
        for name in types
        for code in members.get(name, ())
        if (parameter := parameters.find(name, code)) is not None
    )
    return Belongs(numbers, TYPE_NUMBERS[compartment_type])


def in_compartment(
    parameters: SearchParameters, types: Iterable[str], compartment: Compartment
) -> Predicate:
    """The resource belongs to the compartment, or is the one it is of. Errors: Refused(404)."""
    owner_type, owner_id = compartment
    members = compartment_parameters(parameters, owner_type)
    key = resource_key(owner_type, owner_id)
    tokens = tuple(
        reference_token(parameter.hash, key)
        for name in types
        for code in members.get(name, ())
        if (parameter := parameters.find(name, code)) is not None
    )
    if owner_type in types:
        return AnyOf((KeyIn((key,)), HasToken(tokens)))
    return HasToken(tokens)

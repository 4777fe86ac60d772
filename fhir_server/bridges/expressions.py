"""FHIRPath over records: each profile is a variable that holds what is about the resource."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from fhir_server.bridges.definition import BASE
from fhir_server.bridges.records import Records, Resource
from fhir_server.definitions.packages import network_definitions
from fhir_server.fhirpath import FHIRPath

About = Mapping[str, Sequence[Resource]]


def variables_about(resource: Resource, records: Records) -> About:
    """The variables of a resource: what is about it, or about its tumour; empty where nothing is."""
    about = records.about(records.tumour_of(resource) or resource)
    return {name: about.get(name, ()) for name in _profile_names()}


def evaluated(expression: str, resource: Resource, about: About, records: Records) -> list[Any]:
    """The values of an expression. Errors: FHIRPathError for a fault of the bridge."""
    compiled = _engine().compile(expression, resource["resourceType"])
    variables = {name: list(values) for name, values in about.items()}
    return compiled.evaluate(resource, variables=variables, resolve=records.resolve)


@cache
def _profile_names() -> tuple[str, ...]:
    urls = network_definitions().urls("StructureDefinition")
    return tuple(url.rpartition("/")[2] for url in urls if url.startswith(BASE))


@cache
def _engine() -> FHIRPath:
    return FHIRPath(network_definitions().type_model, lenient=True)

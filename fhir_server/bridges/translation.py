"""Codes of the network in those of another model, by the ConceptMaps of the package."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from fhir_server.bridges.definition import BASE
from fhir_server.definitions.packages import network_definitions
from fhir_server.terminology.concept_map import ConceptMap

Coding = dict[str, Any]


def translated(coding: Coding, maps: Iterable[str]) -> Coding | None:
    """The coding on the other side, None where no map knows it."""
    return next(translations(coding, maps), None)


def translations(coding: Coding, maps: Iterable[str]) -> Iterator[Coding]:
    """Every coding on the other side: a fusion has two genes."""
    key = (coding.get("system"), str(coding.get("code", "")))
    for name in maps:
        for line in _concept_map(name).forwards.get(key, ()):
            if line.code and line.equivalence != "unmatched":
                yield {"system": line.system, "code": line.code}


def maps_system(system: str | None, maps: Iterable[str]) -> bool:
    """Whether one of the maps starts from a code system."""
    return any(known == system for name in maps for known, _ in _concept_map(name).forwards)


@cache
def _concept_map(name: str) -> ConceptMap:
    resource = network_definitions().find("ConceptMap", f"{BASE}/ConceptMap/{name}")
    if resource is None:
        raise KeyError(name)
    return ConceptMap(resource)

"""$lookup: what is known of a code.

Source: https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from collections.abc import Iterator
from typing import Any

from fhir_server.terminology.code_system import CodeSystem, Concept
from fhir_server.terminology.display import display_in
from fhir_server.terminology.operations.dates import present_date
from fhir_server.terminology.operations.parameters import (
    OperationParameters,
    Resource,
    missing,
)
from fhir_server.terminology.operations.subjects import asked_coding, code_system_of, concept_of
from fhir_server.terminology.terminology import Terminology

TAKES = frozenset({"code", "system", "version", "coding", "displayLanguage", "property", "date"})
_ALWAYS = frozenset({"system", "name", "version", "display", "definition"})


def lookup(terminology: Terminology, content: Any) -> Resource:
    """The display, definition, designations and properties of a code, its parents and children.

    Shape: Parameters in, Parameters out; with `property`, only those asked for.
    Errors: Refused 400 where no code or system is said, 404 where one is not known, 422 for a date that is
    past.
    """
    asked = OperationParameters(content, TAKES)
    present_date(asked)
    coding = asked_coding(asked)
    if coding is None or coding.canonical is None:
        raise missing("code + system", "coding")
    system = code_system_of(terminology, coding.canonical)
    concept = concept_of(system, coding.code)
    wanted = frozenset(asked.texts("property")) - _ALWAYS
    return {
        "resourceType": "Parameters",
        "parameter": [
            *_head(system, concept, asked.text("displayLanguage")),
            *(_designations(system, concept) if _wants(wanted, "designation") else ()),
            *_properties(system, concept, wanted),
        ],
    }


def _wants(wanted: frozenset[str], name: str) -> bool:
    return not wanted or name in wanted


def _head(system: CodeSystem, concept: Concept, language: str | None) -> Iterator[Resource]:
    name = system.resource.get("title") or system.resource.get("name") or system.url
    yield {"name": "name", "valueString": name}
    if system.version:
        yield {"name": "version", "valueString": system.version}
    yield {"name": "display", "valueString": display_in(concept, language) or concept.code}
    definition = system.sources[concept.code].get("definition")
    if definition:
        yield {"name": "definition", "valueString": definition}


def _designations(system: CodeSystem, concept: Concept) -> Iterator[Resource]:
    kinds = {"language": "valueCode", "use": "valueCoding", "value": "valueString"}
    for designation in system.sources[concept.code].get("designation", ()):
        parts = [
            {"name": name, kind: designation[name]}
            for name, kind in kinds.items()
            if name in designation
        ]
        yield {"name": "designation", "part": parts}


def _properties(system: CodeSystem, concept: Concept, wanted: frozenset[str]) -> Iterator[Resource]:
    for name, codes in (
        ("parent", concept.parents),
        ("child", system.children.get(concept.code, ())),
    ):
        if _wants(wanted, name):
            for code in codes:
                yield _linked(system, name, code)
    if _wants(wanted, "inactive"):
        yield _property("inactive", {"valueBoolean": system.is_inactive(concept.code)})
    for entry in system.sources[concept.code].get("property", ()):
        name = entry.get("code")
        if name not in {"parent", "child", "inactive"} and _wants(wanted, name):
            yield _property(name, {k: v for k, v in entry.items() if k.startswith("value")})


def _linked(system: CodeSystem, name: str, code: str) -> Resource:
    entry = _property(name, {"valueCode": code})
    concept = system.concepts.get(code)
    if concept is not None and concept.display:
        entry["part"].append({"name": "description", "valueString": concept.display})
    return entry


def _property(name: str, value: Resource) -> Resource:
    return {
        "name": "property",
        "part": [{"name": "code", "valueCode": name}, {"name": "value", **value}],
    }

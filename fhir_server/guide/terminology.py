"""Value sets, code systems and concept maps as tables; each code with its evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhir_server.guide.source import GuideSource, Resource
from fhir_server.guide.translation import Text, display_of, text_of
from fhir_server.model.issues import Language


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code; `evidence` is V, D, M or I, empty where the package does not list the code.

    `definition` is empty where the label says all.
    """

    system: str
    version: str
    code: str
    display: Text
    definition: Text
    evidence: str


@dataclass(frozen=True, slots=True)
class CodesView:
    """The codes of a value set or code system; `bound` the elements bound to a value set."""

    rows: Sequence[CodeRow]
    bound: Sequence[tuple[Resource, str, str]] = ()


@dataclass(frozen=True, slots=True)
class MapRow:
    """One translation: `relation` is FHIR's equivalence."""

    source: str
    source_label: Text
    relation: str
    target: str
    target_label: Text
    note: Text


def code_system_view(_source: GuideSource, resource: Resource, language: Language) -> CodesView:
    """Every concept of a code system."""
    return CodesView([_code_row(resource, each, language) for each in resource.get("concept", ())])


def value_set_view(source: GuideSource, resource: Resource, language: Language) -> CodesView:
    """The codes that the definition of a value set names, and what is bound to it."""
    bound = [
        (structure, element["id"], element["binding"]["strength"])
        for structure in (*source.profiles, *source.extensions)
        for element in structure["differential"]["element"]
        if element.get("binding", {}).get("valueSet") == resource["url"]
    ]
    return CodesView(list(_listed(source, resource, language)), bound)


def _listed(source: GuideSource, value_set: Resource, language: Language) -> Iterator[CodeRow]:
    for include in value_set.get("compose", {}).get("include", ()):
        for url in include.get("valueSet", ()):
            for other in source.of_type("ValueSet"):
                if other["url"] == url:
                    yield from _listed(source, other, language)
        if "system" in include:
            yield from _included(source, include, language)


def _included(source: GuideSource, include: Resource, language: Language) -> Iterator[CodeRow]:
    """The codes of a system: those that the include names, else all that the package knows of it."""
    rows = {
        concept["code"]: _code_row(system, concept, language)
        for system in source.of_type("CodeSystem")
        if system["url"] == include["system"]
        and include.get("version") in {None, system.get("version")}
        for concept in system.get("concept", ())
    }
    if "concept" not in include:
        yield from rows.values()
    for concept in include.get("concept", ()):
        label = display_of(concept, language)
        unknown = CodeRow(include["system"], "", concept["code"], label, Text("", language), "")
        yield rows.get(concept["code"], unknown)


def _code_row(system: Resource, concept: Resource, language: Language) -> CodeRow:
    evidence = [
        each.get("valueString", "")
        for each in concept.get("property", ())
        if each["code"] == "evidence"
    ]
    return CodeRow(
        system=system["url"],
        version=system.get("version", "") if system.get("content") == "fragment" else "",
        code=concept["code"],
        display=display_of(concept, language),
        definition=text_of(concept, "definition", language),
        evidence=evidence[0] if evidence else "",
    )


def concept_map_view(
    source: GuideSource, resource: Resource, language: Language
) -> list[tuple[str, str, list[MapRow]]]:
    """The groups of a concept map: source system, target system, rows; systems by URL and version."""
    labels = {
        (system["url"], concept["code"]): display_of(concept, language)
        for system in source.of_type("CodeSystem")
        for concept in system.get("concept", ())
    }

    def label(system: str, row: Resource) -> Text:
        return labels.get((system, row.get("code", ""))) or Text(str(row.get("display", "")), "en")

    found = []
    for group in resource.get("group", ()):
        origin, goal = group.get("source", ""), group.get("target", "")
        rows = [
            MapRow(
                source=element["code"],
                source_label=label(origin, element),
                relation=target["equivalence"],
                target=target.get("code", ""),
                target_label=label(goal, target),
                note=text_of(target, "comment", language),
            )
            for element in group["element"]
            for target in element.get("target", ())
        ]
        found.append((_named(group, "source"), _named(group, "target"), rows))
    return found


def _named(group: Resource, side: str) -> str:
    """A system of a group with its version: `http://loinc.org`, `…/icd-o-3|3.1`."""
    version = group.get(f"{side}Version")
    return f"{group.get(side, '')}|{version}" if version else str(group.get(side, ""))

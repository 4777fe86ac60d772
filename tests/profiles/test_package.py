"""What the package promises of itself: both languages, evidence, sources, codes that exist."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.profiles.network import (
    BASE,
    ROOT,
    TRANSLATION,
    Resource,
    concepts,
    constraints,
    elements,
    of_type,
    package,
    profiles,
)

EVIDENCE = {"V", "D", "M", "I"}
TRANSLATED = (
    "title",
    "description",
    "purpose",
    "copyright",
    "short",
    "definition",
    "requirements",
    "human",
    "comment",
)


def untranslated(node: Any, place: str) -> Iterator[str]:
    """The places whose text has no French twin."""
    if isinstance(node, dict):
        for key in TRANSLATED:
            text = node.get(key)
            # The `definition` of a Questionnaire's item is the address of an element.
            if (
                isinstance(text, str)
                and not text.startswith(BASE)
                and not french(node.get(f"_{key}"))
            ):
                yield f"{place}.{key}"
        for key, value in node.items():
            if key not in {"concept", "compose", "property"}:
                yield from untranslated(value, f"{place}.{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from untranslated(value, f"{place}[{number}]")


def french(twin: Any) -> bool:
    extensions = twin.get("extension", []) if isinstance(twin, dict) else []
    return any(
        each["url"] == TRANSLATION
        and {"url": "lang", "valueCode": "fr"} in each["extension"]
        and any(part["url"] == "content" and part["valueString"] for part in each["extension"])
        for each in extensions
    )


def evidence(concept: Resource) -> str:
    (value,) = [each["valueString"] for each in concept["property"] if each["code"] == "evidence"]
    return str(value)


def listed_codes(value_set: Resource) -> Iterator[tuple[str, str | None, str]]:
    """System, version and code of every concept that a value set names, whole systems included."""
    systems = {
        (each["url"], each["version"]): [concept["code"] for concept in concepts(each)]
        for each in of_type("CodeSystem")
    }
    for include in value_set["compose"]["include"]:
        for url in include.get("valueSet", ()):
            yield from listed_codes(
                next(each for each in of_type("ValueSet") if each["url"] == url)
            )
        if "system" not in include:
            continue
        version = include.get("version")
        codes = [concept["code"] for concept in include.get("concept", ())] or [
            code
            for (url, known), members in systems.items()
            if url == include["system"] and version in {None, known}
            for code in members
        ]
        for code in codes:
            yield include["system"], version, code


def test_manifest__names_the_package() -> None:
    manifest = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert (manifest["name"], manifest["canonical"], manifest["fhirVersions"]) == (
        "osteon.bone-sarcoma",
        BASE,
        ["4.0.1"],
    )


@pytest.mark.parametrize(
    "resource", package(), ids=lambda each: f"{each['resourceType']}/{each['id']}"
)
def test_texts__stand_in_both_languages(resource: Resource) -> None:
    assert list(untranslated(resource, resource["id"])) == []


def test_canonicals__are_unique() -> None:
    known = [(each["url"], each["version"]) for each in package()]
    assert len(known) == len(set(known))


def test_profiles__say_their_purpose() -> None:
    assert [each["id"] for each in profiles() if len(each.get("purpose", "")) < 60] == []


@pytest.mark.parametrize(
    "structure", of_type("StructureDefinition"), ids=lambda each: str(each["id"])
)
def test_elements__have_a_short_definition(structure: Resource) -> None:
    """In both languages, by `test_texts__stand_in_both_languages`."""
    assert [each["id"] for each in elements(structure) if not each.get("short")] == []


CONSTRAINING = {"min", "max", "binding", "type", "constraint", "mustSupport"}


@pytest.mark.parametrize(
    "structure", of_type("StructureDefinition"), ids=lambda each: str(each["id"])
)
def test_elements__that_are_constrained_say_why(structure: Resource) -> None:
    """Slices, their parts and extensions included. The rules of a whole resource say it in their messages."""
    silent = [
        each["id"]
        for each in elements(structure)
        if "." in each["id"]
        and (each.keys() & CONSTRAINING or re.search("pattern|fixed", " ".join(each)))
        and len(each.get("requirements", "")) < 20
    ]
    assert silent == []


def test_value_sets__name_their_source() -> None:
    without = [each["id"] for each in of_type("ValueSet") if "ource" not in each.get("purpose", "")]
    assert without == []


@pytest.mark.parametrize(
    "system", of_type("CodeSystem"), ids=lambda each: str(each["id"]) + each["version"]
)
def test_concepts__carry_evidence_and_a_french_label(system: Resource) -> None:
    for concept in concepts(system):
        assert evidence(concept) in EVIDENCE, concept["code"]
        assert [each["language"] for each in concept["designation"]] == ["fr"], concept["code"]


def test_foreign_code_systems__are_fragments() -> None:
    foreign = [each for each in of_type("CodeSystem") if not each["url"].startswith(BASE)]
    assert {each["content"] for each in foreign} == {"fragment"}


def test_required_bindings__hold_no_unverified_code() -> None:
    tags = {
        (system["url"], concept["code"]): evidence(concept)
        for system in of_type("CodeSystem")
        for concept in concepts(system)
    }
    required = {
        element["binding"]["valueSet"]
        for structure in of_type("StructureDefinition")
        for element in elements(structure)
        if element.get("binding", {}).get("strength") == "required"
    }
    unverified = [
        (value_set["id"], code)
        for value_set in of_type("ValueSet")
        if value_set["url"] in required
        for system, _, code in listed_codes(value_set)
        if tags.get((system, code)) == "M"
    ]
    assert unverified == []


def test_bindings__name_value_sets_of_the_package() -> None:
    known = {each["url"] for each in of_type("ValueSet")}
    bound = {
        element["binding"]["valueSet"]
        for structure in of_type("StructureDefinition")
        for element in elements(structure)
        if "binding" in element
    }
    assert bound <= known


def test_value_sets__list_codes_that_the_code_systems_know() -> None:
    systems = of_type("CodeSystem")
    missing = [
        (value_set["id"], code)
        for value_set in of_type("ValueSet")
        for system, version, code in listed_codes(value_set)
        if (matching := [each for each in systems if each["url"] == system])
        and not any(
            concept["code"] == code
            for each in matching
            if version in {None, each["version"]}
            for concept in concepts(each)
        )
    ]
    assert missing == []


@pytest.mark.parametrize("concept_map", of_type("ConceptMap"), ids=lambda each: str(each["id"]))
def test_concept_maps__translate_between_known_codes(concept_map: Resource) -> None:
    known: dict[str, set[str]] = {}
    for system in of_type("CodeSystem"):
        codes = {concept["code"] for concept in concepts(system)}
        known.setdefault(system["url"], set()).update(codes)
    for group in concept_map["group"]:
        sources = {each["code"] for each in group["element"]}
        lines = [target for each in group["element"] for target in each["target"]]
        assert {"unmatched"} >= {each["equivalence"] for each in lines if "code" not in each}
        targets = {each["code"] for each in lines if "code" in each}
        assert sources <= known.get(group["source"], sources)
        assert targets <= known.get(group["target"], targets)


def test_invariants__have_one_meaning_per_key() -> None:
    meanings: dict[str, set[str]] = {}
    for structure in of_type("StructureDefinition"):
        for element in elements(structure):
            for constraint in element.get("constraint", ()):
                meanings.setdefault(constraint["key"], set()).add(constraint["expression"])
    assert {key for key, expressions in meanings.items() if len(expressions) > 1} == set()
    assert len(meanings) == len(constraints())

"""$translate: the code of another system that a concept map gives.

Source: https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fhir_server.model.issues import Language, error, refuse
from fhir_server.terminology.concept_map import ConceptMap, Mapped
from fhir_server.terminology.operations.parameters import (
    Coding,
    OperationParameters,
    Resource,
    missing,
    parameters,
)
from fhir_server.terminology.operations.subjects import asked_coding, versioned
from fhir_server.terminology.terminology import Terminology

TAKES = frozenset({
    "url", "conceptMap", "conceptMapVersion", "code", "system", "version", "source", "coding",
    "codeableConcept", "target", "targetsystem", "dependency", "reverse",
})  # fmt: skip
_NO_MATCH = frozenset({"unmatched", "disjoint"})
MAX_MAPS_IN_LINE = 10
"""How many maps are followed that name each other for the codes they leave out."""


@dataclass(frozen=True, slots=True)
class _Wishes:
    is_reverse: bool
    target_system: str | None
    dependencies: frozenset[tuple[str, str, str]]


def translate(
    terminology: Terminology,
    content: Any,
    instance: Resource | None = None,
    *,
    language: Language = "en",
) -> Resource:
    """Every match of a code in the maps of the call.

    Shape: Parameters in, Parameters with `result`, `message` and `match` out; `result` is true where a
    match says more than that there is none. `instance` is the ConceptMap of the call; without one and
    without `url`, the maps from the value set `source` to the value set `target` are asked.
    Errors: Refused 400 where no code or map is said, 404 where a map is not known.
    """
    asked = OperationParameters(content, TAKES)
    wishes = _Wishes(
        asked.flag("reverse") or False,
        asked.text("targetsystem"),
        frozenset(_dependencies(asked)),
    )
    codings = asked.codings("codeableConcept") or [_coding(asked)]
    maps = _maps(terminology, asked, instance, is_reverse=wishes.is_reverse)
    matches = [
        _match(mapped, concept_map)
        for coding in codings
        for concept_map in maps
        for mapped in _mapped(terminology, concept_map, coding, wishes)
    ]
    is_found = any(match["part"][0]["valueCode"] not in _NO_MATCH for match in matches)
    fault = error("translation-not-found", "not-found",
                  concept=", ".join(coding.code[:100] for coding in codings))  # fmt: skip
    message = None if is_found else fault.text(language)
    answer = parameters(("result", "Boolean", is_found), ("message", "String", message))
    answer["parameter"] += matches
    return answer


def _coding(asked: OperationParameters) -> Coding:
    coding = asked_coding(asked)
    if coding is None:
        raise missing("code", "coding", "codeableConcept")
    return coding


def _dependencies(asked: OperationParameters) -> Iterator[tuple[str, str, str]]:
    for parts in asked.parts("dependency"):
        concept = parts.get("concept") or {}
        for coding in concept.get("coding", ()) if isinstance(concept, dict) else ():
            yield str(parts.get("element")), str(coding.get("system")), str(coding.get("code"))


def _maps(
    terminology: Terminology,
    asked: OperationParameters,
    instance: Resource | None,
    *,
    is_reverse: bool,
) -> list[ConceptMap]:
    sent = instance or asked.resource("conceptMap", "ConceptMap")
    if sent is not None:
        return [ConceptMap(sent)]
    url, source, target = asked.text("url"), asked.text("source"), asked.text("target")
    if url is not None:
        canonical = versioned(url, asked.text("conceptMapVersion"))
        found = terminology.concept_map(canonical)
        if found is None:
            raise refuse(404, "concept-map-not-found", "not-found", url=canonical[:200])
        return [found]
    if source is None and target is None and asked.text("targetsystem") is None:
        raise missing("url", "source", "target", "targetsystem")
    if is_reverse:
        source, target = target, source
    return [
        each
        for each in terminology.concept_maps()
        if source in {None, each.source} and target in {None, each.target}
    ]


def _mapped(
    terminology: Terminology, concept_map: ConceptMap, coding: Coding, wishes: _Wishes
) -> Iterable[Mapped]:
    lines = concept_map.backwards if wishes.is_reverse else concept_map.forwards
    found = _lines(lines.get((coding.system, coding.code), ()), wishes)
    if coding.system is None:
        every = [line for (_, code), held in lines.items() if code == coding.code for line in held]
        found = _lines(every, wishes)
    if not found and not wishes.is_reverse:
        return _lines(_unmapped(terminology, concept_map, coding, MAX_MAPS_IN_LINE), wishes)
    return found


def _lines(lines: Iterable[Mapped], wishes: _Wishes) -> list[Mapped]:
    return [
        line
        for line in lines
        if wishes.target_system in {None, line.system} and _depends(line, wishes)
    ]


def _depends(line: Mapped, wishes: _Wishes) -> bool:
    """Whether what a line depends on is what the call says. Source: ConceptMap §4.10.5.2."""
    return all(
        (str(need.get("property")), str(need.get("system")), str(need.get("value")))
        in wishes.dependencies
        for need in line.target.get("dependsOn", ())
    )


def _unmapped(
    terminology: Terminology, concept_map: ConceptMap, coding: Coding, maps_left: int
) -> Iterator[Mapped]:
    """What a group says of the codes that it does not list. Source: ConceptMap.group.unmapped."""
    for group in concept_map.groups:
        rule = group.get("unmapped")
        if rule is None or coding.system not in {None, group.get("source")}:
            continue
        code = coding.code if rule.get("mode") == "provided" else rule.get("code")
        if rule.get("mode") in {"provided", "fixed"}:
            yield Mapped(group.get("target"), group.get("targetVersion"), code, rule.get("display"),
                         "equal" if rule["mode"] == "provided" else "inexact", {},
                         group.get("source"))  # fmt: skip
        elif rule.get("url") and maps_left:
            other = terminology.concept_map(rule["url"])
            if other is not None:
                listed = other.forwards.get((group.get("source"), coding.code))
                yield from listed or _unmapped(terminology, other, coding, maps_left - 1)


def _match(mapped: Mapped, concept_map: ConceptMap) -> Resource:
    concept = {"system": mapped.system, "version": mapped.version, "code": mapped.code,
               "display": mapped.display}  # fmt: skip
    parts: list[Resource] = [{"name": "equivalence", "valueCode": mapped.equivalence}]
    if mapped.code is not None:
        coding = {name: value for name, value in concept.items() if value is not None}
        parts.append({"name": "concept", "valueCoding": coding})
    for product in mapped.target.get("product", ()):
        coding = {"system": product.get("system"), "code": product.get("value"),
                  "display": product.get("display")}  # fmt: skip
        said = {name: value for name, value in coding.items() if value is not None}
        parts.append({"name": "product", "part": [
            {"name": "element", "valueUri": product.get("property")},
            {"name": "concept", "valueCoding": said},
        ]})  # fmt: skip
    if concept_map.url:
        parts.append({"name": "source", "valueUri": concept_map.url})
    return {"name": "match", "part": parts}

"""A patient journey as a reader follows it: what happened when, in words of the reader's language."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_server.guide.source import Example, GuideSource, Resource
from fhir_server.guide.translation import Text, display_of, text_of
from fhir_server.model.issues import Language

_DATES = (
    "effectiveDateTime",
    "performedDateTime",
    "authoredOn",
    "created",
    "dateTime",
    "issued",
    "start",
)
_PERIODS = ("effectivePeriod", "performedPeriod", "period")
_OWN_WORDS = ("conclusion", "name", "title", "description", "valueString")
_CONCEPTS = (
    "valueCodeableConcept",
    "businessStatus",
    "medicationCodeableConcept",
    "category",
    "type",
    "appointmentType",
    "outcome",
    "code",
)
_DECISIONS: Mapping[str, Mapping[str, str]] = {
    "permit": {"en": "permitted", "fr": "autorisé"},
    "deny": {"en": "refused", "fr": "refusé"},
}
Labels = Mapping[tuple[str, str], Text]


@dataclass(frozen=True, slots=True)
class Step:
    """One resource of a journey: `day` may be empty, `words` say what it tells."""

    day: str
    profile: str
    title: Text
    words: list[Text]


def steps_of(source: GuideSource, journey: Example, language: Language) -> list[Step]:
    """The steps of a journey in order of time; what has no date comes first."""
    titles = {each["url"]: text_of(each, "title", language) for each in source.profiles}
    labels = _labels(source, language)
    found = [
        Step(
            day=_day(resource),
            profile=resource["meta"]["profile"][0],
            title=titles[resource["meta"]["profile"][0]],
            words=list(_words(resource, labels, language)),
        )
        for resource in (entry["resource"] for entry in journey.resource["entry"])
    ]
    return sorted(found, key=lambda step: step.day)


def _labels(source: GuideSource, language: Language) -> Labels:
    return {
        (system["url"], concept["code"]): display_of(concept, language)
        for system in source.of_type("CodeSystem")
        for concept in system.get("concept", ())
    }


def _day(resource: Resource) -> str:
    """The date by which a resource stands in its journey."""
    dates = [resource[name] for name in _DATES if name in resource]
    dates += [resource[name]["start"] for name in _PERIODS if "start" in resource.get(name, {})]
    dates += [
        each["valueDateTime"] for each in resource.get("extension", ()) if "valueDateTime" in each
    ]
    dates.append(resource.get("collection", {}).get("collectedDateTime", ""))
    return str(dates[0])[:10]


def _words(resource: Resource, labels: Labels, language: Language) -> Iterator[Text]:
    """What a resource tells: its own words, which are French, else its codes, sizes and decision."""
    own = [str(resource[name]) for name in _OWN_WORDS if isinstance(resource.get(name), str)]
    if own:
        yield Text(own[0], "fr")
        return
    if resource["resourceType"] == "Patient":
        yield Text(str(resource.get("birthDate", "")), language)
        return
    if resource["resourceType"] == "Condition":
        yield from _histology(resource, labels)
        yield from _labelled(resource.get("code", {}), labels)
        return
    yield from _told(resource, labels) or _told(resource, labels, _CONCEPTS)
    decision = resource.get("provision", {}).get("type")
    if decision in _DECISIONS:
        yield Text(_DECISIONS[decision][language], language)


def _histology(tumour: Resource, labels: Labels) -> Iterator[Text]:
    for extension in tumour.get("extension", ()):
        if "valueCodeableConcept" in extension:
            yield from _labelled(extension["valueCodeableConcept"], labels)


def _told(resource: Resource, labels: Labels, names: tuple[str, ...] = ()) -> list[Text]:
    """The first of the concepts that there is; without names the values, those of components among them."""
    if names:
        told = (resource[name] for name in names if name in resource)
        return list(_labelled(next(told, {}), labels))
    found: list[Text] = []
    for part in (resource, *resource.get("component", ())):
        if "valueCodeableConcept" in part:
            found += _labelled(part["valueCodeableConcept"], labels)
        elif "valueQuantity" in part:
            quantity = part["valueQuantity"]
            found.append(Text(f"{quantity['value']} {quantity.get('unit', '')}".strip(), "en"))
        elif "valueInteger" in part:
            found.append(Text(str(part["valueInteger"]), "en"))
    return found


def _labelled(concepts: Any, labels: Labels) -> Iterator[Text]:
    """The labels of the codes of a concept, or of several; its words where the codes have none."""
    for concept in concepts if isinstance(concepts, list) else [concepts]:
        codings = [
            (each.get("system", ""), each.get("code", "")) for each in concept.get("coding", ())
        ]
        known = [labels[each] for each in codings if each in labels]
        if known:
            yield known[0]
        elif concept.get("text"):
            yield Text(str(concept["text"]), "fr")
        elif codings:
            yield Text(codings[0][1], "en")

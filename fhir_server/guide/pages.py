"""The pages of the guide in one language: where each stands, from which template, with what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhir_server.guide.elements import element_rows
from fhir_server.guide.journeys import steps_of
from fhir_server.guide.rules import rules_of
from fhir_server.guide.source import Example, GuideSource, Resource
from fhir_server.guide.terminology import code_system_view, concept_map_view, value_set_view
from fhir_server.guide.texts import texts_in
from fhir_server.guide.translation import Text, text_of
from fhir_server.guide.v2_origins import in_words
from fhir_server.model.issues import Language
from fhir_server.model.json_source import pretty_json

FOLDERS: Mapping[str, str] = {
    "StructureDefinition": "profiles",
    "ValueSet": "value-sets",
    "CodeSystem": "code-systems",
    "ConceptMap": "concept-maps",
    "SearchParameter": "search-parameters",
    "Questionnaire": "questionnaires",
}
"""Folder of the pages by resource type."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page below the folder of its language; `kind` and `keywords` are for the search box."""

    path: str
    template: str
    title: Text
    kind: str
    about: Text
    keywords: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListEntry:
    """A line of a list: where it leads, what it is."""

    path: str
    name: str
    title: Text
    about: Text
    mark: str = ""


def page_path(resource: Resource) -> str:
    """Where the page of a conformance resource stands; editions of a code system apart."""
    folder = FOLDERS[resource["resourceType"]]
    several = resource["resourceType"] == "CodeSystem" and resource.get("content") == "fragment"
    version = f"-{resource['version']}" if several and "version" in resource else ""
    return f"{folder}/{resource['id']}{version}.html"


def pages(source: GuideSource, language: Language) -> Iterator[Page]:
    """Every page in one language."""
    yield Page("index.html", "index.html", Text("", language), "", Text("", language), content={
        "counts": [(kind, len(source.of_type(kind))) for kind in FOLDERS],
        "profiles": [_entry(each, language) for each in source.profiles],
        "journeys": [_journey_entry(each, language) for each in source.journeys],
        "valid": len(source.valid),
        "invalid": len(source.invalid),
    })  # fmt: skip
    for structure in (*source.profiles, *source.extensions):
        yield _profile_page(source, structure, language)
    views = {"ValueSet": value_set_view, "CodeSystem": code_system_view}
    for kind, view in views.items():
        for resource in source.of_type(kind):
            found = view(source, resource, language)
            template = f"{FOLDERS[kind].removesuffix('s')}.html"
            words = " ".join(row.code for row in found.rows)
            yield _page(resource, template, kind, language, words, view=found)
    for resource in source.of_type("ConceptMap"):
        mapped = concept_map_view(source, resource, language)
        yield _page(resource, "concept-map.html", "ConceptMap", language, "", view=mapped)
    for resource in source.of_type("SearchParameter"):
        yield _page(
            resource, "search-parameter.html", "SearchParameter", language, resource["code"]
        )
    for resource in source.of_type("Questionnaire"):
        items = list(_questions(resource, language))
        yield _page(resource, "questionnaire.html", "Questionnaire", language, "", questions=items)
    for journey in source.journeys:
        yield _journey_page(source, journey, language)
    yield from _lists(source, language)


def _page(
    resource: Resource, template: str, kind: str, language: Language, words: str, **content: Any
) -> Page:
    return Page(
        path=page_path(resource),
        template=template,
        title=_title(resource, language),
        kind=kind,
        about=text_of(resource, "description", language),
        keywords=f"{resource['id']} {words}",
        content={
            "resource": resource,
            "purpose": text_of(resource, "purpose", language),
            "notice": text_of(resource, "copyright", language),
            **content,
        },
    )


def _title(resource: Resource, language: Language) -> Text:
    if "title" in resource:
        return text_of(resource, "title", language)
    return Text(str(resource.get("code") or resource.get("name") or resource["id"]), "en")


def _profile_page(source: GuideSource, structure: Resource, language: Language) -> Page:
    rows = element_rows(structure, source.snapshots[structure["url"]], language)
    claims = structure["url"]
    is_extension = structure["kind"] != "resource"
    return _page(
        structure,
        "profile.html",
        "Extension" if is_extension else "Profile",
        language,
        " ".join([structure["type"], *(row.id for row in rows if row.changed)]),
        differential=[row for row in rows if row.changed],
        snapshot=rows,
        rules=rules_of(structure, source.invalid, language),
        valid=[_shown(each) for each in source.valid if claims in each.profiles],
        invalid=[each for each in source.invalid if claims in each.profiles],
        origins=[
            (origin, in_words(origin.condition, texts_in(language)["v2_words"]))
            for origin in source.origins.get(structure["id"], ())
        ],
        contexts=[each["expression"] for each in structure.get("context", ())],
        used_by=_users(source, structure["url"]) if is_extension else [],
    )


def _users(source: GuideSource, url: str) -> list[Resource]:
    """The profiles that hold an extension."""
    return [
        each
        for each in source.profiles
        if any(
            url in kind.get("profile", ())
            for element in each["differential"]["element"]
            for kind in element.get("type", ())
        )
    ]


def _shown(example: Example) -> tuple[str, str]:
    return example.name, pretty_json(example.resource).decode()


def _questions(resource: Resource, language: Language) -> Iterator[tuple[int, Resource, Text]]:
    """Depth, item and its text, in the order of the form."""

    def walk(items: Sequence[Resource], depth: int) -> Iterator[tuple[int, Resource, Text]]:
        for item in items:
            yield depth, item, text_of(item, "text", language)
            yield from walk(item.get("item", ()), depth + 1)

    return walk(resource.get("item", ()), 0)


def _journey_page(source: GuideSource, journey: Example, language: Language) -> Page:
    entry = _journey_entry(journey, language)
    return Page(
        path=entry.path,
        template="journey.html",
        title=entry.title,
        kind="Bundle",
        about=entry.about,
        content={"journey": journey, "steps": steps_of(source, journey, language)},
    )


def _journey_entry(journey: Example, language: Language) -> ListEntry:
    name = journey.name.rpartition("/")[2].removesuffix(".json")
    title = Text(str(texts_in(language)["journey_names"][name]), language)
    about = Text(str(len(journey.resource["entry"])), language)
    return ListEntry(f"journeys/{name}.html", name, title, about)


def _lists(source: GuideSource, language: Language) -> Iterator[Page]:
    """A page for each kind, which lists what there is of it."""
    groups: dict[str, list[Resource]] = {
        "profiles": source.profiles,
        "extensions": source.extensions,
        **{
            folder: source.of_type(kind)
            for kind, folder in FOLDERS.items()
            if kind not in {"StructureDefinition", "Questionnaire"}
        },
    }
    for name, resources in groups.items():
        yield Page(
            path=f"{name}.html",
            template="list.html",
            title=Text("", language),
            kind="",
            about=Text("", language),
            content={"group": name, "entries": [_entry(each, language) for each in resources]},
        )


def _entry(resource: Resource, language: Language) -> ListEntry:
    mark = resource.get("type", "") if resource["resourceType"] == "StructureDefinition" else ""
    if resource["resourceType"] == "SearchParameter":
        mark = ", ".join(resource["base"])
    return ListEntry(
        page_path(resource),
        resource["id"],
        _title(resource, language),
        text_of(resource, "description", language),
        mark,
    )

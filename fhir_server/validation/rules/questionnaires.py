"""QuestionnaireResponses beside their Questionnaire: known items, answers where they may be, required ones.

Source: FHIR R4 §2.31.4, https://hl7.org/fhir/R4/questionnaireresponse.html#notes
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_server.validation.inspection import Inspection
from fhir_server.validation.report import shown
from fhir_server.validation.rules.questionnaire_answers import explain_answers
from fhir_server.validation.rules.questionnaire_enabling import Outline, Trail, is_enabled

Item = dict[str, Any]

_OPEN = frozenset({"in-progress", "stopped", "entered-in-error"})
_MIN_OCCURS = "http://hl7.org/fhir/StructureDefinition/questionnaire-minOccurs"
_MAX_OCCURS = "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs"


@dataclass(frozen=True, slots=True)
class Response:
    """One response under validation, with the questionnaire it answers."""

    questionnaire: dict[str, Any]
    resource: dict[str, Any]
    outline: Outline
    case: Inspection

    @property
    def is_complete(self) -> bool:
        """Whether what is required must be there."""
        return self.resource.get("status") not in _OPEN

    def error(self, issue_id: str, code: str, location: str, **parameters: Any) -> None:
        """Report a fault; the rule is the questionnaire's."""
        self.case.report.error(
            issue_id, code, location, self.questionnaire.get("url"), **parameters
        )


def explain_questionnaire_response(resource: Item, location: str, case: Inspection) -> None:
    """The detailed check of a whole response."""
    canonical = resource.get("questionnaire")
    if not isinstance(canonical, str):
        return
    questionnaire = _questionnaire(canonical, case)
    if questionnaire is None:
        if canonical.startswith("#"):
            case.report.error("questionnaire-missing", "not-found", f"{location}.questionnaire",
                              questionnaire=shown(canonical))  # fmt: skip
        elif (other := _other_definition(canonical, case)) is not None:
            case.report.error("questionnaire-other-type", "invalid", f"{location}.questionnaire",
                              questionnaire=shown(canonical), found=other)  # fmt: skip
        else:
            case.report.warning("questionnaire-not-checked", "not-found", f"{location}.questionnaire",
                                questionnaire=shown(canonical))  # fmt: skip
        return
    response = Response(questionnaire, resource, Outline(resource), case)
    _items(questionnaire, (resource,), location, response)


def _other_definition(canonical: str, case: Inspection) -> str | None:
    """The type of the definition that the canonical of a questionnaire leads to instead."""
    definitions = case.knowledge.definitions
    kinds = ("StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "SearchParameter")
    return next((kind for kind in kinds if definitions.find(kind, canonical) is not None), None)


def _questionnaire(canonical: str, case: Inspection) -> Item | None:
    if canonical.startswith("#"):
        found = case.scope.resolve(canonical)
    else:
        found = case.knowledge.definitions.find("Questionnaire", canonical)
        if found is None and case.scope.bundle is not None:
            found = next(iter(case.scope.bundle.by_url.get(canonical, ())), None)
    return found if found is not None and found.get("resourceType") == "Questionnaire" else None


def items_in(holder: Any) -> list[Item]:
    """The items directly in a questionnaire, a response, an item or an answer."""
    items = holder.get("item") if isinstance(holder, dict) else None
    return [item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict)]


def _items(definitions: Item, trail: Trail, location: str, response: Response) -> None:
    """Checks the items of one level: a questionnaire's or group's against those given."""
    wanted = {item.get("linkId"): item for item in items_in(definitions)}
    given: dict[Any, list[tuple[Item, str]]] = {}
    position = -1
    order = list(wanted)
    for index, item in enumerate(items_in(trail[-1])):
        link_id, place = item.get("linkId"), f"{location}.item[{index}]"
        definition = wanted.get(link_id)
        if definition is None:
            response.error(
                "questionnaire-unknown-item", "not-found", location, link_id=shown(link_id)
            )
            continue
        if order.index(link_id) < position:
            response.error("questionnaire-item-order", "structure", place, link_id=shown(link_id))
        position = max(position, order.index(link_id))
        given.setdefault(link_id, []).append((item, place))
    for link_id, definition in wanted.items():
        _item(definition, given.get(link_id, []), trail, location, response)


def _item(
    definition: Item,
    given: list[tuple[Item, str]],
    trail: Trail,
    location: str,
    response: Response,
) -> None:
    link_id, kind = shown(definition.get("linkId")), definition.get("type")
    is_required = definition.get("required") and response.is_complete and kind != "display"
    if not given and is_required and is_enabled(definition, response.outline, trail):
        response.error("questionnaire-required", "required", location, link_id=link_id)
    # A question that repeats has several answers in one item; only groups repeat as a whole.
    if len(given) > 1 and not (kind == "group" and definition.get("repeats")):
        issue_id = "questionnaire-group-twice" if kind == "group" else "questionnaire-item-twice"
        response.error(issue_id, "invalid", given[1][1], link_id=link_id)
    for item, place in given:
        if not is_enabled(definition, response.outline, trail, item):
            if item.get("answer") or item.get("item"):
                response.error("questionnaire-not-enabled", "invalid", place, link_id=link_id)
        elif kind in {"group", "display"}:
            _group(definition, (*trail, item), place, response)
        elif kind == "question":
            response.error("questionnaire-abstract", "structure", place, link_id=link_id)
        else:
            _question(definition, (*trail, item), place, response)


def _group(definition: Item, trail: Trail, place: str, response: Response) -> None:
    if trail[-1].get("answer"):
        response.error(
            "questionnaire-no-answer-here", "structure", place, type=definition.get("type")
        )
    _items(definition, trail, place, response)


def _question(definition: Item, trail: Trail, place: str, response: Response) -> None:
    item = trail[-1]
    if item.get("item"):
        response.error(
            "questionnaire-items-in-answer", "structure", place, link_id=shown(item["linkId"])
        )
    answers = item.get("answer")
    answers = [a for a in (answers if isinstance(answers, list) else ()) if isinstance(a, dict)]
    minimum, maximum = _occurrences(definition)
    if len(answers) < minimum and response.is_complete:
        issue_id, code = ("questionnaire-required", "required") if definition.get("required") else (
            "questionnaire-too-few", "invalid")  # fmt: skip
        response.error(
            issue_id, code, place, link_id=shown(item["linkId"]), min=minimum, found=len(answers)
        )
    if maximum is not None and len(answers) > maximum:
        response.error("questionnaire-too-many", "invalid", place,
                       link_id=shown(item["linkId"]), max=maximum, found=len(answers))  # fmt: skip
    explain_answers(definition, answers, place, response.case, response.questionnaire)
    for index, answer in enumerate(answers):
        _items(definition, (*trail, answer), f"{place}.answer[{index}]", response)


def _occurrences(definition: Item) -> tuple[int, int | None]:
    minimum = 1 if definition.get("required") else 0
    maximum = None if definition.get("repeats") else 1
    for url, value in extension_values(definition):
        if url == _MIN_OCCURS and isinstance(value, int):
            minimum = max(minimum, value)
        if url == _MAX_OCCURS and isinstance(value, int):
            maximum = value if maximum is None else min(maximum, value)
    return minimum, maximum


def extension_values(holder: Item) -> Iterator[tuple[str, Any]]:
    """The url and value of each extension of an element."""
    extensions = holder.get("extension")
    for extension in extensions if isinstance(extensions, list) else ():
        if isinstance(extension, dict):
            for key, value in extension.items():
                if key.startswith("value"):
                    yield str(extension.get("url")), value

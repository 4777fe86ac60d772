"""Questionnaires: a condition asks about a question that there is.

Source: FHIR R4 Questionnaire.item.enableWhen.question,
https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen.question
"""

from collections.abc import Iterator
from typing import Any

from fhir_server.validation.inspection import Inspection
from fhir_server.validation.report import shown
from fhir_server.validation.rules.questionnaires import items_in


def explain_questionnaire(resource: dict[str, Any], location: str, case: Inspection) -> None:
    """The detailed check of a Questionnaire."""
    items = list(_all_items(resource, location))
    known = {_link_id(item) for item, _ in items}
    for item, place in items:
        conditions = item.get("enableWhen")
        for condition in conditions if isinstance(conditions, list) else ():
            question = condition.get("question") if isinstance(condition, dict) else None
            # An item cannot wait for an answer of its own or of one below it.
            own = {_link_id(item), *(_link_id(inner) for inner, _ in _all_items(item, place))}
            if not isinstance(question, str) or question not in known or question in own:
                case.report.error(
                    "questionnaire-condition", "business-rule", place, question=shown(question)
                )


def _link_id(item: dict[str, Any]) -> str | None:
    link_id = item.get("linkId")
    return link_id if isinstance(link_id, str) else None


def _all_items(holder: Any, location: str) -> Iterator[tuple[dict[str, Any], str]]:
    for index, item in enumerate(items_in(holder)):
        place = f"{location}.item[{index}]"
        yield item, place
        yield from _all_items(item, place)

"""The rules of `validation/rules/questionnaire_enabling.py`: what keeps them, and what breaks them.

Source: FHIR R4 Questionnaire.item.enableWhen, https://hl7.org/fhir/R4/questionnaire-definitions.html
"""

from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import answered, questionnaire, response

DISABLED = {("questionnaire-not-enabled", "QuestionnaireResponse.item[1]")}


def when(operator: str, **answer: Any) -> dict[str, Any]:
    return {"question": "1", "operator": operator, **answer}


def mass(value: int, code: str) -> dict[str, Any]:
    return {"value": value, "unit": code, "system": "http://unitsofmeasure.org", "code": code}


def asked(kind: str, *conditions: dict[str, Any], **members: Any) -> dict[str, Any]:
    return questionnaire(
        {"linkId": "1", "type": kind, "text": "First"},
        {"linkId": "2", "type": "string", "text": "Then", "enableWhen": list(conditions), **members},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "condition", "answer", "is_enabled"),
    [
        ("boolean", when("=", answerBoolean=True), {"valueBoolean": True}, True),
        ("boolean", when("=", answerBoolean=True), {"valueBoolean": False}, False),
        ("boolean", when("!=", answerBoolean=True), {"valueBoolean": False}, True),
        ("boolean", when("exists", answerBoolean=False), {"valueBoolean": False}, False),
        ("integer", when(">", answerInteger=3), {"valueInteger": 4}, True),
        ("integer", when(">", answerInteger=3), {"valueInteger": 3}, False),
        ("integer", when(">=", answerInteger=3), {"valueInteger": 3}, True),
        ("integer", when("<", answerInteger=3), {"valueInteger": 3}, False),
        (
            "quantity",
            when(">", answerQuantity=mass(5, "mg")),
            {"valueQuantity": mass(1, "g")},
            True,
        ),
        (
            "quantity",
            when(">", answerQuantity=mass(5, "mg")),
            {"valueQuantity": mass(5, "mg")},
            False,
        ),
        (
            "quantity",
            when(">", answerQuantity=mass(5, "mg")),
            {"valueQuantity": mass(9, "m")},
            False,
        ),
        ("date", when("<=", answerDate="2026-01-01"), {"valueDate": "2025-12-31"}, True),
    ],
)
def test_questionnaire_enabling__answer_enables_an_item(
    judge: Judge, kind: str, condition: dict[str, Any], answer: dict[str, Any], *, is_enabled: bool
) -> None:
    given = response(answered("1", answer), answered("2", {"valueString": "x"}))
    assert judge(given, asked(kind, condition)) == (set() if is_enabled else DISABLED)


def test_questionnaire_enabling__all_conditions_or_any(judge: Judge) -> None:
    two = when(">", answerInteger=3), when("<", answerInteger=9)
    given = response(answered("1", {"valueInteger": 9}), answered("2", {"valueString": "x"}))
    assert judge(given, asked("integer", *two, enableBehavior="all")) == DISABLED
    assert judge(given, asked("integer", *two, enableBehavior="any")) == set()


def chosen(link_id: str, *items: dict[str, Any], yes: bool) -> dict[str, Any]:
    answer = {"valueBoolean": yes}
    return answered(link_id, {**answer, "item": list(items)} if items else answer)


BY_FIRST = {
    "linkId": "2", "type": "boolean", "text": "Then", "enableWhen": [when("=", answerBoolean=True)],
}  # fmt: skip
FIRST = {"linkId": "1", "type": "boolean", "text": "First"}


def group(*items: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"linkId": "g", "item": list(items), **members}


def test_questionnaire_enabling__question_of_the_same_group_decides(judge: Judge) -> None:
    asked_twice = questionnaire(
        group(FIRST, {**BY_FIRST, "required": True}, type="group", repeats=True, text="Group")
    )
    given = response(
        group(chosen("1", yes=True), chosen("2", yes=True)),
        group(chosen("1", yes=False), chosen("2", yes=True)),
        group(chosen("1", yes=True)),
        group(chosen("1", yes=False)),
    )
    assert judge(given, asked_twice) == {
        ("questionnaire-not-enabled", "QuestionnaireResponse.item[1].item[1]"),
        ("questionnaire-required", "QuestionnaireResponse.item[2]"),
    }


def test_questionnaire_enabling__ancestor_comes_first(judge: Judge) -> None:
    nested = questionnaire({**FIRST, "item": [BY_FIRST]})
    assert judge(response(chosen("1", chosen("2", yes=True), yes=True)), nested) == set()
    assert judge(response(chosen("1", chosen("2", yes=True), yes=False)), nested) == {
        ("questionnaire-not-enabled", "QuestionnaireResponse.item[0].answer[0].item[0]")
    }


def test_questionnaire_enabling__question_before_comes_before_one_behind(judge: Judge) -> None:
    before = questionnaire(group(FIRST, type="group", repeats=True, text="Group"), BY_FIRST)
    given = response(
        group(chosen("1", yes=False)), group(chosen("1", yes=True)), chosen("2", yes=True)
    )
    assert judge(given, before) == set()
    behind = questionnaire(BY_FIRST, FIRST)
    assert judge(response(chosen("2", yes=True), chosen("1", yes=True)), behind) == set()

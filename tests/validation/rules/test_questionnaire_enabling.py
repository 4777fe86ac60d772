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

"""The rules of `validation/rules/questionnaires.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.31.4, https://hl7.org/fhir/R4/questionnaireresponse.html#notes
"""

from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import CORE, HEAD, answered, questionnaire, response

ROOT = "QuestionnaireResponse"
YES = {"valueBoolean": True}


def question(link_id: str = "1", **members: Any) -> dict[str, Any]:
    return {"linkId": link_id, "type": "boolean", "text": "x", **members}


def occurring(url: str, number: int) -> list[dict[str, Any]]:
    return [{"url": f"{CORE}/questionnaire-{url}", "valueInteger": number}]


GROUP = {"linkId": "1", "type": "group", "item": [question("2")]}
FILLED = {"linkId": "1", "item": [answered("2", YES)]}
BELOW = {"linkId": "1", "answer": [YES], "item": [answered("2", YES)]}


@pytest.mark.parametrize(
    ("definitions", "items", "expected"),
    [
        ([question(), question("2")], [answered("1", YES), answered("2", YES)], None),
        ([question()], [answered("3", YES)], ("questionnaire-unknown-item", "")),
        ([question(), question("2")], [answered("2", YES), answered("1", YES)],
         ("questionnaire-item-order", ".item[1]")),
        ([question(repeats=True)], [answered("1", YES), answered("1", YES)],
         ("questionnaire-item-twice", ".item[1]")),
        ([question(type="question")], [answered("1", YES)], ("questionnaire-abstract", ".item[0]")),
        ([question(required=True)], [], ("questionnaire-required", "")),
        ([question(repeats=True, extension=occurring("minOccurs", 2))], [answered("1", YES)],
         ("questionnaire-too-few", ".item[0]")),
        ([question()], [answered("1", YES, YES)], ("questionnaire-too-many", ".item[0]")),
        ([question(repeats=True, extension=occurring("maxOccurs", 2))], [answered("1", YES, YES)], None),
        ([GROUP], [{"linkId": "1", "item": [answered("2", YES)]}], None),
        ([GROUP], [FILLED, FILLED], ("questionnaire-group-twice", ".item[1]")),
        ([{**GROUP, "repeats": True}], [FILLED, FILLED], None),
        ([GROUP], [answered("1", YES)], ("questionnaire-no-answer-here", ".item[0]")),
        ([question(item=[question("2")])], [answered("1", {**YES, "item": [answered("2", YES)]})], None),
    ],
)  # fmt: skip
def test_questionnaires__items_are_as_the_questionnaire_says(
    judge: Judge,
    definitions: list[dict[str, Any]],
    items: list[dict[str, Any]],
    expected: tuple[str, str] | None,
) -> None:
    given = response(*items)
    if not items:
        del given["item"]
    found = judge(given, questionnaire(*definitions))
    assert found == (set() if expected is None else {(expected[0], ROOT + expected[1])})


def test_questionnaires__items_below_a_question_stand_in_its_answer(judge: Judge) -> None:
    found = judge(response(BELOW), questionnaire(question(item=[question("2")])))
    assert ("questionnaire-items-in-answer", f"{ROOT}.item[0]") in found


def test_questionnaires__what_is_required_may_wait_while_in_progress(judge: Judge) -> None:
    asked = questionnaire(question(required=True), question("2"))
    assert judge(response(answered("2", YES), status="in-progress"), asked) == set()


def test_questionnaires__questionnaire_is_known(judge: Judge) -> None:
    place = f"{ROOT}.questionnaire"
    given = response(answered("1", YES))
    value_set = {"resourceType": "ValueSet", **HEAD}
    assert judge(given) == {("questionnaire-not-checked", place)}
    assert judge({**given, "questionnaire": "#q"}) == {("questionnaire-missing", place)}
    assert judge({**given, "questionnaire": HEAD["url"]}, value_set) == {
        ("questionnaire-other-type", place)
    }

"""The rules of `validation/rules/questionnaire_definitions.py`: what keeps them, and what breaks them.

Source: FHIR R4 Questionnaire.item.enableWhen.question,
https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen.question
"""

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import questionnaire


def waiting_for(question: str) -> dict[str, object]:
    condition = {"question": question, "operator": "exists", "answerBoolean": True}
    return questionnaire(
        {"linkId": "1", "type": "boolean", "text": "Pain?"},
        {"linkId": "2", "type": "string", "text": "Where?", "enableWhen": [condition]},
    )


def test_questionnaire_definitions__condition_asks_about_another_item(judge: Judge) -> None:
    assert judge(waiting_for("1")) == set()
    assert judge(waiting_for("2")) == {("questionnaire-condition", "Questionnaire.item[1]")}
    assert judge(waiting_for("3")) == {("questionnaire-condition", "Questionnaire.item[1]")}

"""The rules of `validation/rules/questionnaire_answers.py`: what keeps them, and what breaks them.

Source: FHIR R4 Questionnaire.item.type, https://hl7.org/fhir/R4/valueset-item-type.html, and the
extensions of Questionnaire, https://hl7.org/fhir/R4/questionnaire-profiles.html
"""

from decimal import Decimal
from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import CORE, answered, questionnaire, response

ANSWER = "QuestionnaireResponse.item[0].answer[0]"
GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
UCUM = "http://unitsofmeasure.org"


def limit(name: str, **value: Any) -> dict[str, Any]:
    return {"url": f"{CORE}/{name}", **value}


def quantity(value: str, code: str = "mm") -> dict[str, Any]:
    return {"value": Decimal(value), "system": UCUM, "code": code}


def question(kind: str, *limits: dict[str, Any], **members: Any) -> dict[str, Any]:
    found = {"linkId": "1", "text": "x", "type": kind, **members}
    return {**found, "extension": list(limits)} if limits else found


ONE_OF = [{"valueCoding": {"system": GENDER, "code": "male"}}]
SIZE = limit("minValue", valueInteger=1), limit("maxValue", valueInteger=9)
QUANTITIES = (
    limit("questionnaire-unitOption", valueCoding={"system": UCUM, "code": "mm"}),
    limit("minQuantity", valueQuantity=quantity("1")),
    limit("maxQuantity", valueQuantity=quantity("9")),
)


@pytest.mark.parametrize(
    ("definition", "answer", "expected"),
    [
        (question("integer"), {"valueInteger": 1}, None),
        (question("integer"), {"valueString": "1"}, ("questionnaire-answer-type", ".value.ofType(string)")),
        (question("choice", answerOption=ONE_OF), ONE_OF[0], None),
        (question("choice", answerOption=ONE_OF), {"valueCoding": {"system": GENDER, "code": "female"}},
         ("questionnaire-answer-option", "")),
        (question("open-choice", answerOption=ONE_OF), {"valueString": "another"}, None),
        (question("choice", answerValueSet=GENDERS), ONE_OF[0], None),
        (question("choice", answerValueSet=GENDERS),
         {"valueCoding": {"system": "http://hl7.org/fhir/observation-status", "code": "final"}},
         ("questionnaire-answer-value-set", "")),
        (question("integer", *SIZE), {"valueInteger": 5}, None),
        (question("integer", *SIZE), {"valueInteger": 0},
         ("questionnaire-answer-below", ".value.ofType(integer)")),
        (question("integer", *SIZE), {"valueInteger": 10},
         ("questionnaire-answer-above", ".value.ofType(integer)")),
        (question("decimal", limit("maxDecimalPlaces", valueInteger=1)), {"valueDecimal": Decimal("1.25")},
         ("questionnaire-answer-decimals", ".value.ofType(decimal)")),
        (question("string", maxLength=3), {"valueString": "abc"}, None),
        (question("string", maxLength=3), {"valueString": "abcd"},
         ("questionnaire-answer-long", ".value.ofType(string)")),
        (question("string", limit("minLength", valueInteger=3)), {"valueString": "ab"},
         ("questionnaire-answer-short", ".value.ofType(string)")),
        (question("string", limit("regex", valueString="^[0-9]+$")), {"valueString": "ab"},
         ("questionnaire-answer-pattern", ".value.ofType(string)")),
        (question("url"), {"valueUri": "https://osteon.example"}, None),
        (question("url"), {"valueUri": "osteon"}, ("questionnaire-answer-url", ".value.ofType(uri)")),
        (question("quantity", *QUANTITIES), {"valueQuantity": quantity("5")}, None),
        (question("quantity", *QUANTITIES), {"valueQuantity": quantity("0")},
         ("questionnaire-answer-below", ".value.ofType(Quantity)")),
        (question("quantity", QUANTITIES[0]), {"valueQuantity": quantity("5", "cm")},
         ("questionnaire-answer-unit", ".value.ofType(Quantity)")),
        (question("quantity", QUANTITIES[1]), {"valueQuantity": quantity("5", "cm")},
         ("questionnaire-answer-unit-unlike", ".value.ofType(Quantity)")),
        (question("reference", limit("questionnaire-referenceResource", valueCode="Patient")),
         {"valueReference": {"reference": "Device/1"}},
         ("questionnaire-answer-reference", ".value.ofType(Reference)")),
        (question("attachment", limit("mimeType", valueCode="image/png")),
         {"valueAttachment": {"contentType": "image/png", "title": "x"}}, None),
        (question("attachment", limit("mimeType", valueCode="image/png")),
         {"valueAttachment": {"contentType": "text/plain", "title": "x"}},
         ("questionnaire-attachment-type", "")),
    ],
)  # fmt: skip
def test_questionnaire_answers__fit_the_question(
    judge: Judge,
    definition: dict[str, Any],
    answer: dict[str, Any],
    expected: tuple[str, str] | None,
) -> None:
    found = judge(response(answered("1", answer)), questionnaire(definition))
    assert found == (set() if expected is None else {(expected[0], ANSWER + expected[1])})


def test_questionnaire_answers__text_where_a_display_is_asked(judge: Judge) -> None:
    definition = question("choice", answerValueSet=GENDERS, answerOption=[{"valueString": "Grey"}])
    found = judge(response(answered("1", {"valueString": "Grey"})), questionnaire(definition))
    assert found == {("questionnaire-answer-text", f"{ANSWER}.value.ofType(string)")}


def test_questionnaire_answers__exclusive_option_stands_alone(judge: Judge) -> None:
    options = [
        {"valueString": "none", "extension": [limit("questionnaire-optionExclusive", valueBoolean=True)]},
        {"valueString": "pain"},
    ]  # fmt: skip
    asked = questionnaire(question("choice", answerOption=options, repeats=True))
    none, pain = {"valueString": "none"}, {"valueString": "pain"}
    assert judge(response(answered("1", none)), asked) == set()
    assert judge(response(answered("1", none, pain)), asked) == {
        ("questionnaire-answer-exclusive", ANSWER)
    }

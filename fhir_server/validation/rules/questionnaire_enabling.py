"""`enableWhen`: whether an item of a questionnaire is to be answered, given the answers so far.

Source: FHIR R4 Questionnaire.item.enableWhen, https://hl7.org/fhir/R4/questionnaire-definitions.html
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from fhir_server.validation.rules.fixed import matches

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda one, other: bool(one > other),
    "<": lambda one, other: bool(one < other),
    ">=": lambda one, other: bool(one >= other),
    "<=": lambda one, other: bool(one <= other),
}


def is_enabled(definition: dict[str, Any], response: dict[str, Any]) -> bool:
    """Whether an item is enabled by the answers of the whole response."""
    conditions = [c for c in definition.get("enableWhen") or () if isinstance(c, dict)]
    if not conditions:
        return True
    results = [_holds(condition, response) for condition in conditions]
    return any(results) if definition.get("enableBehavior") == "any" else all(results)


def _holds(condition: dict[str, Any], response: dict[str, Any]) -> bool:
    answers = [
        value for value in _answers(response, condition.get("question")) if value is not None
    ]
    operator = condition.get("operator")
    expected = next((value for key, value in condition.items() if key.startswith("answer")), None)
    if operator == "exists":
        return bool(answers) is bool(expected)
    if operator == "=":
        return any(_same(answer, expected) for answer in answers)
    if operator == "!=":
        return bool(answers) and all(not _same(answer, expected) for answer in answers)
    compare = _ORDER.get(str(operator))
    return compare is not None and any(_ordered(answer, expected, compare) for answer in answers)


def _same(answer: Any, expected: Any) -> bool:
    if isinstance(answer, dict) and isinstance(expected, dict):
        wanted = {key: value for key, value in expected.items() if key != "display"}
        return matches(answer, wanted)
    return type(answer) is type(expected) and bool(answer == expected)


def _ordered(answer: Any, expected: Any, compare: Callable[[Any, Any], bool]) -> bool:
    if isinstance(answer, dict) and isinstance(expected, dict):
        if answer.get("code") != expected.get("code"):
            return False
        answer, expected = answer.get("value"), expected.get("value")
    numbers = (int, Decimal)
    if isinstance(answer, numbers) and isinstance(expected, numbers):
        return compare(answer, expected)
    return isinstance(answer, str) and isinstance(expected, str) and compare(answer, expected)


def _answers(holder: Any, link_id: Any) -> Iterator[Any]:
    """The values answered to a question, anywhere in the response."""
    if not isinstance(holder, dict):
        return
    for item in holder.get("item") or ():
        if not isinstance(item, dict):
            continue
        for answer in item.get("answer") or ():
            if not isinstance(answer, dict):
                continue
            if item.get("linkId") == link_id:
                yield next((v for k, v in answer.items() if k.startswith("value")), None)
            yield from _answers(answer, link_id)
        yield from _answers(item, link_id)

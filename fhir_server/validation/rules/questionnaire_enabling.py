"""`enableWhen`: whether an item of a questionnaire is to be answered, given the answers so far.

Source: FHIR R4 Questionnaire.item.enableWhen, https://hl7.org/fhir/R4/questionnaire-definitions.html
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from fhir_server.validation.rules.bounds import order_of
from fhir_server.validation.rules.fixed import matches

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda one, other: bool(one > other),
    "<": lambda one, other: bool(one < other),
    ">=": lambda one, other: bool(one >= other),
    "<=": lambda one, other: bool(one <= other),
}


Item = dict[str, Any]
Trail = tuple[Item, ...]
"""The response, then the items and answers that lead to a place in it."""


class Outline:
    """Where each question of a response stands, in the order of the document. Cost: one walk through it."""

    def __init__(self, response: Item) -> None:
        self._spans: dict[int, tuple[int, int]] = {}
        self._numbers: dict[str, list[int]] = {}
        self._items: dict[str, list[Item]] = {}
        self._walk(response, 0)

    def _walk(self, holder: Item, number: int) -> int:
        first = number
        link_id = holder.get("linkId")
        if isinstance(link_id, str):
            self._numbers.setdefault(link_id, []).append(number)
            self._items.setdefault(link_id, []).append(holder)
        for child in _children(holder):
            number = self._walk(child, number + 1)
        self._spans[id(holder)] = first, number
        return number

    def nearest(self, link_id: str, trail: Trail, item: Item | None) -> Item | None:
        """The occurrence of a question that a condition means where there are several: the nearest one, by
        ancestors first, then before, then behind (Questionnaire.item.enableWhen.question).
        """
        numbers = self._numbers.get(link_id, [])
        here = self._spans[id(item)][0] if item is not None else self._spans[id(trail[-1])][1] + 1
        for holder in reversed(trail):
            if holder.get("linkId") == link_id:
                return holder
            first, last = self._spans[id(holder)]
            low, high = bisect_right(numbers, first), bisect_right(numbers, last)
            if low < high:
                return self._items[link_id][max(low, bisect_left(numbers, here, low, high) - 1)]
        return None


def is_enabled(definition: Item, outline: Outline, trail: Trail, item: Item | None = None) -> bool:
    """Whether an item is enabled by the answers of the response.

    Shape: `trail` leads to what holds the item, `item` is None where it is absent.
    """
    conditions = [c for c in definition.get("enableWhen") or () if isinstance(c, dict)]
    if not conditions:
        return True
    results = [_holds(condition, outline, trail, item) for condition in conditions]
    return any(results) if definition.get("enableBehavior") == "any" else all(results)


def _holds(condition: Item, outline: Outline, trail: Trail, item: Item | None) -> bool:
    question = outline.nearest(str(condition.get("question")), trail, item)
    answers = list(_answers(question)) if question is not None else []
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
        order = order_of(answer, expected)
        return order is not None and compare(order, 0)
    numbers = (int, Decimal)
    if isinstance(answer, numbers) and isinstance(expected, numbers):
        return compare(answer, expected)
    return isinstance(answer, str) and isinstance(expected, str) and compare(answer, expected)


def _children(holder: Item) -> Iterator[Item]:
    """The answers and items directly below a response, item or answer."""
    for name in ("answer", "item"):
        inner = holder.get(name)
        yield from (
            one for one in (inner if isinstance(inner, list) else ()) if isinstance(one, dict)
        )


def _answers(question: Item) -> Iterator[Any]:
    """The values answered to a question."""
    for answer in question.get("answer") or ():
        if isinstance(answer, dict):
            value = next((v for key, v in answer.items() if key.startswith("value")), None)
            if value is not None:
                yield value

"""Conditions compiled to closures.

A condition is asked with the context and, inside the map of a data type, the value it reads.
"""

from collections.abc import Callable

from ingest.hl7v2.segment import NULL
from ingest.mapping.conditions import All, Any, Condition, Not, Test
from ingest.mapping.context import Context
from ingest.mapping.places import ComponentPlace, FieldPlace
from ingest.mapping.primitives import is_number
from ingest.mapping.view import View

Decide = Callable[[Context, View | None], bool]
Read = Callable[[Context, View | None], str | None]
ReadField = Callable[..., str | None]
"""A Read that needs no value: of a context alone, too."""


def compile_condition(condition: Condition) -> Decide:
    """The closure of a condition."""
    if isinstance(condition, Not):
        if isinstance(condition.part, Test) and condition.part.test == "in":
            return _compile_absence(condition.part)
        inner = compile_condition(condition.part)
        return lambda context, view: not inner(context, view)
    if isinstance(condition, All | Any):
        parts = [compile_condition(part) for part in condition.parts]
        return _both(parts) if isinstance(condition, All) else _either(parts)
    return _compile_test(condition)


def _both(parts: list[Decide]) -> Decide:
    first, *rest = parts
    if not rest:
        return first
    if len(rest) == 2:
        second, third = rest
        return lambda context, view: (
            first(context, view) and second(context, view) and third(context, view)
        )
    others = _both(rest)
    return lambda context, view: first(context, view) and others(context, view)


def _either(parts: list[Decide]) -> Decide:
    first, *rest = parts
    if not rest:
        return first
    if len(rest) == 2:
        second, third = rest
        return lambda context, view: (
            first(context, view) or second(context, view) or third(context, view)
        )
    others = _either(rest)
    return lambda context, view: first(context, view) or others(context, view)


def compile_operand(operand: FieldPlace | str) -> Callable[[Context], str | None]:
    """The reader of a field or name, without a data type's value."""
    if isinstance(operand, str):
        return lambda context: context.names.get(operand)
    return _field_reader(operand)


def _compile_absence(test: Test) -> Decide:
    """`not … in`, by far the most that are asked, without a call for the negation."""
    words, operand = test.words, test.operand
    if isinstance(operand, str):
        return lambda context, _view: context.names.get(operand) not in words
    read = _reader(test)
    return lambda context, view: read(context, view) not in words


def _compile_test(test: Test) -> Decide:
    if test.test == "in":
        words, operand = test.words, test.operand
        if isinstance(operand, str):
            return lambda context, _view: context.names.get(operand) in words
        read = _reader(test)
        return lambda context, view: read(context, view) in words
    if test.test == "null":
        read_null = _reader(test)
        return lambda context, view: read_null(context, view) == NULL
    if test.test == "numeric":
        read_number = _reader(test)
        return lambda context, view: is_number(read_number(context, view) or "")
    if test.test == "repeats":
        return _repeats(test)
    presence = _presence(test)
    if test.test == "valued":
        return presence
    return lambda context, view: not presence(context, view)


def _reader(test: Test) -> Read:
    operand = test.operand
    if isinstance(operand, str):
        return lambda context, _view: context.names.get(operand)
    component, subcomponent = operand.component or 1, operand.subcomponent or 1
    if isinstance(operand, ComponentPlace):
        return lambda _context, view: view.get(component, subcomponent) if view else None
    return _field_reader(operand)


def _field_reader(place: FieldPlace) -> ReadField:
    segment, number = place.segment, place.field
    component, subcomponent = place.component or 1, place.subcomponent or 1
    key = f"{segment}-{number}.{component}.{subcomponent}"

    def read(context: Context, _view: View | None = None) -> str | None:
        known = context.read
        if key in known:
            return known[key]
        found = context.current.get(segment)
        text = known[key] = found.text(number, component, subcomponent) if found else None
        return text

    return read


def _presence(test: Test) -> Decide:
    operand = test.operand
    if isinstance(operand, str):
        return lambda context, _view: context.names.get(operand) is not None
    if isinstance(operand, ComponentPlace):
        if operand.subcomponent:
            read = _reader(test)
            return lambda context, view: read(context, view) not in {None, NULL}
        component = operand.component
        return lambda _context, view: view is not None and view.has(component)
    return _field_presence(operand)


def _field_presence(place: FieldPlace) -> Decide:
    segment, number = place.segment, place.field
    component, subcomponent = place.component, place.subcomponent

    key = f"{segment}-{number}.{component}.{subcomponent}"

    def present(context: Context, _view: View | None) -> bool:
        known = context.valued.get(key)
        if known is None:
            known = context.valued[key] = look(context)
        return known

    starts = component <= 1 and not subcomponent

    def look(context: Context) -> bool:
        found = context.current.get(segment)
        if found is None:
            return False
        if starts and found.starts_valued(number):
            return True
        views = context.views(segment, number)
        if subcomponent:
            return any(view.get(component, subcomponent) not in {None, NULL} for view in views)
        return any(view.has(component) for view in views)

    return present


def _repeats(test: Test) -> Decide:
    place = test.operand
    if not isinstance(place, FieldPlace):
        return lambda _context, _view: False
    segment, number = place.segment, place.field
    return lambda context, _view: len(context.views(segment, number)) > 1

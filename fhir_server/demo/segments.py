"""HL7 v2 segments as `hl7apy` writes them, at the price of a format string.

hl7apy takes a millisecond or two for a segment. What it does depends on the segment's shape alone, that
is, on which fields, repetitions and components are valued. So each shape is built by hl7apy once, with a
placeholder for each value, and what it writes is the template for every segment of that shape.

A field is a text, a tuple of components, or a list of repetitions; a component is a text or a tuple of
subcomponents.
Source: HL7 v2.5.1 §2.5 (segments), §2.7 (escape sequences).
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

Component = str | tuple[str, ...]
Repetition = str | tuple[Component, ...]
Field = Repetition | list[Repetition]
Shape = bool | tuple[Any, ...]

_ESCAPES = str.maketrans(
    {sign: f"\\{name}\\" for sign, name in zip("|^&~\\", "FSTRE", strict=True)}
)


def segment(name: str, version: str, fields: Mapping[int, Field]) -> str:
    """The segment with these fields, by their number in the standard; empty fields are left out."""
    valued = {number: value for number, value in fields.items() if value}
    shape = tuple((number, _shape(value)) for number, value in valued.items())
    values: list[str] = []
    for value in valued.values():
        _leaves(value, values)
    return _template(name, version, shape).format(*values)


def escape(text: str) -> str:
    """A text in which no character is taken for a delimiter."""
    return text.translate(_ESCAPES)


def _shape(value: Field | Component) -> Shape:
    if isinstance(value, str):
        return bool(value)
    kind = "repetitions" if isinstance(value, list) else "parts"
    return (kind, *map(_shape, value))


def _leaves(value: Field | Component, leaves: list[str]) -> None:
    if isinstance(value, str):
        if value:
            leaves.append(escape(value))
        return
    for part in value:
        _leaves(part, leaves)


@cache
def _template(name: str, version: str, shape: tuple[tuple[int, Shape], ...]) -> str:
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.core import Segment

    written = Segment(name, version=version, validation_level=VALIDATION_LEVEL.TOLERANT)
    if name == "MSH":
        written.msh_1, written.msh_2 = "|", "^~\\&"
    places = _placeholders()
    for number, field in shape:
        repetitions = _repetitions(field)
        for repetition in repetitions:
            child = written.add_field(f"{name.lower()}_{number}")
            child.value = _er7(repetition, places, "^")
    er7: str = written.to_er7()
    return er7


def _placeholders() -> Iterator[str]:
    count = 0
    while True:
        yield f"{{{count}}}"
        count += 1


def _repetitions(shape: Shape) -> tuple[Shape, ...]:
    if isinstance(shape, tuple) and shape[0] == "repetitions":
        return shape[1:]
    return (shape,)


def _er7(shape: Shape, places: Iterator[str], separator: str) -> str:
    if not isinstance(shape, tuple):
        return next(places) if shape else ""
    return separator.join(_er7(part, places, "&") for part in shape[1:])

"""Which lines of a map can apply at all, looked up by what is known before any of them is asked.

The lines of a segment's map mostly ask for its `let:` names, for one field (OBX-2), and whether fields of
the segment itself are valued. For each combination of the names, that field and the segment's shape (which
fields are filled) the lines that these rule out are left out once, not every time, and the others ask only
what is left of their conditions.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.hl7v2.segment import ALPHANUMERIC, Segment
from ingest.mapping.conditions import Any, Condition, Not, Test
from ingest.mapping.context import Context
from ingest.mapping.decide import compile_operand
from ingest.mapping.language import Line, LineMap
from ingest.mapping.places import FieldPlace
from ingest.mapping.primitives import is_number

Key = tuple[str | None, ...]
OTHER = "\0"
"""A value that no condition names."""

EMPTY, FILLED, VALUED = range(3)
"""What is known of a field by its first byte: nothing stands there; something, perhaps only delimiters or
`""`; its first component has a value, because delimiters are never letters or digits (§2.5.4).
"""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What conditions ask for.

    Shape: `of` the segment that the map reads, `fields` those of its fields that some condition looks at;
    `asked` reads the `operands` that are compared, each with the words of all conditions.
    """

    of: str
    fields: tuple[int, ...]
    operands: tuple[FieldPlace | str, ...]
    asked: tuple[tuple[Callable[[Context], str | None], frozenset[str]], ...]

    def key(self, context: Context) -> Key:
        """The values in the segments now in sight, as far as conditions tell them apart."""
        values = [
            value if (value := read(context)) is None or value in words else OTHER
            for read, words in self.asked
        ]
        return tuple(values)

    def shape(self, segment: Segment) -> bytes:
        """EMPTY where nothing in the segment repeats, else FILLED; then what is known of each field."""
        message, found, size = segment.message, segment.fields, len(segment.fields)
        end = message.syntax.ends[0]
        repeats = message.raw.find(end, segment.start, segment.end) >= 0
        shape = [FILLED if repeats else EMPTY]
        for number in self.fields:
            raw = found[number] if number < size else b""
            shape.append((VALUED if raw[0] in ALPHANUMERIC else FILLED) if raw else EMPTY)
        return bytes(shape)

    def narrowed(self, line: Line, key: Key, shape: bytes) -> Line | None:
        """The line with what key and shape leave of its condition; None where they rule it out."""
        if line.when is None:
            return line
        values = dict(zip(self.operands, key, strict=True))
        when = _left(line.when, lambda test: self._answer(test, values, shape))
        if isinstance(when, bool):
            return replace(line, when=None) if when else None
        return replace(line, when=when)

    def _answer(
        self, test: Test, values: dict[FieldPlace | str, str | None], shape: bytes
    ) -> bool | None:
        """What a test gives; None where key and shape do not tell."""
        operand = test.operand
        if operand in values and _is_told(test):
            value = values[operand]
            return (
                value in test.words
                if test.test == "in"
                else (value is None) == (test.test == "empty")
            )
        if not isinstance(operand, FieldPlace) or operand.segment != self.of:
            return None
        state = shape[1 + self.fields.index(operand.field)]
        if state == EMPTY:
            return test.test == "empty" or (test.test == "numeric" and is_number(""))
        if test.test == "repeats":
            return None if shape[0] else False
        if state == VALUED and test.test in {"valued", "empty"}:
            is_first = operand.component <= 1 and not operand.subcomponent
            return test.test == "valued" if is_first else None
        return None


def dispatch_for(line_map: LineMap, lines: Sequence[Line]) -> Dispatch:
    """The dispatch of a segment's map: its names, and the field that most conditions ask for."""
    asked: Counter[FieldPlace] = Counter()
    words: dict[FieldPlace | str, set[str]] = {}
    fields: set[int] = set()
    for line in lines:
        for test in _tests(line.when):
            if isinstance(test.operand, FieldPlace) and test.operand.segment == line_map.of:
                fields.add(test.operand.field)
            if not isinstance(test.operand, FieldPlace | str) or not _is_told(test):
                continue
            words.setdefault(test.operand, set()).update(test.words)
            if isinstance(test.operand, FieldPlace):
                asked[test.operand] += 1
    operands: list[FieldPlace | str] = [name for name in line_map.names if name in words]
    operands += [place for place, count in asked.most_common(1) if count > 2]
    return Dispatch(
        line_map.of,
        tuple(sorted(fields)),
        tuple(operands),
        tuple((compile_operand(operand), frozenset(words[operand])) for operand in operands),
    )


def _is_told(test: Test) -> bool:
    """Whether the value of its operand answers the test: it compares, or asks whether a name has one."""
    return test.test == "in" or (test.test in {"valued", "empty"} and isinstance(test.operand, str))


def _tests(condition: Condition | None) -> Iterator[Test]:
    if isinstance(condition, Test):
        yield condition
    elif isinstance(condition, Not):
        yield from _tests(condition.part)
    elif condition is not None:
        for part in condition.parts:
            yield from _tests(part)


def _left(condition: Condition, answer: Callable[[Test], bool | None]) -> Condition | bool:
    """What is left to ask of a condition, or what it gives."""
    if isinstance(condition, Test):
        known = answer(condition)
        return condition if known is None else known
    if isinstance(condition, Not):
        inner = _left(condition.part, answer)
        return not inner if isinstance(inner, bool) else Not(inner)
    # One part decides a chain: False that of `and`, True that of `or`.
    deciding = isinstance(condition, Any)
    parts: list[Condition] = []
    for part in condition.parts:
        left = _left(part, answer)
        if not isinstance(left, bool):
            parts.append(left)
        elif left is deciding:
            return deciding
    if not parts:
        return not deciding
    return parts[0] if len(parts) == 1 else type(condition)(tuple(parts))

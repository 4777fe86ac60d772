"""Which lines of a map can apply at all, looked up by the few values that most conditions ask for.

The lines of a segment's map mostly ask for its `let:` names and for one field (OBX-2). For each
combination of their values the lines that these values rule out are left out once, not every time, and
the others ask only what is left of their conditions.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.mapping.conditions import All, Condition, Not, Test
from ingest.mapping.context import Context
from ingest.mapping.decide import compile_operand
from ingest.mapping.language import Line, LineMap
from ingest.mapping.places import FieldPlace

Key = tuple[str | None, ...]
OTHER = "\0"
"""A value that no condition names."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The values asked for, and the words of each that some condition names."""

    operands: tuple[FieldPlace | str, ...]
    asked: tuple[tuple[Callable[[Context], str | None], frozenset[str]], ...]

    def key(self, context: Context) -> Key:
        """The values in the segments now in sight, as far as conditions tell them apart."""
        values = [
            value if (value := read(context)) is None or value in words else OTHER
            for read, words in self.asked
        ]
        return tuple(values)

    def narrowed(self, line: Line, key: Key) -> Line | None:
        """The line with what the values leave of its condition; None where they rule it out."""
        values = dict(zip(self.operands, key, strict=True))
        left = []
        for part in _conjuncts(line.when):
            if _operand(part) not in values:
                left.append(part)
            elif not _holds(part, values):
                return None
        when = left[0] if len(left) == 1 else All(tuple(left)) if left else None
        return replace(line, when=when)


def dispatch_for(line_map: LineMap, lines: Sequence[Line]) -> Dispatch:
    """The dispatch of a segment's map: its names, and the field that most conditions ask for."""
    asked: Counter[FieldPlace] = Counter()
    words: dict[FieldPlace | str, set[str]] = {}
    for line in lines:
        for part in _conjuncts(line.when):
            operand = _operand(part)
            test = part.part if isinstance(part, Not) else part
            if operand is None or not isinstance(test, Test):
                continue
            words.setdefault(operand, set()).update(test.words)
            if isinstance(operand, FieldPlace):
                asked[operand] += 1
    operands: list[FieldPlace | str] = [name for name in line_map.names if name in words]
    operands += [place for place, count in asked.most_common(1) if count > 2]
    return Dispatch(
        tuple(operands),
        tuple((compile_operand(operand), frozenset(words[operand])) for operand in operands),
    )


def _conjuncts(condition: Condition | None) -> Iterator[Condition]:
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _conjuncts(part)
    elif condition is not None:
        yield condition


def _operand(part: Condition) -> FieldPlace | str | None:
    """The operand of a part that compares it with words, or asks whether a name has a value."""
    test = part.part if isinstance(part, Not) else part
    if not isinstance(test, Test) or not isinstance(test.operand, FieldPlace | str):
        return None
    compares = test.test == "in" or (test.test == "valued" and isinstance(test.operand, str))
    return test.operand if compares else None


def _holds(part: Condition, values: dict[FieldPlace | str, str | None]) -> bool:
    if isinstance(part, Not):
        return not _holds(part.part, values)
    operand = _operand(part)
    if operand is None or not isinstance(part, Test):
        return True
    value = values[operand]
    return value in part.words if part.test == "in" else value is not None

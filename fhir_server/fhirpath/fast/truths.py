"""Boolean parts of the fast lane: three-valued, from a JSON value.

Source: FHIRPath N1 §5.1 (existence), §6.1 (equality), §6.5 (boolean logic)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath.fast.paths import FastPath, UnsureError, Walk
from fhir_server.fhirpath.values import TypedValue

Test = Callable[[Any], bool | None]
_BOOLEAN = "System.Boolean"


@dataclass(frozen=True, slots=True)
class FastTruth:
    """A boolean part; None stands for empty."""

    test: Test


def _unsure(_this: Any) -> bool | None:
    raise UnsureError


UNSURE = FastTruth(_unsure)
"""A part the lane cannot take: harmless where what stands before it decides."""


def constant(value: bool) -> FastTruth:  # noqa: FBT001 — the truth itself
    """Always the same."""
    return FastTruth(lambda _this: value)


def has_value(path: FastPath) -> FastTruth:
    """Whether there is one primitive with a value."""
    walk = path.walk
    return FastTruth(lambda this: len(walk(this)) == 1)


def exists(path: FastPath) -> FastTruth:
    """Whether there is a value."""
    walk = path.walk
    return FastTruth(lambda this: bool(walk(this)))


def is_empty(path: FastPath) -> FastTruth:
    """Whether there is none."""
    walk = path.walk
    return FastTruth(lambda this: not walk(this))


def some(path: FastPath, criterion: Test) -> FastTruth:
    """Whether an object meets the criterion."""
    walk = path.walk
    return FastTruth(lambda this: any(criterion(item) for item in walk(this)))


def every(path: FastPath, criterion: Test) -> FastTruth:
    """Whether all objects meet the criterion."""
    walk = path.walk
    return FastTruth(lambda this: all(criterion(item) for item in walk(this)))


def negated(truth: FastTruth) -> FastTruth:
    """The opposite; empty stays."""
    test = truth.test

    def run(this: Any) -> bool | None:
        value = test(this)
        return None if value is None else not value

    return FastTruth(run)


def chained(operator: str, parts: Sequence[FastTruth]) -> FastTruth:
    """`and` or `or`."""
    deciding = operator == "or"
    tests = tuple(part.test for part in parts)

    def run(this: Any) -> bool | None:
        is_open = False
        for test in tests:
            value = test(this)
            if value is deciding:
                return deciding
            if value is None:
                is_open = True
        return None if is_open else not deciding

    return FastTruth(run)


def implied(left: FastTruth, right: FastTruth) -> FastTruth:
    """`left implies right`."""
    premise, conclusion = left.test, right.test

    def run(this: Any) -> bool | None:
        given = premise(this)
        if given is False:
            return True
        follows = conclusion(this)
        if follows is True:
            return True
        return False if given is True and follows is False else None

    return FastTruth(run)


def chosen(criterion: FastTruth, then: FastTruth, otherwise: FastTruth | None) -> FastTruth:
    """`iif(criterion, then, otherwise)`; without an otherwise it is empty."""
    decides, one = criterion.test, then.test
    other = otherwise.test if otherwise else None

    def run(this: Any) -> bool | None:
        if decides(this):
            return one(this)
        return other(this) if other else None

    return FastTruth(run)


def same(left: FastTruth, right: FastTruth, *, wanted: bool) -> FastTruth:
    """Whether two booleans are equal, or with `wanted` false different."""
    one, other = left.test, right.test

    def run(this: Any) -> bool | None:
        a, b = one(this), other(this)
        return None if a is None or b is None else (a is b) is wanted

    return FastTruth(run)


def equals(path: FastPath, constant: object, *, wanted: bool) -> FastTruth:
    """Whether a path has one value and it is the constant; the types must be alike."""
    walk, kind = path.walk, type(constant)

    def run(this: Any) -> bool | None:
        values = walk(this)
        if len(values) == 1:
            value = values[0]
            if type(value) is not kind:
                raise UnsureError
            return (value == constant) is wanted
        return (not wanted) if values else None

    if path.own is None:
        return FastTruth(run)
    key = path.own.key

    def run_own(this: Any) -> bool | None:
        value = this.get(key)
        return (value == constant) is wanted if type(value) is kind else run(this)

    return FastTruth(run_own)


def equals_choice(
    path: FastPath, constant: object, alike: frozenset[str], *, wanted: bool
) -> FastTruth:
    """As `equals` for a choice: a value of a type that is not alike differs from the constant."""
    typed, kind = path.typed, type(constant)

    def run(this: Any) -> bool | None:
        items = typed(this)
        if len(items) != 1:
            return (not wanted) if items else None
        item = items[0]
        if item.value is None or (item.type in alike and type(item.value) is not kind):
            raise UnsureError
        return (item.type in alike and item.value == constant) is wanted

    return FastTruth(run)


def is_one_of(path: FastPath, constants: frozenset[str]) -> FastTruth:
    """Whether the only value is among the constants."""
    walk = path.walk

    def run(this: Any) -> bool | None:
        values = walk(this)
        if not values:
            return None
        if len(values) > 1:
            raise UnsureError
        return values[0] in constants

    return FastTruth(run)


def counted(walks: Sequence[Walk], accept: Callable[[int], bool]) -> FastTruth:
    """Whether the number of values, on all paths together, is accepted."""
    if len(walks) == 1:
        walk = walks[0]
        return FastTruth(lambda this: accept(len(walk(this))))
    return FastTruth(lambda this: accept(sum(len(walk(this)) for walk in walks)))


def numbers(path: FastPath, accept: Callable[[int | Decimal], bool]) -> FastTruth:
    """Whether the only number is accepted."""
    walk = path.walk

    def run(this: Any) -> bool | None:
        values = walk(this)
        if not values:
            return None
        if len(values) > 1 or type(values[0]) not in {int, Decimal}:
            raise UnsureError
        return accept(values[0])

    return FastTruth(run)


def texts(path: FastPath, accept: Callable[[str], bool]) -> FastTruth:
    """Whether the only text is accepted."""
    walk = path.walk

    def run(this: Any) -> bool | None:
        values = walk(this)
        if not values:
            return None
        if len(values) > 1 or type(values[0]) is not str:
            raise UnsureError
        return accept(values[0])

    return FastTruth(run)


def as_truth(path: FastPath) -> FastTruth:
    """A boolean element as a truth."""
    walk = path.walk

    def run(this: Any) -> bool | None:
        values = walk(this)
        if not values:
            return None
        if len(values) > 1 or type(values[0]) is not bool:
            raise UnsureError
        return bool(values[0])

    return FastTruth(run)


def as_path(truth: FastTruth) -> FastPath:
    """A truth as the path to what it gives: one boolean or nothing."""
    test = truth.test

    def walk(this: Any) -> Sequence[bool]:
        value = test(this)
        return () if value is None else (value,)

    return FastPath(
        walk, lambda this: [TypedValue(_BOOLEAN, value) for value in walk(this)], (_BOOLEAN,)
    )


def typed_as(path: FastPath, accepts: Callable[[str], bool]) -> FastTruth:
    """Whether the only value is of a type."""
    typed = path.typed

    def run(this: Any) -> bool | None:
        items = typed(this)
        if not items:
            return None
        if len(items) > 1:
            raise UnsureError
        return accepts(items[0].type)

    return FastTruth(run)


def refers_to(
    path: FastPath, type_of: Callable[[str], str | None], accepts: Callable[[str], bool]
) -> FastTruth:
    """Whether the only Reference names a type in its text."""
    walk = path.walk

    def run(this: Any) -> bool | None:
        values = walk(this)
        if not values:
            return None
        name = type_of(values[0]["reference"])
        if len(values) > 1 or name is None:
            raise UnsureError
        return accepts(name)

    return FastTruth(run)

"""Predicates brought into the form that is cheap to run.

All equality becomes few array operations on `resource.tokens`; ranges on one single-valued parameter
become one range (`date=ge2020&date=lt2021`); what remains is looked up in its typed table.

    AllOf(HasToken(a), HasToken(b), HasToken(c, d), Not(HasToken(e)))
    → contains (a, b) · overlaps ((c, d),) · excluded (e,)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fhir_server.search.order import Sort
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    Chained,
    Dated,
    HasString,
    HasToken,
    HasWords,
    Holds,
    InElement,
    InRange,
    KeyIn,
    Listed,
    Near,
    Not,
    Predicate,
    ReferredTo,
    TypeIn,
    Updated,
)


@dataclass(frozen=True, slots=True)
class RangeGroup:
    """Ranges that one row must meet together: same table, parameters and unit."""

    ranges: tuple[InRange, ...]

    @property
    def first(self) -> InRange:
        """One of them, for what they share."""
        return self.ranges[0]


@dataclass(slots=True)
class Plan:
    """What the rows of `resource` must meet.

    Shape: `contains` all of these tokens, `overlaps` one of each group, `excluded` none of these;
    `others` predicates that need a table of their own; `is_narrowed` where not all types that are searched
    are meant, so that tokens may be of others.
    """

    types: frozenset[int] | None = None
    is_narrowed: bool = False
    keys: frozenset[int] | None = None
    contains: list[int] = field(default_factory=list)
    overlaps: list[tuple[int, ...]] = field(default_factory=list)
    excluded: list[int] = field(default_factory=list)
    updated: list[Updated] = field(default_factory=list)
    ranges: list[RangeGroup] = field(default_factory=list)
    others: list[Predicate] = field(default_factory=list)

    @property
    def is_of_live_rows(self) -> bool:
        """Whether it asks for a token or a row that only a resource of the types has, and only undeleted;
        words are of any type.
        """
        of_their_type = (
            self.contains
            or self.overlaps
            or self.ranges
            or any(isinstance(one, HasString | Near) for one in self.others)
        )
        return bool(of_their_type) and not self.is_narrowed

    @property
    def needs_resource(self) -> bool:
        """Whether it asks for more than the key of the resource."""
        return (
            self.types is not None
            or self.keys is not None
            or bool(self.contains or self.overlaps or self.excluded or self.updated)
            or not all(isinstance(one, _BY_KEY) for one in self.others)
        )


# What is looked up by the key of the resource alone.
_BY_KEY = (InElement, HasString, HasWords, Chained, ReferredTo, Listed, Holds, Near, Dated)


def plan_predicate(predicate: Predicate) -> Plan:
    """The plan of a predicate and all that is joined to it by "and"."""
    plan = Plan()
    single: dict[tuple[str, tuple[int, ...], int], list[InRange]] = {}
    for part in _flatten([predicate]):
        match part:
            case HasToken(any_of=(token,)):
                plan.contains.append(token)
            case HasToken(any_of=tokens) if tokens:
                plan.overlaps.append(tuple(dict.fromkeys(tokens)))
            case Not(predicate=HasToken(any_of=tokens)):
                plan.excluded.extend(tokens)
            case TypeIn(types=types):
                asked = frozenset(types)
                plan.is_narrowed |= plan.types is not None and plan.types != asked
                plan.types = asked if plan.types is None else asked & plan.types
            case KeyIn(keys=keys):
                plan.keys = frozenset(keys) & (
                    plan.keys if plan.keys is not None else frozenset(keys)
                )
            case Updated():
                plan.updated.append(part)
            case InRange(is_single=True):
                single.setdefault((part.table, part.parameters, part.unit), []).append(part)
            case InRange():
                plan.ranges.append(RangeGroup((part,)))
            case _:
                plan.others.append(part)
    plan.ranges.extend(RangeGroup(tuple(group)) for group in single.values())
    plan.contains = list(dict.fromkeys(plan.contains))
    return plan


def asks_for_tokens_alone(plan: Plan) -> bool:
    """Whether it asks for nothing but tokens and types."""
    asks_for_more = plan.updated or plan.ranges or plan.others or plan.keys is not None
    return not asks_for_more


def range_of_sort(plan: Plan, sort: Sort) -> RangeGroup | None:
    """The group that runs over the very rows that the sort key reads, so that one join serves both."""
    if not sort.is_single or sort.kind not in {"date", "number"}:
        return None
    for group in plan.ranges:
        first = group.first
        if first.is_single and first.table == sort.kind and first.parameters == sort.parameters:
            return group
    return None


def _flatten(predicates: Iterable[Predicate]) -> Iterator[Predicate]:
    for predicate in predicates:
        if isinstance(predicate, AllOf):
            yield from _flatten(predicate.predicates)
        elif isinstance(predicate, AnyOf):
            yield _any_of(predicate)
        else:
            yield predicate


def _any_of(predicate: AnyOf) -> Predicate:
    """Alternatives with all their tokens in one."""
    tokens: list[int] = []
    others: list[Predicate] = []
    for choice in predicate.predicates:
        if isinstance(choice, HasToken):
            tokens.extend(choice.any_of)
        else:
            others.append(choice)
    if tokens:
        others.append(HasToken(tuple(tokens)))
    return others[0] if len(others) == 1 else AnyOf(tuple(others))

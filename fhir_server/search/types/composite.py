"""Composite parameters: values that must stand in one and the same element.

Where the element is the resource itself, the components are joined by "and" of their own parameters.
Elsewhere, by what the components are:

| components | index rows |
|---|---|
| two, one of them looked up by hash (token, reference, uri) | its token becomes part of the parameter's number, under which the other component is indexed as it is elsewhere |
| more, or two ranges | a row of `search_quantity` for each component, with the element in place of the unit: rows of one element are joined by it. A component looked up by hash has it in its number, and 0 for its limits |

Source: FHIR R4 §3.1.1.4.17, https://hl7.org/fhir/R4/search.html#composite
"""  # noqa: E501 — a table

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from decimal import Decimal
from typing import Any

from fhir_server.search.criteria import Criterion
from fhir_server.search.folding import PREFIX_LENGTH, fold
from fhir_server.search.parameters import Component, SearchParameter, SearchType
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    HasToken,
    InElement,
    InRange,
    Predicate,
)
from fhir_server.search.rows import IndexRows, TypedValue
from fhir_server.search.types import date, number, quantity, reference
from fhir_server.search.types.string import any_of_strings
from fhir_server.search.types.token import Systems, form_hashes, query_form
from fhir_server.search.values import split_escaped, unescape
from fhir_server.store.keys import hash64

Evaluate = Callable[[TypedValue, Mapping[str, Any] | None], Sequence[TypedValue]]
"""The values of a component of an element, `%resource` given."""
Read = Callable[[Criterion], Predicate]
Sibling = Callable[[SearchParameter, str], SearchParameter | None]

_HASHED: frozenset[SearchType] = frozenset({"token", "reference", "uri"})
_RANGED: frozenset[SearchType] = frozenset({"number", "quantity", "date"})
MOST_COMPONENTS = 8

_AT_ZERO = (Decimal(0), Decimal(0))
"""The limits of a row that is found by its number alone."""


@dataclass(frozen=True, slots=True)
class CompiledComposite:
    """A composite parameter: the expressions of its components, the systems of those that are a `code`."""

    parameter: SearchParameter
    components: tuple[Evaluate, ...]
    systems: tuple[Systems, ...]
    zone: tzinfo
    bases: frozenset[str]

    def extract(
        self,
        elements: Sequence[TypedValue],
        rows: IndexRows,
        resource: Mapping[str, Any] | None = None,
    ) -> bool:
        """Add what the elements hold together; whether there was any."""
        add = self._add_all if paired(self.parameter.components) is None else self._add_pair
        found = False
        for element in elements:
            values = [evaluate(element, resource) for evaluate in self.components]
            if all(values):
                found = add(element, values, rows) or found
        return found

    def _add_pair(
        self, _: TypedValue, values: Sequence[Sequence[TypedValue]], rows: IndexRows
    ) -> bool:
        pair = paired(self.parameter.components)
        assert pair is not None  # noqa: S101 — chosen by it
        hashed, other = pair
        found = False
        for item in values[hashed]:
            for form in self._forms(hashed, item):
                joined = _joined(self.parameter.hash, form)
                for value in values[other]:
                    found = self._add(joined, other, value, rows) or found
        return found

    def _add(self, joined: int, position: int, value: TypedValue, rows: IndexRows) -> bool:
        kind = self.parameter.components[position].type
        if kind in _HASHED:
            forms = self._forms(position, value)
            rows.tokens.extend(joined ^ form for form in forms)
            return bool(forms)
        if kind == "string":
            if not isinstance(value.value, str):
                return False
            rows.strings.append((joined, fold(value.value)[:PREFIX_LENGTH], False))
            return True
        limits = list(self._limits(kind, value))
        for unit, low, high in limits:
            if kind == "date":
                rows.dates.append((joined, int(low), int(high)))
            elif kind == "number":
                rows.numbers.append((joined, low, high))
            else:
                rows.quantities.append((joined, unit, low, high))
        return bool(limits)

    def _add_all(
        self, element: TypedValue, values: Sequence[Sequence[TypedValue]], rows: IndexRows
    ) -> bool:
        found: list[list[tuple[int, Decimal, Decimal]]] = []
        for position, items in enumerate(values):
            kind = self.parameter.components[position].type
            if kind in _HASHED:
                forms = [form for item in items for form in self._forms(position, item)]
                found.append([(self._number(position, form), *_AT_ZERO) for form in forms])
            else:
                limits = [row for item in items for row in self._limits(kind, item)]
                found.append(
                    [(self._number(position, unit), low, high) for unit, low, high in limits]
                )
        # Elements that are alike have the same rows: they need not be told apart.
        own = hash64(repr((element.value, found)))
        if not all(found):
            return False
        rows.quantities.extend((n, own, low, high) for each in found for n, low, high in each)
        return True

    def _number(self, position: int, form: int) -> int:
        return _of_position(self.parameter.hash, position, form)

    def _forms(self, position: int, value: TypedValue) -> Sequence[int]:
        """The hashes by which a value is found."""
        kind = self.parameter.components[position].type
        if kind == "token":
            return form_hashes(value.type, value.value, self.systems[position])
        text = value.value.get("reference") if isinstance(value.value, dict) else value.value
        if not isinstance(text, str) or text.startswith("#"):
            return ()
        return [hash64(text)] if kind == "uri" else reference.found_by(text, self.bases)[0]

    def _limits(self, kind: SearchType, value: TypedValue) -> Iterator[quantity.QuantityRow]:
        if kind == "date":
            covered = date.covered_range(value.type, value.value, self.zone)
            if covered is not None:
                yield quantity.ANY_UNIT, Decimal(covered.low), Decimal(covered.high)
        elif kind == "quantity":
            yield from quantity.quantity_rows(value.type, value.value)
        else:
            limits = number.limits_of(value.value)
            if limits is not None:
                yield quantity.ANY_UNIT, *limits


def paired(components: Sequence[Component]) -> tuple[int, int] | None:
    """The places of the hashed component and the other one, where two are indexed as a pair."""
    kinds = [one.type for one in components]
    hashed = next((at for at, kind in enumerate(kinds) if kind in _HASHED), None)
    if len(kinds) != 2 or hashed is None:
        return None
    other = 1 - hashed
    return (hashed, other) if kinds[other] in _HASHED | _RANGED | {"string"} else None


def is_indexed(components: Sequence[Component]) -> bool:
    """Whether elements can be indexed by these components."""
    if not 2 <= len(components) <= MOST_COMPONENTS:
        return False
    return paired(components) is not None or {one.type for one in components} <= _HASHED | _RANGED


def is_searchable(parameter: SearchParameter) -> bool:
    """Whether a composite parameter can be searched by: its elements are indexed, or it is of resources,
    which the components' own parameters find.
    """
    return is_indexed(parameter.components) or all(
        branch.is_resource for branch in parameter.branches
    )


def predicate(
    criterion: Criterion, of_type: Mapping[SearchType, Read], sibling: Sibling
) -> Predicate:
    """What `a$b` asks for. `sibling` finds the parameters of the components. Errors: Refused(400)."""
    if criterion.modifier is not None:
        raise criterion.no_modifier()
    choices: list[Predicate] = []
    for value in criterion.values:
        for parameter in criterion.parameters:
            parts = split_escaped(value, "$")
            if len(parts) != len(parameter.components) or not all(parts):
                raise criterion.bad_value(value, "composite")
            own = [
                replace(criterion, parameters=(known,) if known else (), values=(part,))
                for component, part in zip(parameter.components, parts, strict=True)
                for known in [sibling(parameter, component.definition)]
            ]
            if any(branch.is_resource for branch in parameter.branches):
                choices.append(_on_resource(criterion, own, of_type))
            if any(not branch.is_resource for branch in parameter.branches):
                choices.append(_on_element(criterion, parameter, own))
    return choices[0] if len(choices) == 1 else AnyOf(tuple(choices))


def _on_resource(
    criterion: Criterion, own: Sequence[Criterion], of_type: Mapping[SearchType, Read]
) -> Predicate:
    if not all(one.parameters for one in own):
        raise criterion.unsupported()
    return AllOf(tuple(of_type[one.parameters[0].type](one) for one in own))


def _on_element(
    criterion: Criterion, parameter: SearchParameter, own: Sequence[Criterion]
) -> Predicate:
    kinds = [one.type for one in parameter.components]
    if not is_indexed(parameter.components):
        raise criterion.unsupported()
    pair = paired(parameter.components)
    if pair is None:
        parts = [_part(parameter, at, kinds[at], one) for at, one in enumerate(own)]
        return InElement(tuple(parts))
    hashed, other = pair
    numbers = [_joined(parameter.hash, form) for form in _asked_forms(kinds[hashed], own[hashed])]
    asked = own[other]
    if kinds[other] in _HASHED:
        forms = _asked_forms(kinds[other], asked)
        return HasToken(tuple(joined ^ form for joined in numbers for form in forms))
    joined = tuple(replace(parameter, hash=one, is_single=False) for one in numbers)
    asked = replace(asked, parameters=joined)
    if kinds[other] == "string":
        return any_of_strings(asked, asked.hashes, contains=False)
    return _RANGES[kinds[other]](asked)


def _part(parameter: SearchParameter, position: int, kind: SearchType, asked: Criterion) -> InRange:
    """What one row of an element must meet."""
    if kind in _HASHED:
        forms = _asked_forms(kind, asked)
        numbers = tuple(_of_position(parameter.hash, position, form) for form in forms)
        return InRange("number", numbers, "ap", *_AT_ZERO)
    found = _RANGES[kind](replace(asked, parameters=(replace(parameter, is_single=False),)))
    assert isinstance(found, InRange)  # noqa: S101 — of one value
    return replace(found, parameters=(_of_position(parameter.hash, position, found.unit),))


_RANGES: Mapping[SearchType, Read] = {
    "date": date.predicate, "number": number.predicate, "quantity": quantity.predicate,
}  # fmt: skip


def _asked_forms(kind: SearchType, asked: Criterion) -> list[int]:
    """The hashes that a component's value asks for. Errors: Refused(400)."""
    value = asked.values[0]
    if kind == "token":
        return [hash64(query_form(asked, value))]
    if kind == "uri":
        return [hash64(unescape(value))]
    if not asked.parameters:
        raise asked.bad_value(value, "reference")
    return list(reference.hashes_asked(asked, asked.parameters[0], unescape(value)))


def _joined(parameter: int, form: int) -> int:
    """The number of the parameter with a token in it: not their XOR, which the token itself has."""
    return hash64(f"{parameter}${form}")


def _of_position(parameter: int, position: int, form: int) -> int:
    """The number of one component of several, with a token or a unit in it."""
    return hash64(f"{parameter}${position}${form}")

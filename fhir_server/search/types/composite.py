"""Composite parameters: values that must stand in one and the same element.

Where the element is the resource itself, the components are joined by "and" of their own parameters.
Elsewhere the first component's token becomes part of the parameter's number, under which the second
component is indexed: a token as a token, a quantity or a date as a row of its table.

Source: FHIR R4 §3.1.1.4.17, https://hl7.org/fhir/R4/search.html#composite
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from fhir_server.search.criteria import Criterion
from fhir_server.search.parameters import Component, SearchParameter, SearchType
from fhir_server.search.predicates import AllOf, AnyOf, HasToken, Predicate
from fhir_server.search.rows import IndexRows, TypedValue
from fhir_server.search.types import date, quantity
from fhir_server.search.types.token import form_hashes, query_form
from fhir_server.search.values import split_escaped
from fhir_server.store.keys import hash64

Evaluate = Callable[[TypedValue], Sequence[TypedValue]]
"""The values of a component of an element."""

_SECOND: frozenset[SearchType] = frozenset({"token", "quantity", "date"})


@dataclass(frozen=True, slots=True)
class CompiledComposite:
    """A composite parameter with the expressions of its two components."""

    parameter: SearchParameter
    first: Evaluate
    second: Evaluate
    zone: tzinfo

    def extract(self, elements: Sequence[TypedValue], rows: IndexRows) -> bool:
        """Add what the elements hold together; whether there was any."""
        found = False
        for element in elements:
            for item in self.first(element):
                for form in form_hashes(item.type, item.value):
                    number = _joined(self.parameter.hash, form)
                    for value in self.second(element):
                        found = self._add(number, value, rows) or found
        return found

    def _add(self, number: int, value: TypedValue, rows: IndexRows) -> bool:
        match self.parameter.components[1].type:
            case "token":
                rows.tokens.extend(number ^ form for form in form_hashes(value.type, value.value))
            case "date":
                covered = date.covered_range(value.type, value.value, self.zone)
                if covered is None:
                    return False
                rows.dates.append((number, covered.low, covered.high))
            case _:
                units = quantity.quantity_rows(value.type, value.value)
                rows.quantities.extend((number, *row) for row in units)
        return True


def is_indexed(components: Sequence[Component]) -> bool:
    """Whether elements can be indexed by these components: a token, then one value."""
    return len(components) == 2 and components[0].type == "token" and components[1].type in _SECOND


def is_searchable(parameter: SearchParameter) -> bool:
    """Whether a composite parameter can be searched by: its elements are indexed, or it is of resources,
    which the components' own parameters find.
    """
    return is_indexed(parameter.components) or all(
        branch.is_resource for branch in parameter.branches
    )


def predicate(
    criterion: Criterion,
    of_type: Mapping[SearchType, Callable[[Criterion], Predicate]],
    sibling: Callable[[SearchParameter, str], SearchParameter | None],
) -> Predicate:
    """What `a$b` asks for. `sibling` finds the parameters of the components. Errors: Refused(400)."""
    if criterion.modifier is not None:
        raise criterion.bad_modifier()
    choices: list[Predicate] = []
    for value in criterion.values:
        for parameter in criterion.parameters:
            parts = split_escaped(value, "$")
            if len(parts) != len(parameter.components) or not all(parts):
                raise criterion.bad_value(value, "composite")
            if any(branch.is_resource for branch in parameter.branches):
                choices.append(_on_resource(criterion, parameter, parts, of_type, sibling))
            if any(not branch.is_resource for branch in parameter.branches):
                choices.append(_on_element(criterion, parameter, parts))
    return choices[0] if len(choices) == 1 else AnyOf(tuple(choices))


def _on_resource(
    criterion: Criterion,
    parameter: SearchParameter,
    parts: Sequence[str],
    of_type: Mapping[SearchType, Callable[[Criterion], Predicate]],
    sibling: Callable[[SearchParameter, str], SearchParameter | None],
) -> Predicate:
    conditions = []
    for component, part in zip(parameter.components, parts, strict=True):
        own = sibling(parameter, component.definition)
        if own is None:
            raise criterion.unsupported()
        conditions.append(of_type[own.type](replace(criterion, parameters=(own,), values=(part,))))
    return AllOf(tuple(conditions))


def _on_element(
    criterion: Criterion, parameter: SearchParameter, parts: Sequence[str]
) -> Predicate:
    if not is_indexed(parameter.components):
        raise criterion.unsupported()
    form = hash64(query_form(criterion, parts[0]))
    number = _joined(parameter.hash, form)
    second = parameter.components[1].type
    if second == "token":
        return HasToken((number ^ hash64(query_form(criterion, parts[1])),))
    joined = replace(parameter, hash=number, is_single=False)
    own = replace(criterion, parameters=(joined,), values=(parts[1],))
    return date.predicate(own) if second == "date" else quantity.predicate(own)


def _joined(parameter: int, form: int) -> int:
    """The number of the parameter with a token in it: not their XOR, which the token itself has."""
    return hash64(f"{parameter}${form}")

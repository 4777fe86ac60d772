"""Index rows of a resource, by the search parameters of its type.

The expressions of a type are grouped: each distinct one runs once, and only where the resource has one
of the elements it starts from.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from fhir_server.definitions import Definitions
from fhir_server.fhirpath import CompiledExpression as CompiledFHIRPath
from fhir_server.fhirpath import FHIRPath, FHIRPathError
from fhir_server.search.full_text import text_vector
from fhir_server.search.parameters import SearchParameter, SearchParameters
from fhir_server.search.rows import IndexRows, TypedValue
from fhir_server.search.types import (
    composite,
    date,
    near,
    number,
    quantity,
    reference,
    string,
    token,
    uri,
)
from fhir_server.store.contained import ContainedResource, contained_in, contained_key
from fhir_server.store.keys import resource_key

Extract = Callable[[SearchParameter, list[TypedValue], IndexRows, str | None], bool]
"""Adds the rows of values, the type they may refer to given; whether there were any."""

# `_id` and `_lastUpdated` are columns of `resource`.
_IN_COLUMNS = frozenset({"_id", "_lastUpdated"})


@dataclass(frozen=True, slots=True, eq=False)
class CompiledExpression:
    """An expression and the parameters that take its values, each with the one type it refers to."""

    keys: frozenset[str] | None
    evaluate: Callable[[dict[str, Any]], Sequence[TypedValue]]
    uses: tuple[tuple[SearchParameter, Extract, str | None], ...]


@dataclass(frozen=True, slots=True)
class TypeIndex:
    """The compiled expressions of a type, by the JSON key they start from."""

    by_key: dict[str, tuple[CompiledExpression, ...]]
    always: tuple[CompiledExpression, ...]


class SearchIndexer:
    """Makes index rows. Immutable to its users; each type is compiled on first use.

    Shape: `bases` the base URLs by which a resource may refer to others of this server;
    `zone` that of dates without one; `full_text` whether words are indexed.
    """

    def __init__(
        self,
        definitions: Definitions,
        engine: FHIRPath,
        *,
        bases: Collection[str] = (),
        zone: tzinfo = UTC,
        full_text: bool = True,
    ) -> None:
        self.parameters = SearchParameters(definitions, full_text=full_text)
        self._engine = engine
        self._types: dict[str, TypeIndex] = {}
        self._zone = zone
        self._extractors = _extractors(frozenset(bases), zone)

    def extended(self, parameters: SearchParameters, types: Collection[str]) -> "SearchIndexer":
        """The indexer by other parameters, which differ from these for the types named only."""
        other = copy(self)
        other.parameters = parameters
        kept = {name: index for name, index in self._types.items() if name not in types}
        other._types = kept  # noqa: SLF001 — of the same class
        return other

    def rows(self, resource: dict[str, Any]) -> IndexRows:
        """The index rows of a resource. Cost: about a tenth of a millisecond for a Condition."""
        index = self._types.get(resource["resourceType"])
        if index is None:
            index = self._compile(resource["resourceType"])
        rows = IndexRows()
        by_key = index.by_key
        expressions = dict.fromkeys(index.always)
        for key in resource:
            for expression in by_key.get(key, ()):
                expressions[expression] = None
        for expression in expressions:
            values = _values(expression, resource)
            if values:
                for parameter, extract, target in expression.uses:
                    if extract(parameter, values, rows, target):
                        # The parameter's own number says that it has a value: `:missing` asks for it.
                        rows.tokens.append(parameter.hash)
        if self.parameters.full_text and (vector := text_vector(resource)):
            rows.texts.append((vector,))
        return rows.distinct()

    def contained(self, resource: Mapping[str, Any]) -> list[ContainedResource]:
        """What a resource contains, with index rows of its own. The resource has its id."""
        found = []
        container = f"{resource['resourceType']}/{resource['id']}"
        for one in contained_in(resource):
            rows = self.rows(one)
            # `_id` of a stored resource is its key; of a contained one it is a token.
            rows.tokens.append(resource_key(one["resourceType"], one["id"]))
            key = contained_key(container, one["id"])
            found.append(
                ContainedResource(key, one["resourceType"], one["id"], rows.of_contained())
            )
        return list({one.key: one for one in found}.values())

    def _compile(self, resource_type: str) -> TypeIndex:
        expressions = self._expressions(resource_type)
        by_key: dict[str, list[CompiledExpression]] = {}
        for expression in expressions:
            for key in expression.keys or ():
                by_key.setdefault(key, []).append(expression)
        index = TypeIndex(
            {key: tuple(found) for key, found in by_key.items()},
            tuple(expression for expression in expressions if expression.keys is None),
        )
        self._types[resource_type] = index
        return index

    def _extract_of(self, parameter: SearchParameter) -> Extract | None:
        if parameter.code in _IN_COLUMNS:
            return None
        if parameter.value_set is not None:
            systems = self.parameters.terminology.expansion(parameter.value_set).codes
            return lambda used, values, rows, _: token.extract(used, values, rows, systems)
        if parameter.type != "composite":
            return self._extractors.get(parameter.type)
        if not composite.is_indexed(parameter.components):
            return None
        first, second = (self._component(one.expression) for one in parameter.components)
        compiled = composite.CompiledComposite(parameter, first, second, self._zone)
        return lambda _, values, rows, __: compiled.extract(values, rows)

    def _component(self, expression: str) -> composite.Evaluate:
        """A component's expression, compiled for each type of element that it meets."""
        compiled: dict[str, CompiledFHIRPath] = {}

        def evaluate(element: TypedValue) -> Sequence[TypedValue]:
            one = compiled.get(element.type)
            if one is None:
                one = self._engine.compile(expression, context_type=element.type)
                compiled[element.type] = one
            return [item for item in one.typed(element.value) if item.value is not None]

        return evaluate

    def _expressions(self, resource_type: str) -> list[CompiledExpression]:
        uses: dict[str, list[tuple[SearchParameter, Extract, str | None]]] = {}
        keys: dict[str, frozenset[str] | None] = {}
        for parameter in self.parameters.of(resource_type).values():
            extract = self._extract_of(parameter)
            if extract is None:
                continue
            for branch in parameter.branches:
                if branch.is_resource:
                    continue
                uses.setdefault(branch.expression, []).append((parameter, extract, branch.target))
                keys[branch.expression] = branch.keys
        return [
            CompiledExpression(
                keys[text],
                self._engine.compile(text, context_type=resource_type).typed,
                tuple(users),
            )
            for text, users in uses.items()
        ]


def _values(expression: CompiledExpression, resource: dict[str, Any]) -> list[TypedValue]:
    """What the expression gives. One that fails on this resource gives nothing: it must not stop a write."""
    try:
        return [item for item in expression.evaluate(resource) if item.value is not None]
    except FHIRPathError:
        return []


def _extractors(bases: frozenset[str], zone: tzinfo) -> dict[str, Extract]:
    return {
        "token": lambda parameter, values, rows, _: token.extract(parameter, values, rows),
        "string": lambda parameter, values, rows, _: string.extract(parameter, values, rows),
        "number": lambda parameter, values, rows, _: number.extract(parameter, values, rows),
        "quantity": lambda parameter, values, rows, _: quantity.extract(parameter, values, rows),
        "special": lambda parameter, values, rows, _: near.extract(parameter, values, rows),
        "uri": lambda parameter, values, rows, _: uri.extract(parameter, values, rows),
        "date": lambda parameter, values, rows, _: date.extract(parameter, values, rows, zone),
        "reference": lambda parameter, values, rows, target: reference.extract(
            parameter, values, rows, target, bases
        ),
    }

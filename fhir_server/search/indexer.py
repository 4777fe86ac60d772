"""Index rows of a resource, by the search parameters of its type.

Most expressions only walk: all of a type are one tree (`search/elements.py`). The others are evaluated,
each distinct one once, and only where the resource has one of the elements it starts from or the code it
asks for (`search/gates.py`).
"""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any

import structlog

from fhir_server.definitions import Definitions
from fhir_server.fhirpath import CompiledExpression as CompiledFHIRPath
from fhir_server.fhirpath import FHIRPath, FHIRPathError
from fhir_server.search.elements import (
    WRONG_SHAPE,
    Extract,
    Fill,
    Use,
    element_tree,
)
from fhir_server.search.full_text import text_vector
from fhir_server.search.gates import Gate, GatesOfElements, gate_of
from fhir_server.search.parameters import SearchParameter, SearchParameters
from fhir_server.search.paths import Path, paths_of
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

Evaluate = Callable[[dict[str, Any]], Sequence[TypedValue]]

# `_id` and `_lastUpdated` are columns of `resource`.
_IN_COLUMNS = frozenset({"_id", "_lastUpdated"})


_log = structlog.stdlib.get_logger("osteon.search")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression, the JSON keys it starts from (None: any), and the parameters that take its values."""

    text: str
    keys: frozenset[str] | None
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class TypeIndex:
    """What fills the rows of a type: its tree, its gates, and evaluations by the JSON key they start from."""

    walk: Fill
    gates: tuple[GatesOfElements, ...]
    by_key: dict[str, tuple[Fill, ...]]
    always: tuple[Fill, ...]

    def fill(self, resource: dict[str, Any], rows: IndexRows) -> None:
        """Add the rows of a resource. Errors: WRONG_SHAPE."""
        self.walk(resource, rows)
        for gates in self.gates:
            gates.fill(resource, rows)
        evaluations = dict.fromkeys(self.always)
        if self.by_key:
            for key in resource:
                for fill in self.by_key.get(key, ()):
                    evaluations[fill] = None
        for fill in evaluations:
            fill(resource, rows)


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
        self._bases = frozenset(bases)
        self._extractors = _extractors(frozenset(bases), zone)

    def extended(self, parameters: SearchParameters, types: Collection[str]) -> "SearchIndexer":
        """The indexer by other parameters, which differ from these for the types named only."""
        other = copy(self)
        other.parameters = parameters
        kept = {name: index for name, index in self._types.items() if name not in types}
        other._types = kept  # noqa: SLF001 — of the same class
        return other

    def rows(self, resource: dict[str, Any], container: str | None = None) -> IndexRows:
        """The index rows of a resource.

        Shape: `container` the `Type/id` of the one that it stands in.
        Cost: about a twentieth of a millisecond for a Condition.
        """
        index = self._types.get(resource["resourceType"])
        if index is None:
            index = self._compile(resource["resourceType"])
        rows = IndexRows()
        try:
            index.fill(resource, rows)
        except WRONG_SHAPE:
            rows = self.evaluated(resource, container)
        if self.parameters.full_text and (vector := text_vector(resource)):
            rows.texts.append((vector,))
        if rows.fragments:
            _refer_inside(rows, resource, container)
        if rows.left_out:
            _log.warning("search parameters not evaluated", type=resource["resourceType"],
                         parameters=rows.left_out)  # fmt: skip
        return rows.distinct()

    def contained(self, resource: Mapping[str, Any]) -> list[ContainedResource]:
        """What a resource contains, with index rows of its own. The resource has its id."""
        found = []
        container = f"{resource['resourceType']}/{resource['id']}"
        for one in contained_in(resource):
            rows = self.rows(one, container)
            # `_id` of a stored resource is its key; of a contained one it is a token.
            rows.tokens.append(resource_key(one["resourceType"], one["id"]))
            key = contained_key(container, one["id"])
            found.append(
                ContainedResource(key, one["resourceType"], one["id"], rows.of_contained())
            )
        return list({one.key: one for one in found}.values())

    def evaluated(self, resource: dict[str, Any], container: str | None = None) -> IndexRows:
        """The rows, by the engine alone and without words: also of what is not shaped as its type says."""
        rows = IndexRows()
        for expression in self._expressions(resource["resourceType"]):
            with contextlib.suppress(*WRONG_SHAPE):
                self._evaluation(expression, resource["resourceType"])(resource, rows)
        for _, fill in self._composites_of_resource(resource["resourceType"]):
            with contextlib.suppress(*WRONG_SHAPE):
                fill(resource, rows)
        _refer_inside(rows, resource, container)
        return rows

    def _compile(self, resource_type: str) -> TypeIndex:
        walked: list[tuple[Path, Use]] = []
        gates: dict[tuple[str, ...], list[tuple[Gate, Fill, Fill]]] = {}
        by_key: dict[str, list[Fill]] = {}
        always: list[Fill] = []
        for expression in self._expressions(resource_type):
            paths = self._paths(expression, resource_type)
            gate = self._gate(expression, resource_type) if paths is None else None
            if paths is not None:
                walked += paths
            elif gate is not None:
                behind = self._behind(replace(expression, text=gate.rest), resource_type)
                gates.setdefault(gate.elements, []).append((gate, behind, _left_out(expression)))
            elif expression.keys is not None:
                fill = self._evaluation(expression, resource_type)
                for key in expression.keys:
                    by_key.setdefault(key, []).append(fill)
            else:
                always.append(self._evaluation(expression, resource_type))
        for keys, fill in self._composites_of_resource(resource_type):
            for key in keys or ():
                by_key.setdefault(key, []).append(fill)
            if keys is None:
                always.append(fill)
        index = TypeIndex(
            element_tree(walked),
            tuple(
                GatesOfElements(elements, behind, resource_type, self._engine)
                for elements, behind in gates.items()
            ),
            {key: tuple(found) for key, found in by_key.items()},
            tuple(always),
        )
        self._types[resource_type] = index
        return index

    def _paths(self, expression: Expression, resource_type: str) -> list[tuple[Path, Use]] | None:
        paths = paths_of(expression.text, resource_type, self.parameters.definitions.type_model)
        if paths is None:
            return None
        return [(path, use) for path in paths for use in expression.uses]

    def _gate(self, expression: Expression, resource_type: str) -> Gate | None:
        """The gate before an expression. It looks at elements by their names, which a choice does not have
        in JSON.
        """
        gate = gate_of(expression.text, resource_type)
        model = self.parameters.definitions.type_model
        asked = [model.element(resource_type, name) for name in (gate.elements if gate else ())]
        return gate if all(one is not None and not one.is_choice for one in asked) else None

    def _behind(self, expression: Expression, resource_type: str) -> Fill:
        """What fills rows behind a gate."""
        paths = self._paths(expression, resource_type)
        return self._evaluation(expression, resource_type) if paths is None else element_tree(paths)

    def _evaluation(self, expression: Expression, resource_type: str) -> Fill:
        evaluate = self._engine.compile(expression.text, context_type=resource_type).typed
        failed = _left_out(expression)

        def fill(resource: dict[str, Any], rows: IndexRows) -> None:
            values = _values(evaluate, resource, rows, failed)
            if values:
                for parameter, extract, target in expression.uses:
                    if extract(parameter, values, rows, target):
                        # The parameter's own number says that it has a value: `:missing` asks for it.
                        rows.tokens.append(parameter.hash)

        return fill

    def _extract_of(self, parameter: SearchParameter) -> Extract | None:
        if parameter.code in _IN_COLUMNS:
            return None
        if parameter.value_set is not None:
            systems = self.parameters.terminology.expansion(parameter.value_set).codes
            return lambda used, values, rows, _: token.extract(used, values, rows, systems)
        if parameter.type != "composite":
            return self._extractors.get(parameter.type)
        if not composite.is_indexed(parameter.components) or _looks_outside(parameter):
            return None
        compiled = self._composite(parameter)
        return lambda _, values, rows, __: compiled.extract(values, rows)

    def _composite(self, parameter: SearchParameter) -> composite.CompiledComposite:
        components = tuple(self._component(one.expression) for one in parameter.components)
        systems = tuple(self._systems(parameter, one.definition) for one in parameter.components)
        return composite.CompiledComposite(parameter, components, systems, self._zone, self._bases)

    def _systems(self, parameter: SearchParameter, code: str) -> token.Systems:
        """The systems of a component's codes, which are those of its own parameter."""
        own = self.parameters.find(parameter.resource_type, code)
        if own is None or own.value_set is None:
            return {}
        return self.parameters.terminology.expansion(own.value_set).codes

    def _composites_of_resource(
        self, resource_type: str
    ) -> Iterator[tuple[frozenset[str] | None, Fill]]:
        """Those with a component that stands outside of the element (`%resource.…`), each with the JSON keys
        it starts from.
        """
        for parameter in self.parameters.of(resource_type).values():
            if not _looks_outside(parameter) or not composite.is_indexed(parameter.components):
                continue
            compiled = self._composite(parameter)
            for branch in parameter.branches:
                if not branch.is_resource:
                    yield branch.keys, self._composite_fill(compiled, branch.expression)

    def _composite_fill(self, compiled: composite.CompiledComposite, expression: str) -> Fill:
        parameter = compiled.parameter
        evaluate = self._engine.compile(expression, context_type=parameter.resource_type).typed
        failed = _named(parameter.code)

        def fill(resource: dict[str, Any], rows: IndexRows) -> None:
            values = _values(evaluate, resource, rows, failed)
            if compiled.extract(values, rows, resource):
                rows.tokens.append(parameter.hash)

        return fill

    def _component(self, expression: str) -> composite.Evaluate:
        """A component's expression, compiled for each type of element that it meets."""
        compiled: dict[str, CompiledFHIRPath] = {}

        def evaluate(
            element: TypedValue, resource: Mapping[str, Any] | None
        ) -> Sequence[TypedValue]:
            one = compiled.get(element.type)
            if one is None:
                one = self._engine.compile(expression, context_type=element.type)
                compiled[element.type] = one
            whole = None if resource is None else dict(resource)
            found = one.typed(element.value, resource=whole)
            return [item for item in found if item.value is not None]

        return evaluate

    def _expressions(self, resource_type: str) -> list[Expression]:
        uses: dict[str, list[Use]] = {}
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
        return [Expression(text, keys[text], tuple(users)) for text, users in uses.items()]


def _looks_outside(parameter: SearchParameter) -> bool:
    return any("%" in component.expression for component in parameter.components)


def _refer_inside(rows: IndexRows, resource: Mapping[str, Any], container: str | None) -> None:
    """Tokens of the references to what the container holds, the resource itself where it stands in none."""
    container = container or f"{resource['resourceType']}/{resource.get('id')}"
    rows.tokens.extend(number ^ contained_key(container, one) for number, one in rows.fragments)
    rows.fragments.clear()


def _values(
    evaluate: Evaluate, resource: dict[str, Any], rows: IndexRows, failed: Fill
) -> list[TypedValue]:
    """What an expression gives. One that fails on this resource gives nothing: it must not stop a write."""
    try:
        return [item for item in evaluate(resource) if item.value is not None]
    except FHIRPathError:
        failed(resource, rows)
        return []


def _left_out(expression: Expression) -> Fill:
    """What notes the parameters of an expression that cannot be evaluated."""
    return _named(*(parameter.code for parameter, _, _ in expression.uses))


def _named(*codes: str) -> Fill:
    return lambda _, rows: rows.left_out.extend(codes)


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

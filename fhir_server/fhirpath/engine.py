"""The engine: compiles expressions for a type model, and what they are compiled to.

Source: FHIRPath N1 http://hl7.org/fhirpath/N1/, FHIR R4 §2.9 https://hl7.org/fhir/R4/fhirpath.html
"""

from collections.abc import Mapping
from typing import Any

from fhir_server.definitions.types import TypeModel
from fhir_server.fhirpath.compiler import Compiler
from fhir_server.fhirpath.errors import execution_error, semantic_error, shortened
from fhir_server.fhirpath.explain import explanation
from fhir_server.fhirpath.fast import FALL_BACK, FastTruth, as_path
from fhir_server.fhirpath.fragment import Context, Fragment, boolean
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.scope import ConformsTo, Resolve, Scope, Terminology
from fhir_server.fhirpath.syntax import Node
from fhir_server.fhirpath.type_space import TypeSpace, resource_type
from fhir_server.fhirpath.values import Items, TypedValue, raw, typed


class CompiledExpression:
    """One expression, compiled for one context type. Immutable; share it between threads.

    The methods take the node to evaluate on: a dict for resources and complex types, the JSON value
    for a primitive, with `sibling` for what stands beside it under `_name`.
    `resource` and `root_resource` are `%resource` and `%rootResource`; without them the node itself
    stands for both. `resolve` finds the resource of a reference. Values in `variables` are resources,
    `TypedValue`s or System values, or lists of them.

    Errors: FHIRPathError where the expression cannot be evaluated on this data.
    """

    __slots__ = ("_fragment", "_typed", "_walk", "context_type", "quick_test", "source", "syntax")

    def __init__(
        self, source: str, syntax: Node, context_type: str | None, fragment: Fragment
    ) -> None:
        self.source = source
        self.syntax = syntax
        self.context_type = context_type
        self._fragment = fragment
        fast = fragment.fast
        path = as_path(fast) if isinstance(fast, FastTruth) else fast
        self._walk = path.walk if path else None
        self._typed = path.typed if path else None
        self.quick_test = fast.test if isinstance(fast, FastTruth) else None
        """`test` on the bare node, where the fast lane has all of it; FALL_BACK sends to `test`."""

    @property
    def types(self) -> tuple[str, ...] | None:
        """The types that its results may have; None where only the data tells."""
        return self._fragment.types

    def evaluate(
        self,
        node: Any,
        *,
        sibling: dict[str, Any] | None = None,
        resource: dict[str, Any] | None = None,
        root_resource: dict[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        resolve: Resolve | None = None,
    ) -> list[Any]:
        """The result as raw JSON values; primitives without a value are left out."""
        if self._walk is not None:
            try:
                return [*self._walk(node)]
            except FALL_BACK:
                pass
        items = self._items(node, sibling, resource, root_resource, variables, resolve)
        return [value for value in map(raw, items) if value is not None]

    def typed(
        self,
        node: Any,
        *,
        sibling: dict[str, Any] | None = None,
        resource: dict[str, Any] | None = None,
        root_resource: dict[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        resolve: Resolve | None = None,
    ) -> list[TypedValue]:
        """The result with the type of each item; a primitive without a value has the value None."""
        if self._typed is not None:
            try:
                return self._typed(node)
            except FALL_BACK:
                pass
        items = self._items(node, sibling, resource, root_resource, variables, resolve)
        return [typed(item) for item in items]

    def test(
        self,
        node: Any,
        *,
        sibling: dict[str, Any] | None = None,
        resource: dict[str, Any] | None = None,
        root_resource: dict[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        resolve: Resolve | None = None,
    ) -> bool | None:
        """The result as one boolean, None for empty (FHIRPath N1 §5.7)."""
        if self.quick_test is not None:
            try:
                return self.quick_test(node)
            except FALL_BACK:
                pass
        items = self._items(node, sibling, resource, root_resource, variables, resolve)
        return boolean(items, "the expression")

    def _items(  # noqa: PLR0917 — the keywords of the public methods, passed on
        self,
        node: Any,
        sibling: dict[str, Any] | None,
        resource: dict[str, Any] | None,
        root_resource: dict[str, Any] | None,
        variables: Mapping[str, Any] | None,
        resolve: Resolve | None,
    ) -> Items:
        this = _typed_node(node, self.context_type, sibling)
        owner = this if resource is None else _typed_node(resource, None, None)
        root = owner if root_resource is None else _typed_node(root_resource, None, None)
        scope = Scope(this, owner, root, variables, resolve)
        try:
            return self._fragment.run(this, scope)
        except RecursionError:
            raise execution_error("fhirpath-too-deep", source=shortened(self.source)) from None

    def explain(self) -> str:
        """The syntax tree, and what the expression compiled to, part by part with its types."""
        return explanation(self.syntax, self._fragment)


def _typed_node(node: Any, declared: str | None, sibling: dict[str, Any] | None) -> TypedValue:
    if type(node) is TypedValue:
        return node
    return TypedValue(resource_type(node, declared or "Element"), node, sibling)


class FHIRPath:
    """Compiles expressions. Immutable but for its cache; share it between threads.

    `lenient` is the mode R4's own invariants and search parameters need: `as` takes collections,
    elements a type lacks are empty. Strict mode refuses both (FHIRPath N1 §10.1).
    `terminology` answers `memberOf` and `subsumes`, `conforms_to` answers `conformsTo`.
    """

    def __init__(
        self,
        type_model: TypeModel,
        *,
        lenient: bool = True,
        terminology: Terminology | None = None,
        conforms_to: ConformsTo | None = None,
    ) -> None:
        self._space = TypeSpace(type_model)
        self._compiler = Compiler(
            self._space, lenient=lenient, terminology=terminology, conforms_to=conforms_to
        )
        self._cache: dict[tuple[str, str | None], CompiledExpression] = {}

    def compile(self, expression: str, context_type: str | None = None) -> CompiledExpression:
        """The expression compiled for a type: a resource (`Patient`), a data type (`HumanName`,
        `string`) or a backbone element (`Patient.contact`); without one, for whatever comes.

        Errors: FHIRPathError with issue, position and what was expected.
        Cost: some 50 µs for each part of the expression, once.
        """
        key = (expression, context_type)
        found = self._cache.get(key)
        if found is None:
            found = self._compiled(expression, context_type)
            if len(self._cache) >= MAX_CACHED:
                self._cache.clear()
            self._cache[key] = found
        return found

    def _compiled(self, expression: str, context_type: str | None) -> CompiledExpression:
        syntax = parse(expression)
        types = None
        if context_type is not None:
            if self._space.model.type(context_type) is None:
                raise semantic_error("fhirpath-unknown-type", 0, name=context_type)
            types = (context_type,)
        try:
            fragment = self._compiler.part(syntax, Context(types))
        except RecursionError:
            raise execution_error("fhirpath-too-deep", source=shortened(expression)) from None
        return CompiledExpression(expression, syntax, context_type, fragment)


MAX_CACHED = 20_000
"""Expressions held compiled; R4 has 1,600."""

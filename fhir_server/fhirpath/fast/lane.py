"""Compiler of the fast lane: a part of the syntax tree → a path or a truth, or None for the general lane."""

import operator
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath import regex
from fhir_server.fhirpath.errors import FHIRPathError
from fhir_server.fhirpath.fast import moments, paths, truths
from fhir_server.fhirpath.fast.moments import Moment
from fhir_server.fhirpath.fast.paths import FastPath, Walk
from fhir_server.fhirpath.fast.truths import FastTruth
from fhir_server.fhirpath.operators.collections import TEXT_TYPES
from fhir_server.fhirpath.operators.types import acceptance, type_specifier
from fhir_server.fhirpath.references import type_of_reference
from fhir_server.fhirpath.syntax import (
    Call,
    Chain,
    Constant,
    Index,
    LoopVariable,
    Member,
    Node,
    Operation,
    QuantityLiteral,
    TypeOperation,
)

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler

Fast = FastPath | FastTruth

_ALIKE: dict[str, frozenset[str]] = {
    "string": TEXT_TYPES,
    "boolean": frozenset({"boolean"}),
    "integer": frozenset({"integer", "positiveInt", "unsignedInt"}),
}
"""Kinds of literals → types whose JSON values compare with them as Python has it."""

_CONVERTED = frozenset({"decimal", "Quantity", "Age", "Count", "Distance", "Duration", "Money"})
"""Types that compare with literals of another type."""

_NUMBERS = frozenset({"integer", "positiveInt", "unsignedInt", "decimal"})
"""Types that compare with a whole number as Python has it."""

_COMPARISONS: dict[str, Callable[[Any, int], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}


def compile_fast(compiler: "Compiler", node: Node, type_name: str) -> Fast | None:
    """The part on values of one concrete type; None where it needs the general lane."""
    if compiler.space.is_abstract(type_name):
        return None
    try:
        return _Lane(compiler, type_name).compile(node)
    except FHIRPathError:
        # The general lane raises it again, or finds the part to be out of reach.
        return None


class _Lane:
    """`is_bare` for values that a path leads to: primitives among them have nothing beside them."""

    def __init__(self, compiler: "Compiler", type_name: str, *, is_bare: bool = False) -> None:
        self._compiler = compiler
        self._space = compiler.space
        self._type = type_name
        self._is_bare = is_bare

    def compile(self, node: Node) -> Fast | None:
        """A part as whatever it is."""
        match node:
            case Member():
                return self._member(node)
            case LoopVariable(name="$this"):
                return self._this()
            case Call():
                return self._call(node)
            case Chain(operator="|"):
                return self._union(node)
            case Chain():
                first, *others = [self.truth(operand) for operand in node.operands]
                parts = [first or truths.UNSURE, *(part or truths.UNSURE for part in others)]
                return truths.chained(node.operator, parts) if first else None
            case Constant(kind="boolean", value=bool() as value):
                return truths.constant(value)
            case Operation():
                return self._operation(node)
            case TypeOperation():
                return self._type_operation(node.operator, node.operand, node.type_name)
            case Index(index=Constant(kind="integer", value=int() as at)):
                source = self.path(node.target)
                return paths.sliced(source, slice(at, at + 1)) if source else None
            case _:
                return None

    def _this(self) -> FastPath | None:
        if self._space.is_primitive(self._type) and not self._is_bare:
            return None
        return paths.this_path(self._type)

    def path(self, node: Node | None) -> FastPath | None:
        """A part as a path."""
        found = self._this() if node is None else self.compile(node)
        return found if isinstance(found, FastPath) else None

    def truth(self, node: Node | None) -> FastTruth | None:
        """A part as a truth."""
        found = self._this() if node is None else self.compile(node)
        if isinstance(found, FastPath):
            return truths.as_truth(found) if found.only_type == "boolean" else None
        return found

    def _member(self, node: Member) -> FastPath | None:
        if node.target is None and node.name[:1].isupper() and self._space.model.type(node.name):
            if self._space.is_subtype(self._type, node.name):
                return self._this()
            return paths.EMPTY_PATH if self._compiler.lenient else None
        source = self.path(node.target)
        if source is None or not source.types or source.is_guard:
            return source
        if source.only_type is None:
            source = self._having(node.target, source.types, node.name) or source
        children = self._space.children(source.types[0], node.name)
        if self._space.is_abstract(source.types[0]) and not children:
            # What every resource has (id, meta) is at the same place in all; the rest depends on the type.
            return paths.guarded(source)
        if source.only_type is None or not children:
            return None
        if children[0].is_resource:
            return paths.resources(source, children[0])
        if self._space.is_primitive(source.types[0]):
            return None
        return paths.step(source, children, from_this=node.target is None)

    def _having(self, node: Node | None, types: tuple[str, ...], name: str) -> FastPath | None:
        """A choice as the only one of its types that has an element: `value.coding`."""
        having = [one for one in types if self._space.children(one, name)]
        if len(having) != 1 or not isinstance(node, Member) or not self._compiler.lenient:
            return None
        return self._chosen("ofType", node, having[0])

    def _union(self, node: Chain) -> FastPath | None:
        branches = [self.path(operand) for operand in node.operands]
        known = [branch for branch in branches if branch is not None]
        return paths.united(known) if len(known) == len(branches) else None

    def _call(self, node: Call) -> Fast | None:
        name, arguments = node.name, node.arguments
        if name == "not" and not arguments:
            truth = self.truth(node.target)
            return truths.negated(truth) if truth else None
        if name == "iif" and node.target is None:
            return self._choice_of_two(arguments)
        if name in {"is", "as", "ofType"} and len(arguments) == 1 and node.target is not None:
            return self._type_operation(name, node.target, type_specifier(arguments[0]))
        source = self.path(node.target)
        if source is None:
            return None
        if name == "trace":
            return source
        if not arguments:
            return self._without_arguments(name, source)
        return self._with_argument(name, source, arguments[0]) if len(arguments) == 1 else None

    def _with_argument(self, name: str, source: FastPath, argument: Node) -> Fast | None:
        if name in {"where", "exists", "all"}:
            return self._iteration(name, source, argument)
        if name == "intersect":
            texts = _texts(argument) if source.only_type in TEXT_TYPES else frozenset()
            return paths.among(source, texts) if texts else None
        if isinstance(argument, Constant) and isinstance(argument.value, str):
            return _with_text(name, source, argument.value)
        return None

    def _choice_of_two(self, arguments: tuple[Node, ...]) -> FastTruth | None:
        """`iif` whose results are truths, not elements with a type and extensions of their own."""
        criterion = self.truth(arguments[0])
        results = [self.compile(argument) for argument in arguments[1:]]
        found = [one for one in results if isinstance(one, FastTruth)]
        if criterion is None or len(found) < len(results):
            return None
        return truths.chosen(criterion, found[0], found[1] if len(found) == 2 else None)

    def _without_arguments(self, name: str, source: FastPath) -> Fast | None:
        match name:
            case "exists":
                return truths.exists(source)
            case "empty":
                return truths.is_empty(source)
            case "hasValue" if source.only_type and self._space.is_primitive(source.only_type):
                return truths.has_value(source)
            case "first" | "last" | "tail" if source.is_guard:
                return source
            case "first":
                return paths.sliced(source, slice(0, 1))
            case "last":
                return paths.sliced(source, slice(-1, None))
            case "tail":
                return paths.sliced(source, slice(1, None))
            case _:
                return None

    def _iteration(self, name: str, source: FastPath, criterion: Node) -> Fast | None:
        if not source.types:
            return source if name == "where" else None
        inner = source.only_type
        if inner is not None and self._space.is_abstract(inner):
            return paths.guarded(source) if name == "where" else None
        if inner is None:
            return None
        # A criterion out of reach matters only where there is something to judge.
        truth = _Lane(self._compiler, inner, is_bare=True).truth(criterion) or truths.UNSURE
        if name == "where" and self._space.is_primitive(inner):
            return paths.filtered_values(source, truth.test)
        if name == "where":
            return paths.filtered(source, inner, truth.test)
        return (
            truths.some(source, truth.test)
            if name == "exists"
            else truths.every(source, truth.test)
        )

    def _type_operation(self, name: str, operand: Node, specifier: str) -> Fast | None:
        wanted = self._space.resolve_name(specifier)
        if wanted is None:
            return None
        if name == "is" and isinstance(operand, Call) and operand.name == "resolve":
            return self._reference_test(operand, wanted)
        if name == "as" and not self._compiler.lenient:
            return None
        if isinstance(operand, Member):
            chosen = self._chosen(name, operand, wanted)
            if chosen is not None:
                return chosen
        source = self.path(operand)
        if source is None or source.is_guard:
            return source if name != "is" else None
        if name == "is":
            is_subtype = self._space.is_subtype
            return truths.typed_as(source, lambda found: is_subtype(found, wanted))
        if source.only_type is None:
            return source if not source.types else None
        if self._space.is_abstract(source.types[0]):
            return None
        return source if acceptance(self._compiler, wanted)(source.types[0]) else paths.EMPTY_PATH

    def _chosen(self, name: str, operand: Member, wanted: str) -> FastPath | None:
        """`value as Quantity`: the one JSON key of the choice that holds the type."""
        if name == "is":
            return None
        source = self.path(operand.target)
        if source is None or source.only_type is None:
            return None
        accepts = acceptance(self._compiler, wanted)
        children = self._space.children(source.types[0], operand.name)
        kept = tuple(child for child in children if accepts(child.type))
        if len(children) < 2 or not kept:
            return None
        return paths.step(source, kept, from_this=operand.target is None)

    def _reference_test(self, call: Call, wanted: str) -> FastTruth | None:
        source = self.path(call.target)
        if source is None or source.only_type != "Reference":
            return None
        is_subtype = self._space.is_subtype
        return truths.refers_to(source, type_of_reference, lambda found: is_subtype(found, wanted))

    def _operation(self, node: Operation) -> FastTruth | None:
        if node.operator == "implies":
            left, right = self.truth(node.left), self.truth(node.right)
            return truths.implied(left, right or truths.UNSURE) if left else None
        if node.operator == "in":
            return self._membership(node)
        if node.operator in {"=", "!=", "xor"}:
            found = self._equality(node)
            if found is not None:
                return found
        if node.operator in _COMPARISONS:
            return self._number_comparison(node) or self._comparison_of_moments(node)
        return None

    def _equality(self, node: Operation) -> FastTruth | None:
        wanted = node.operator == "="
        if isinstance(node.right, Constant) and node.operator != "xor":
            path = self.path(node.left)
            alike = _ALIKE.get(node.right.kind, frozenset())
            if path is not None and path.only_type in alike:
                return truths.equals(path, node.right.value, wanted=wanted)
            if (
                path is not None
                and len(path.types) > 1
                and alike
                and not _CONVERTED & set(path.types)
            ):
                return truths.equals_choice(path, node.right.value, alike, wanted=wanted)
            if node.right.kind != "boolean":
                return None
            truth = self.truth(node.left)
            value = bool(node.right.value)
            return truths.same(truth, truths.constant(value), wanted=wanted) if truth else None
        left, right = self.truth(node.left), self.truth(node.right)
        return truths.same(left, right, wanted=wanted) if left and right else None

    def _membership(self, node: Operation) -> FastTruth | None:
        path = self.path(node.left)
        texts = _texts(node.right)
        if path is None or path.only_type not in TEXT_TYPES or not texts:
            return None
        return truths.is_one_of(path, texts)

    def _number_comparison(self, node: Operation) -> FastTruth | None:
        """`name.count() > 0`, `name.count() + identifier.count() > 0`, `period >= 0`."""
        if not (isinstance(node.right, Constant) and node.right.kind == "integer"):
            return None
        bound, compare = int(str(node.right.value)), _COMPARISONS[node.operator]
        counted = self._counted(node.left)
        if counted is not None:
            return truths.counted(counted, lambda count: compare(count, bound))
        path = self.path(node.left)
        if path is None or path.only_type not in _NUMBERS:
            return None
        return truths.numbers(path, lambda number: compare(number, bound))

    def _comparison_of_moments(self, node: Operation) -> FastTruth | None:
        """`issued + 1 day < effective.ofType(dateTime)`."""
        if node.operator in {"=", "!="}:
            return None
        left = self._moment(node.left)
        if left is None:
            return None
        right = self._moment(node.right) or moments.out_of_reach
        return moments.compared(left, right, _COMPARISONS[node.operator])

    def _moment(self, node: Node) -> Moment | None:
        """A part as a point in time."""
        match node:
            case Operation(
                operator="+" | "-", left=start, right=QuantityLiteral(calendar=True) as span
            ):
                moment = self._moment(start)
                amount = span.value if node.operator == "+" else -span.value
                return moments.moved(moment, amount, span.unit) if moment else None
            case _:
                path = self.path(node)
                return moments.only_moment(path) if path else None

    def _counted(self, node: Node) -> list[Walk] | None:
        """The paths whose values are counted together."""
        match node:
            case Call(name="count", arguments=()):
                path = self.path(node.target)
                return [path.walk] if path else None
            case Operation(operator="+", left=one, right=other):
                left, right = self._counted(one), self._counted(other)
                return [*left, *right] if left and right else None
            case _:
                return None


def _texts(node: Node) -> frozenset[str]:
    """The texts that a literal or a union of literals stands for; none for anything else."""
    operands = node.operands if isinstance(node, Chain) and node.operator == "|" else (node,)
    found = [one.value for one in operands if isinstance(one, Constant) and one.kind == "string"]
    return frozenset(map(str, found)) if len(found) == len(operands) else frozenset()


def _with_text(name: str, source: FastPath, text: str) -> Fast | None:
    only = source.only_type
    if name == "extension" and not source.types:
        return source
    if name == "extension" and only is not None and only not in TEXT_TYPES:
        return paths.extensions(source, text) if only[0].isupper() else None
    if only not in TEXT_TYPES:
        return None
    if name == "matches":
        regex.compile_pattern(text)
        return truths.texts(source, partial(regex.search, text))
    test: Any = _TEXT_TESTS.get(name)
    return truths.texts(source, lambda value: bool(test(value, text))) if test else None

"""Compiler: syntax tree → closures, with the types known at each step.

Where the types of a collection are known, choice elements are resolved to their JSON keys, elements
that do not exist are faults, and branches of a union that cannot apply are left out.

Source: FHIRPath N1 §5–§6, §10 (type safety and strict evaluation) http://hl7.org/fhirpath/N1/
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath import functions
from fhir_server.fhirpath.budget import FREE, TEXT_SHIFT
from fhir_server.fhirpath.errors import FHIRPathError, semantic_error
from fhir_server.fhirpath.fast import FALL_BACK, FastPath, FastTruth, compile_fast
from fhir_server.fhirpath.fragment import EMPTY, Context, Fragment, Run, Types
from fhir_server.fhirpath.operators import OPERATORS, collections, logic, types
from fhir_server.fhirpath.operators.math import negated
from fhir_server.fhirpath.operators.operator import BinaryOperator
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.scope import ConformsTo, Scope, Terminology
from fhir_server.fhirpath.syntax import (
    Call,
    Chain,
    Constant,
    EmptyLiteral,
    External,
    Index,
    LoopVariable,
    Member,
    Node,
    Operation,
    Polarity,
    QuantityLiteral,
    TypeOperation,
)
from fhir_server.fhirpath.temporal import CALENDAR_UNITS, parse_date, parse_datetime, parse_time
from fhir_server.fhirpath.type_space import TypeSpace, append_child, holder_of
from fhir_server.fhirpath.values import Items, TypedValue
from fhir_server.fhirpath.variables import compile_external

_MANY_KEYS = 4
"""From how many possible JSON keys on it pays to look at the keys that are there."""


class Compiler:
    """Compiles expressions over one type model. Immutable once made."""

    def __init__(
        self,
        space: TypeSpace,
        *,
        lenient: bool,
        terminology: Terminology | None = None,
        conforms_to: ConformsTo | None = None,
    ) -> None:
        self.space = space
        self.lenient = lenient
        self.terminology = terminology
        self.conforms_to = conforms_to

    def compile(self, node: Node, context: Context) -> Fragment:
        """The closure of a part. Errors: FHIRPathError where the part is wrong for its types."""
        return _COMPILE[type(node)](self, node, context)

    def part(self, node: Node, context: Context) -> Fragment:
        """As `compile`, in the fast lane where the part can take it."""
        general = self.compile(node, context)
        if context.types is None or len(context.types) != 1:
            return general
        fast = compile_fast(self, node, context.types[0])
        return general if fast is None else in_fast_lane(general, fast)

    def this(self, context: Context) -> Fragment:
        """The focus, `$this`."""
        return Fragment(_this, context.types, note="$this")

    def target(self, node: Node | None, context: Context) -> Fragment:
        """What stands before the dot; `$this` where nothing does."""
        return self.this(context) if node is None else self.compile(node, context)

    def constant(self, node: Constant, _context: Context) -> Fragment:
        """A literal."""
        value, name = _constant_value(node)
        return _literal(value, name)

    def quantity(self, node: QuantityLiteral, _context: Context) -> Fragment:
        """A quantity literal."""
        unit = CALENDAR_UNITS[node.unit] if node.calendar else node.unit
        return _literal(Quantity(node.value, unit, node.calendar), "System.Quantity")

    def empty(self, _node: EmptyLiteral, _context: Context) -> Fragment:
        """`{}`."""
        return EMPTY

    def external(self, node: External, _context: Context) -> Fragment:
        """`%name`."""
        return compile_external(node)

    def loop_variable(self, node: LoopVariable, context: Context) -> Fragment:
        """A variable of a loop: `$this`, `$index`, `$total`."""
        if node.name == "$this":
            return self.this(context)
        if node.name == "$index":
            return Fragment(_index, ("System.Integer",), note="$index")
        return Fragment(_total, None, note="$total")

    def member(self, node: Member, context: Context) -> Fragment:
        """An element, or a type name where an expression begins."""
        if node.target is None and node.name[:1].isupper() and self.space.model.type(node.name):
            return self._type_root(node, context)
        source = self.target(node.target, context)
        if source.types == ():
            return EMPTY
        found = self._element_types(source.types, node)
        if found == () and source.types is not None:
            return EMPTY
        return Fragment(
            _step(source.run, node.name, self.space), found, source.ordered,
            f"element {node.name}", (source,),
        )  # fmt: skip

    def _type_root(self, node: Member, context: Context) -> Fragment:
        space, name = self.space, node.name
        if context.types is None:

            def run(this: Any, _scope: Scope) -> Items:
                is_one = type(this) is TypedValue and space.is_subtype(this.type, name)
                return [this] if is_one else []

            return Fragment(run, (name,), note=f"type {name}")
        fitting = tuple(
            t for t in context.types if space.is_subtype(t, name) or space.is_subtype(name, t)
        )
        if fitting:
            return Fragment(_this, fitting, note=f"type {name}")
        if self.lenient:
            return EMPTY
        raise semantic_error("fhirpath-wrong-context", node.position, context.types,
                             name=name, types=" | ".join(context.types))  # fmt: skip

    def _element_types(self, types_: Types, node: Member) -> Types:
        if types_ is None:
            return None
        found: dict[str, None] = {}
        for name in types_:
            if self.space.is_abstract(name):
                return None
            found.update((child.type, None) for child in self.space.children(name, node.name))
        if not found:
            if self.lenient and not self._is_json_name(types_, node.name):
                return ()
            names = [n for t in types_ for n in self.space.element_names(t)]
            raise semantic_error("fhirpath-unknown-element", node.position, names,
                                 name=node.name, types=" | ".join(types_[:8]))  # fmt: skip
        return tuple(found)

    def _is_json_name(self, types_: tuple[str, ...], name: str) -> bool:
        """`valueQuantity` is a JSON key, never an element (FHIR R4 §2.9.2): a fault in either mode."""
        return any(self.space.model.element(type_name, name) is not None for type_name in types_)

    def call(self, node: Call, context: Context) -> Fragment:
        """A function."""
        function = functions.FUNCTIONS.get(node.name)
        if function is None:
            raise semantic_error("fhirpath-unknown-function", node.position,
                                 sorted(functions.FUNCTIONS), name=node.name)  # fmt: skip
        if not function.minimum <= len(node.arguments) <= function.maximum:
            bounds = dict.fromkeys((function.minimum, function.maximum))
            raise semantic_error("fhirpath-argument-count", node.position, name=node.name,
                                 wanted="–".join(map(str, bounds)),
                                 found=len(node.arguments))  # fmt: skip
        source = self.target(node.target, context)
        return function.compile(self, node, source, context)

    def index(self, node: Index, context: Context) -> Fragment:
        """`target[index]`."""
        source = self.compile(node.target, context)
        self.check_ordered(source, "[ ]", node.position)
        return collections.indexer(source, self.compile(node.index, context))

    def check_ordered(self, source: Fragment, what: str, position: int) -> None:
        """Positions within an unordered collection mean nothing: a fault in strict mode."""
        if not source.ordered and not self.lenient:
            raise semantic_error("fhirpath-unordered", position, operation=what)

    def polarity(self, node: Polarity, context: Context) -> Fragment:
        """`-x`, `+x`."""
        operand = self.compile(node.operand, context)
        run, sign = operand.run, node.sign
        return Fragment(
            lambda this, scope: negated(run(this, scope), sign), operand.types,
            note=f"polarity {sign}", parts=(operand,),
        )  # fmt: skip

    def chain(self, node: Chain, context: Context) -> Fragment:
        """`|`, `and`, `or`."""
        if node.operator == "|":
            return collections.union(self._branches(node, context))
        parts = tuple(self.part(operand, context) for operand in node.operands)
        return logic.chain(node.operator, parts)

    def _branches(self, node: Chain, context: Context) -> tuple[Fragment, ...]:
        """The branches of a union. One that begins with another type is empty, in strict mode too, as
        long as another branch applies: that is how R4 writes parameters common to several types.
        """
        branches: list[Fragment] = []
        astray: FHIRPathError | None = None
        for operand in node.operands:
            try:
                branches.append(self.part(operand, context))
            except FHIRPathError as error:
                if error.issue.id != "fhirpath-wrong-context":
                    raise
                astray = error
        if astray is not None and not branches:
            raise astray
        return tuple(branches)

    def operation(self, node: Operation, context: Context) -> Fragment:
        """A binary operator."""
        left = self.part(node.left, context)
        right = self.part(node.right, context)
        operator = OPERATORS[node.operator]
        return Fragment(
            _binary(operator, left.run, right.run), operator.returns(left.types, right.types),
            note=f"operator {node.operator}", parts=(left, right),
        )  # fmt: skip

    def type_operation(self, node: TypeOperation, context: Context) -> Fragment:
        """`is`, `as`."""
        if node.operator == "is":
            return types.is_type(self, node.operand, node.type_name, context, node.position)
        source = self.compile(node.operand, context)
        return types.as_type(self, source, node.type_name, node.position)


def in_fast_lane(general: Fragment, fast: FastPath | FastTruth) -> Fragment:
    """The part run fast, and by the general closures where the data is not plain."""
    careful = general.run
    if isinstance(fast, FastPath):
        typed = fast.typed

        def run(this: Any, scope: Scope) -> Items:
            try:
                found = typed(this.value)
            except FALL_BACK:
                return careful(this, scope)
            if len(found) > FREE:
                scope.spend(len(found))
            return found

    else:
        test = fast.test

        def run(this: Any, scope: Scope) -> Items:
            try:
                value = test(this.value)
            except FALL_BACK:
                return careful(this, scope)
            return [] if value is None else [value]

    return replace(general, run=run, fast=fast)


def _this(this: Any, _scope: Scope) -> Items:
    return [this]


def _index(_this: Any, scope: Scope) -> Items:
    return [] if scope.index is None else [scope.index]


def _total(_this: Any, scope: Scope) -> Items:
    return scope.total


def _literal(value: Any, type_name: str) -> Fragment:
    return Fragment(lambda _this, _scope: [value], (type_name,), note=f"literal {value}")


def _constant_value(node: Constant) -> tuple[Any, str]:
    parse = {"date": parse_date, "datetime": parse_datetime, "time": parse_time}.get(node.kind)
    if parse is not None:
        value = parse(str(node.value))
        if value is None:
            raise semantic_error("fhirpath-no-such-date", node.position, text=f"@{node.value}")
        return value, "System." + value.kind
    name = {bool: "Boolean", str: "String", int: "Integer", Decimal: "Decimal"}[type(node.value)]
    return node.value, "System." + name


def _binary(operator: BinaryOperator, left: Run, right: Run) -> Run:
    apply, cost = operator.apply, operator.cost
    if operator.makes_text:
        return _making_text(apply, left, right)
    if cost is None:
        return lambda this, scope: apply(left(this, scope), right(this, scope))

    def run(this: Any, scope: Scope) -> Items:
        one, other = left(this, scope), right(this, scope)
        if len(one) > 1 or len(other) > 1:
            scope.spend(cost(one, other))
        return apply(one, other)

    return run


def _making_text(apply: Callable[[Items, Items], Items], left: Run, right: Run) -> Run:
    def run(this: Any, scope: Scope) -> Items:
        found = apply(left(this, scope), right(this, scope))
        if found and type(found[0]) is str and len(found[0]) > FREE:
            scope.spend(len(found[0]) >> TEXT_SHIFT)
        return found

    return run


def _step(source: Run, name: str, space: TypeSpace) -> Run:
    children = space.children

    def run(this: Any, scope: Scope) -> Items:
        found: Items = []
        items = source(this, scope)
        paid = 0 if len(items) > FREE else None
        for item in items:
            if type(item) is not TypedValue:
                continue
            if paid is not None:
                scope.spend(1 + len(found) - paid)
                paid = len(found)
            holder = holder_of(item)
            if not holder:
                continue
            candidates = children(item.type, name)
            if len(candidates) > _MANY_KEYS:
                candidates = tuple(
                    c for c in candidates if c.key in holder or c.sibling_key in holder
                )
            for child in candidates:
                append_child(found, holder, child)
        if len(found) > FREE:
            scope.spend(len(found))
        return found

    return run


_COMPILE: dict[type[Node], Callable[[Compiler, Any, Context], Fragment]] = {
    Constant: Compiler.constant,
    QuantityLiteral: Compiler.quantity,
    EmptyLiteral: Compiler.empty,
    External: Compiler.external,
    LoopVariable: Compiler.loop_variable,
    Member: Compiler.member,
    Call: Compiler.call,
    Index: Compiler.index,
    Polarity: Compiler.polarity,
    Chain: Compiler.chain,
    Operation: Compiler.operation,
    TypeOperation: Compiler.type_operation,
}

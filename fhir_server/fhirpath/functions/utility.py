"""Utility functions, and `sort()`.

Source: FHIRPath N1 §5.9 http://hl7.org/fhirpath/N1/#utility-functions
"""

import logging
from functools import cmp_to_key, partial
from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.fragment import Context, Fragment, Run, boolean, single
from fhir_server.fhirpath.functions.filtering import select
from fhir_server.fhirpath.functions.registry import compiled
from fhir_server.fhirpath.operators.comparison import order
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import Call, Polarity
from fhir_server.fhirpath.temporal import Kind, from_clock
from fhir_server.fhirpath.values import Items, system

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler

Row = tuple[Items, Any]
"""The keys of an item, and the item."""

_log = logging.getLogger(__name__)


@compiled("trace", "tracename-string-projection-expression-collection", arguments=(1, 2))
def compile_trace(compiler: "Compiler", call: Call, source: Fragment, context: Context) -> Fragment:
    """The input unchanged; the log gets how many items passed, never their content."""
    name_of = compiler.compile(call.arguments[0], context).run
    if len(call.arguments) > 1:
        compiler.compile(call.arguments[1], Context(source.types))
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        items = items_of(this, scope)
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("trace %s: %d items", single(name_of(this, scope), "trace()"), len(items))
        return items

    return Fragment(run, source.types, source.ordered, "function trace", (source,))


def _clock(name: str, kind: Kind) -> None:
    def compile_clock(
        _compiler: "Compiler", _call: Call, _source: Fragment, _context: Context
    ) -> Fragment:
        return Fragment(lambda _this, scope: [from_clock(scope.now, kind)], (f"System.{kind}",),
                        note=f"function {name}")  # fmt: skip

    compiled(name, f"{name}-{kind.lower()}")(compile_clock)


_clock("now", "DateTime")
_clock("today", "Date")
_clock("timeOfDay", "Time")


@compiled("not", "not-boolean")
def compile_not(
    _compiler: "Compiler", _call: Call, source: Fragment, _context: Context
) -> Fragment:
    """The opposite; empty stays empty. Source: FHIRPath N1 §6.5.3."""
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        value = boolean(items_of(this, scope), "not()")
        return [] if value is None else [not value]

    return Fragment(run, ("System.Boolean",), note="function not", parts=(source,))


@compiled("sort", "http://hl7.org/fhirpath/#sortkeyselector-expression", arguments=(0, 8))
def compile_sort(compiler: "Compiler", call: Call, source: Fragment, _context: Context) -> Fragment:
    """In the order of the keys; a key with a minus before it runs downwards."""
    keys: list[tuple[Run, int]] = []
    for argument in call.arguments:
        descends = isinstance(argument, Polarity) and argument.sign == "-"
        node = argument.operand if isinstance(argument, Polarity) and descends else argument
        keys.append((compiler.compile(node, Context(source.types)).run, -1 if descends else 1))
    if not keys:
        keys.append((lambda this, _scope: [this], 1))
    items_of = source.run
    signs = [sign for _, sign in keys]

    def run(this: Any, scope: Scope) -> Items:
        rows: list[Row] = [
            ([single(key(item, scope), "sort()") for key, _ in keys], item)
            for item in scope.each(items_of(this, scope))
        ]
        rows.sort(key=cmp_to_key(partial(_compare_rows, signs)))
        return [item for _, item in rows]

    return Fragment(run, source.types, note="function sort", parts=(source,))


def _compare_rows(signs: list[int], left: Row, right: Row) -> int:
    for one, other, sign in zip(left[0], right[0], signs, strict=True):
        if one is None or other is None:
            # What has no key comes first, in either direction.
            outcome = (one is not None) - (other is not None)
        else:
            outcome = (order(system(one), system(other)) or 0) * sign
        if outcome:
            return outcome
    return 0


@compiled("defineVariable", "http://hl7.org/fhirpath/#definevariablename-string--expr-expression",
          arguments=(1, 2))  # fmt: skip
def compile_define_variable(
    compiler: "Compiler", call: Call, source: Fragment, context: Context
) -> Fragment:
    """Name the input, or what an expression gives for it; `%name` holds it from here on."""
    name_of = compiler.compile(call.arguments[0], context).run
    value = (
        compiler.compile(call.arguments[1], Context(source.types)).run
        if len(call.arguments) > 1
        else None
    )
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        items = items_of(this, scope)
        name = single(name_of(this, scope), "defineVariable()")
        known = dict(scope.variables or {})
        if type(name) is not str or name in known:
            raise execution_error("fhirpath-variable-twice", name=name)
        known[name] = items if value is None else select(items, value, scope)
        scope.variables = known
        return items

    return Fragment(run, source.types, source.ordered, "function defineVariable", (source,))

"""How functions are declared: what they take, what they give, where the specification has them.

Four kinds cover them all:

- `on_collection`: the whole input and ready arguments;
- `on_item`: one input value of a wanted type and ready arguments, empty in → empty out;
- `iterating`: an argument evaluated anew for each item;
- `compiled`: those that look at the types or the syntax of what they are given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from fhir_server.fhirpath.budget import FREE, TEXT_SHIFT
from fhir_server.fhirpath.errors import execution_error, semantic_error
from fhir_server.fhirpath.fragment import EMPTY, Context, Fragment, Run, Types, single
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import Call
from fhir_server.fhirpath.temporal import Temporal
from fhir_server.fhirpath.values import Items, TypedValue, type_name

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler

Cost = Callable[..., int]
Compile = Callable[["Compiler", Call, Fragment, Context], Fragment]
Kind = Literal["any", "text", "integer", "number", "measure", "moment", "collection"]
Returns = str | None | Literal["same"]

SPECIFICATION = "http://hl7.org/fhirpath/N1/#"


@dataclass(frozen=True, slots=True)
class Function:
    """One function: how many arguments it takes and how a call of it compiles."""

    name: str
    minimum: int
    maximum: int
    specification: str
    compile: Compile


FUNCTIONS: dict[str, Function] = {}

_NAMES = {"text": "String", "integer": "Integer", "number": "Decimal", "measure": "Quantity",
          "moment": "DateTime", "any": "Any"}  # fmt: skip
_CLASSES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, Decimal),
    "measure": (int, Decimal, Quantity),
    "moment": (Temporal,),
    "any": (object,),
}


def compiled(
    name: str, section: str, *, arguments: tuple[int, int] = (0, 0)
) -> Callable[[Compile], Compile]:
    """Declare a function that compiles itself."""

    def declare(body: Compile) -> Compile:
        link = section if "://" in section else SPECIFICATION + section
        FUNCTIONS[name] = Function(name, *arguments, link, body)
        return body

    return declare


def on_collection(
    name: str,
    section: str,
    *,
    returns: Returns,
    arguments: tuple[Kind, ...] = (),
    optional: int = 0,
    needs_order: bool = False,
    cost: Cost | None = None,
) -> Callable[[Callable[..., Items]], Callable[..., Items]]:
    """Declare a function of the whole input; an empty argument makes the result empty.

    `cost` tells the units of work for what the function is given, where the work grows faster than the
    number of items.
    """

    def declare(body: Callable[..., Items]) -> Callable[..., Items]:
        def compile_call(
            compiler: "Compiler", call: Call, source: Fragment, context: Context
        ) -> Fragment:
            if needs_order:
                compiler.check_ordered(source, f"{name}()", call.position)
            inputs = ready_arguments(compiler, call, arguments, context)
            types = source.types if returns == "same" else _types(returns)
            if returns == "same" and source.types == () and not arguments:
                return EMPTY
            return Fragment(_collection_run(body, source.run, inputs, cost), types, source.ordered,
                            f"function {name}", (source,))  # fmt: skip

        span = (len(arguments) - optional, len(arguments))
        compiled(name, section, arguments=span)(compile_call)
        return body

    return declare


def _collection_run(
    body: Callable[..., Items],
    source: Run,
    inputs: tuple[Callable[[Any, Scope], Any], ...],
    cost: Cost | None,
) -> Run:
    if not inputs:

        def run_alone(this: Any, scope: Scope) -> Items:
            items = source(this, scope)
            if len(items) > FREE:
                scope.spend(len(items) if cost is None else cost(items))
            return body(items)

        return run_alone

    def run(this: Any, scope: Scope) -> Items:
        values: list[Any] = []
        for read in inputs:
            value = read(this, scope)
            if value is None:
                return []
            values.append(value)
        items = source(this, scope)
        if cost is not None:
            scope.spend(cost(items, *values))
        elif len(items) > FREE:
            scope.spend(len(items))
        return body(items, *values)

    return run


def on_item(
    name: str,
    section: str,
    *,
    takes: Kind,
    returns: Returns,
    arguments: tuple[Kind, ...] = (),
    optional: int = 0,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a function of one value; empty in, empty out; None stands for an empty result."""

    def declare(body: Callable[..., Any]) -> Callable[..., Any]:
        def compile_call(
            compiler: "Compiler", call: Call, source: Fragment, context: Context
        ) -> Fragment:
            _check_types(compiler, call, source, takes)
            inputs = ready_arguments(compiler, call, arguments, context)
            read = wanted(takes, source.run, f"{name}()")
            types = source.types if returns == "same" else _types(returns)
            return Fragment(
                _item_run(body, read, inputs), types, note=f"function {name}", parts=(source,)
            )

        span = (len(arguments) - optional, len(arguments))
        compiled(name, section, arguments=span)(compile_call)
        return body

    return declare


def _item_run(
    body: Callable[..., Any],
    read: Callable[[Any, Scope], Any],
    inputs: tuple[Callable[[Any, Scope], Any], ...],
) -> Run:
    def run(this: Any, scope: Scope) -> Items:
        value = read(this, scope)
        if value is None:
            return []
        values: list[Any] = []
        for argument in inputs:
            ready = argument(this, scope)
            if ready is None:
                return []
            values.append(ready)
        result = body(value, *values)
        if result is None:
            return []
        if type(result) is str:
            if len(result) > FREE:
                scope.spend(len(result) >> TEXT_SHIFT)
        elif type(result) is list:
            scope.spend(len(result))
            return result
        return [result]

    return run


def iterating(
    name: str, section: str, *, returns: Returns, minimum: int = 1
) -> Callable[[Callable[[Items, Run, Scope], Items]], Callable[[Items, Run, Scope], Items]]:
    """Declare a function whose argument is evaluated for each item, with `$this` and `$index`.

    `returns` may be "argument": the types of the argument.
    """

    def declare(body: Callable[[Items, Run, Scope], Items]) -> Callable[[Items, Run, Scope], Items]:
        def compile_call(
            compiler: "Compiler", call: Call, source: Fragment, _context: Context
        ) -> Fragment:
            if source.types == () and returns == "same":
                return EMPTY
            inner = compiler.part(call.arguments[0], Context(source.types))
            types = {"same": source.types, "argument": inner.types}.get(
                returns or "", _types(returns)
            )
            items_of, argument = source.run, inner.run
            return Fragment(
                lambda this, scope: body(items_of(this, scope), argument, scope), types,
                source.ordered and inner.ordered, f"function {name}", (source, inner),
            )  # fmt: skip

        compiled(name, section, arguments=(minimum, 1))(compile_call)
        return body

    return declare


def _types(returns: Returns) -> Types:
    return None if returns is None else (f"System.{returns}",)


def ready_arguments(
    compiler: "Compiler", call: Call, kinds: tuple[Kind, ...], context: Context
) -> tuple[Callable[[Any, Scope], Any], ...]:
    """The arguments as readers of one value each, checked against their kinds."""
    return tuple(
        wanted(kind, compiler.compile(argument, context).run, f"{call.name}()")
        for kind, argument in zip(kinds, call.arguments, strict=False)
    )


def wanted(kind: Kind, run: Run, what: str) -> Callable[[Any, Scope], Any]:
    """A reader of one value of a kind; None for empty. Errors: FHIRPathError for another kind."""
    if kind == "collection":
        return run
    classes = _CLASSES[kind]

    def read(this: Any, scope: Scope) -> Any:
        items = run(this, scope)
        value = single(items, what)
        if value is None:
            return None
        if kind == "text" and type(value) is Temporal and type(items[0]) is TypedValue:
            # A FHIR date is text in JSON; `birthDate.substring(0, 4)` is common and harmless.
            return items[0].value
        if not isinstance(value, classes) or (type(value) is bool and kind not in {"any", "text"}):
            raise execution_error(
                "fhirpath-wrong-type", operation=what, wanted=_NAMES[kind], found=type_name(value)
            )
        return value

    return read


def _check_types(compiler: "Compiler", call: Call, source: Fragment, takes: Kind) -> None:
    """Text functions on elements that can never be text are a fault of the expression."""
    if takes != "text" or not source.types:
        return
    if not any(_may_be_text(compiler, name) for name in source.types):
        raise semantic_error("fhirpath-never-text", call.position, name=call.name,
                             types=" | ".join(source.types))  # fmt: skip


def _may_be_text(compiler: "Compiler", name: str) -> bool:
    if name.startswith("System."):
        return name == "System.String"
    return compiler.space.is_primitive(name) or compiler.space.is_abstract(name)

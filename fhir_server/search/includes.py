"""`_include` and `_revinclude`: which resources go along with the matches.

Source: FHIR R4 §3.1.1.5.4, https://hl7.org/fhir/R4/search.html#revinclude
"""

from dataclasses import dataclass

from fhir_server.model.issues import refuse
from fhir_server.search.filters import Scope, unknown_parameter, unknown_type
from fhir_server.store.resource_types import TYPE_NUMBERS


@dataclass(frozen=True, slots=True)
class Include:
    """Resources to send along: those that matches refer to, or (`reverse`) that refer to matches.

    Shape: `parameters` the numbers of the reference parameters, None for all there are; `target` the type
    that the references lead to, None for any; `iterate` also from what was included.
    """

    reverse: bool
    parameters: tuple[int, ...] | None
    target: str | None
    iterate: bool


def parse_include(scope: Scope, name: str, value: str) -> Include:
    """`_include[:iterate]=Source:parameter[:Target]`, also `*` and `Source:*`. Errors: Refused(400)."""
    base, _, modifier = name.partition(":")
    if modifier not in {"", "iterate", "recurse"}:
        raise refuse(
            400, "search-modifier-unknown", "not-supported",
            parameter=base, modifier=modifier, allowed=":iterate",
        )  # fmt: skip
    reverse = base == "_revinclude"
    iterate = modifier != ""
    if value == "*":
        return Include(reverse, None, None, iterate)
    parts = value.split(":")
    if len(parts) not in {2, 3} or not all(parts):
        raise refuse(400, "search-include-malformed", "value", parameter=name, value=value[:200])
    for one in (parts[0], *parts[2:]):
        if one not in TYPE_NUMBERS:
            raise unknown_type(one)
    target = parts[2] if len(parts) == 3 else None
    return Include(reverse, _references(scope, parts[0], parts[1]), target, iterate)


def _references(scope: Scope, source: str, code: str) -> tuple[int, ...]:
    known = scope.parameters.of(source)
    if code == "*":
        return tuple(one.hash for one in known.values() if one.type == "reference")
    parameter = known.get(code)
    if parameter is None:
        raise unknown_parameter(scope.at((source,)), code)
    if parameter.type != "reference":
        raise refuse(400, "search-chain-no-reference", "invalid", parameter=code)
    return (parameter.hash,)

"""`_include` and `_revinclude`: which resources go along with the matches.

Source: FHIR R4 §3.1.1.5.4, https://hl7.org/fhir/R4/search.html#revinclude
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_server.model.issues import refuse
from fhir_server.search.canonical_links import CanonicalLink, canonical_links
from fhir_server.search.parameters import SearchParameter
from fhir_server.search.scope import Scope, unknown_parameter, unknown_type
from fhir_server.search.types.reference import targets_of
from fhir_server.store.resource_types import RESOURCE_TYPES, TYPE_NUMBERS


@dataclass(frozen=True, slots=True)
class Include:
    """Resources to send along: those that matches refer to, or (`reverse`) that refer to matches.

    Shape: `parameters` the numbers of the reference parameters, None for all there are; `target` the type
    that the references lead to, None for any; `iterate` also from what was included; `canonicals` those of
    the parameters whose values are canonicals.
    """

    reverse: bool
    parameters: tuple[int, ...] | None
    target: str | None
    iterate: bool
    canonicals: tuple[CanonicalLink, ...] = ()


def parse_include(scope: Scope, name: str, value: str, *, from_containers: bool = False) -> Include:
    """`_include[:iterate]=Source:parameter[:Target]`, also `*` and `Source:*`.

    Shape: `from_containers` where matches may be of other types than those searched.
    Errors: Refused(400), also for what leads neither from nor to the types searched.
    """
    base, _, modifier = name.partition(":")
    if modifier not in {"", "iterate", "recurse"}:
        raise refuse(
            400, "search-modifier-unknown", "not-supported",
            parameter=base, modifier=modifier, allowed=":iterate",
        )  # fmt: skip
    reverse = base == "_revinclude"
    iterate = modifier != ""
    is_open = iterate or from_containers
    if value == "*":
        return Include(
            reverse, None, None, iterate, _all_canonicals(scope, reverse=reverse, is_open=is_open)
        )
    parts = value.split(":")
    if len(parts) not in {2, 3} or not all(parts):
        raise refuse(400, "search-include-malformed", "value", parameter=name, value=value[:200])
    for one in (parts[0], *parts[2:]):
        if one not in TYPE_NUMBERS:
            raise unknown_type(one)
    target = parts[2] if len(parts) == 3 else None
    found = _references(scope, parts[0], parts[1])
    _check_leads(scope, parts[0], found, target, reverse=reverse, is_open=is_open)
    canonicals = canonical_links(scope.parameters, found, None if target is None else (target,))
    return Include(reverse, tuple(one.hash for one in found), target, iterate, canonicals)


def _references(scope: Scope, source: str, code: str) -> tuple[SearchParameter, ...]:
    known = scope.parameters.of(source)
    if code == "*":
        return tuple(one for one in known.values() if one.type == "reference")
    parameter = known.get(code)
    if parameter is None:
        raise unknown_parameter(scope.at((source,)), code)
    if parameter.type != "reference":
        raise refuse(400, "search-chain-no-reference", "invalid", parameter=code)
    return (parameter,)


def _check_leads(
    scope: Scope,
    source: str,
    found: Sequence[SearchParameter],
    target: str | None,
    *,
    reverse: bool,
    is_open: bool,
) -> None:
    """Errors: Refused(400) for an include that could add nothing, whatever is stored."""
    targets = {one for parameter in found for one in targets_of(parameter)}
    reached = targets if target is None else targets & {target}
    starts = reached if reverse else {source}
    if not reached or not (is_open or starts & set(scope.types)):
        allowed = sorted(targets if not reached or reverse else {source})
        raise refuse(
            400, "search-include-elsewhere", "invalid",
            types=_first(scope.types), leads=_first(allowed), source=source,
        )  # fmt: skip


def _first(types: Sequence[str]) -> str:
    return ", ".join([*types[:5], *(["…"] if len(types) > 5 else [])])


def _all_canonicals(scope: Scope, *, reverse: bool, is_open: bool) -> tuple[CanonicalLink, ...]:
    """Those of all parameters that lead from, or to, the types searched."""
    searched = RESOURCE_TYPES if is_open else scope.types
    known = scope.parameters
    if reverse and not any(known.find(one, "url") for one in searched):
        return ()
    return tuple(
        link
        for source in (RESOURCE_TYPES if reverse else searched)
        for link in canonical_links(
            known, tuple(known.of(source).values()), searched if reverse else None
        )
    )

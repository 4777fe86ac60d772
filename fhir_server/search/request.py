"""A search request: what the query string asks for, understood and checked.

Strict handling refuses what is unknown; lenient handling drops it, says so, and leaves it out of the
self link. A value that is malformed is refused either way: dropped, it would widen the search.

Source: FHIR R4 §3.1.1, https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Any, Literal, get_args
from urllib.parse import quote, urlencode

from msgspec import structs

from fhir_server.model.issues import Issue, Refused, refuse, warning
from fhir_server.search.compartments import (
    Compartment,
    compartment_parameters,
    in_compartment,
)
from fhir_server.search.contained import Contained, ContainedType, of_contained
from fhir_server.search.criteria import NO_VALUE_SETS, Setting, ValueSets
from fhir_server.search.filters import parse_filter
from fhir_server.search.includes import Include, parse_include
from fhir_server.search.order import Sort, parse_sort
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.predicates import AllOf, AnyOf, Holds, Predicate, TypeIn
from fhir_server.search.scope import Scope, parse_types
from fhir_server.store.resource_types import RESOURCE_TYPES, TYPE_NUMBERS

Total = Literal["none", "estimate", "accurate"]
Summary = Literal["true", "text", "data", "count", "false"]

CURSOR_PARAMETER = "_cursor"
DEFAULT_COUNT = 50
MAX_COUNT = 1000
MAX_PARAMETERS = 200

_DROPPABLE = frozenset({
    "search-parameter-unknown", "search-parameter-not-common", "search-parameter-unsupported",
    "search-query-unsupported", "search-modifier-unknown",
    "search-include-elsewhere", "search-sort-unsupported", "search-chain-no-reference", "search-type-unknown",
})  # fmt: skip
_ELSEWHERE = frozenset({"_format", "_pretty"})


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search, understood and checked.

    Shape: `types` empty for all; `pairs` the parameters that took effect, in the order sent;
    `dropped` what lenient handling left out; `cursor` where the page starts; `incomplete` the codes of
    parameters that not every stored resource is indexed by; `contained` where contained resources come by
    themselves: the condition on them, while `predicate` is that on stored ones; `supposed` the numbers by
    which nothing inside is supposed to be referred to (`settled.py`).
    """

    types: tuple[str, ...]
    predicate: AllOf
    includes: tuple[Include, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = DEFAULT_COUNT
    total: Total = "none"
    summary: Summary = "false"
    elements: tuple[str, ...] = ()
    cursor: str | None = None
    compartment: Compartment | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    dropped: tuple[Issue, ...] = ()
    incomplete: tuple[str, ...] = ()
    explain: bool = False
    contained: Predicate | None = None
    supposed: frozenset[int] = frozenset()

    @property
    def resource_type(self) -> str | None:
        """The one type searched, None for several."""
        return self.types[0] if len(self.types) == 1 else None

    @property
    def is_count_only(self) -> bool:
        """Whether only the total is wanted."""
        return self.count == 0 or self.summary == "count"

    def self_query(self) -> str:
        """The query string of this page, without `?`."""
        return self._query(self.cursor)

    def next_query(self, cursor: str) -> str:
        """The query string of the page that starts at the cursor, without `?`."""
        return self._query(cursor)

    def _query(self, cursor: str | None) -> str:
        pairs = self.pairs if cursor is None else (*self.pairs, (CURSOR_PARAMETER, cursor))
        # The marks that search values are made of stay readable, but `|`, which no URI has (RFC 3986 §2).
        return urlencode(pairs, quote_via=quote, safe=":/,$*")


@dataclass(slots=True)
class _Draft:
    """What has been read so far."""

    scope: Scope
    predicates: list[Predicate] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    settled: dict[str, Any] = field(default_factory=dict)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    meets_contained: bool = False
    contained: Contained = "false"
    contained_type: ContainedType = "container"


def parse_search(
    parameters: SearchParameters,
    resource_type: str | None,
    pairs: Sequence[tuple[str, str]],
    *,
    lenient: bool,
    base_url: str,
    zone: tzinfo = UTC,
    compartment: Compartment | None = None,
    takes_contained: bool = False,
    ignores_empty: bool = False,
    values: ValueSets = NO_VALUE_SETS,
) -> SearchRequest:
    """Read the parameters of a search on a type, or on the whole server.

    Shape: `pairs` names and values, decoded from the URL or the form; `zone` that of dates without one;
    `compartment` type and id where the URL names one (`Patient/1/Condition`, with type None `Patient/1/*`);
    `takes_contained` whether resources inside of others may be asked for; `ignores_empty` whether a parameter
    without value is left out, as R4 §3.1.1.3 has it: of criteria it would make others; `values` what value
    sets hold where more than the loaded ones are known.
    Errors: Refused(400) with one issue for each fault; Refused(404) for a compartment that R4 has not.
    """
    setting = Setting(
        base_url.rstrip("/"), zone,
        terminology=values.terminology or parameters.terminology, value_set=values.by_id,
    )  # fmt: skip
    ignored = [name for name, value in pairs if ignores_empty and not value.strip()]
    pairs = [(name, value) for name, value in pairs if value.strip() or not ignores_empty]
    types = _searched_types(resource_type, pairs)
    if compartment is not None:
        members = compartment_parameters(parameters, compartment[0])
        types = tuple(name for name in types if name in members or name == compartment[0])
        if not types:
            raise refuse(404, "search-compartment-unknown", "not-found", type=compartment[0])
    meets_contained = any(name == "_contained" and value != "false" for name, value in pairs)
    draft = _Draft(Scope(parameters, setting, types), meets_contained=meets_contained)
    if compartment is not None:
        draft.predicates.append(in_compartment(parameters, types, compartment))
    dropped = _read_all(draft, pairs, lenient=lenient)
    if draft.includes and draft.settled.get("summary") == "text":
        raise refuse(400, "search-summary-text-include", "invalid")
    request = SearchRequest(
        types=() if draft.scope.types == RESOURCE_TYPES else draft.scope.types,
        predicate=AllOf(tuple(draft.predicates)),
        includes=tuple(dict.fromkeys(draft.includes)),
        compartment=compartment,
        pairs=tuple(draft.pairs),
        dropped=(*map(_ignored, ignored), *dropped),
        incomplete=tuple(dict.fromkeys(p.code for p in draft.scope.used if not p.is_complete)),
        **draft.settled,
    )
    if draft.contained == "false":
        return request
    if not takes_contained or compartment is not None:
        raise refuse(400, "search-contained", "not-supported", value=draft.contained)
    return _with_contained(request, draft.contained, draft.contained_type)


def _ignored(name: str) -> Issue:
    return _of_parameter(warning("search-parameter-empty", "informational", parameter=name), name)


def _with_contained(
    request: SearchRequest, which: Contained, returned: ContainedType
) -> SearchRequest:
    """The search that meets contained resources too, or only them. Errors: Refused(400)."""
    is_ordered = any(sort.kind not in {"id", "updated"} for sort in request.sort)
    if is_ordered or (returned == "contained" and (request.sort or request.includes)):
        raise refuse(400, "search-contained-order", "not-supported")
    numbers = tuple(TYPE_NUMBERS[name] for name in request.types)
    stored = AllOf((*((TypeIn(numbers),) if numbers else ()), *request.predicate.predicates))
    contained = of_contained(stored)
    if returned == "contained":
        nothing = AllOf((AnyOf(()),))
        return replace(
            request, types=(), predicate=stored if which == "both" else nothing, contained=contained
        )
    holds = Holds(contained, stored if which == "both" else None)
    return replace(request, types=(), predicate=AllOf((holds,)))


def _read_all(draft: _Draft, pairs: Sequence[tuple[str, str]], *, lenient: bool) -> list[Issue]:
    """Read each parameter; what lenient handling dropped. Errors: Refused(400) with every fault."""
    if len(pairs) > MAX_PARAMETERS:
        raise refuse(400, "search-too-many-parameters", "too-costly", limit=MAX_PARAMETERS)
    faults: list[Issue] = []
    dropped: list[Issue] = []
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            # No string of FHIR holds it, and PostgreSQL takes none.
            raise refuse(
                400, "search-value-null", "value", parameter=name.replace("\x00", "")[:100]
            )
        try:
            _read(draft, name, value)
        except Refused as refused:
            if lenient and all(issue.id in _DROPPABLE for issue in refused.issues):
                dropped.extend(
                    structs.replace(_of_parameter(issue, name), severity="warning")
                    for issue in refused.issues
                )
            else:
                faults.extend(_of_parameter(issue, name) for issue in refused.issues)
    if faults:
        raise Refused(400, faults)
    return dropped


def _of_parameter(issue: Issue, name: str) -> Issue:
    """The issue with its place. Source: R4 OperationOutcome.issue.location (“http.” and the name)."""
    return issue if issue.expression else structs.replace(issue, expression=f"http.{name[:100]}")


def _searched_types(resource_type: str | None, pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    if resource_type is not None:
        return (resource_type,)
    types = RESOURCE_TYPES
    for name, value in pairs:
        if name == "_type":
            wanted = parse_types(name, value)
            types = tuple(one for one in types if one in wanted)
    return types


def _read(draft: _Draft, name: str, value: str) -> None:
    base = name.partition(":")[0]
    if base in {"_include", "_revinclude"}:
        include = parse_include(draft.scope, name, value, from_containers=draft.meets_contained)
        draft.includes.append(include)
    elif name in _RESULT:
        key, read = _RESULT[name]
        settled = read(draft.scope, name, value)
        if draft.settled.setdefault(key, settled) != settled:
            raise refuse(400, "search-parameter-repeated", "invalid", parameter=name)
        if name == CURSOR_PARAMETER:
            return
        value = str(settled) if name == "_count" else value
    elif name == "_contained":
        draft.contained = _one_of(*get_args(Contained))(draft.scope, name, value)
    elif name == "_containedType":
        draft.contained_type = _one_of(*get_args(ContainedType))(draft.scope, name, value)
    elif base not in _ELSEWHERE:
        draft.predicates.append(parse_filter(draft.scope, name, value))
    draft.pairs.append((name, value))


def _count(_: Scope, name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit():
        raise refuse(400, "search-value-count", "value", parameter=name, value=value[:200])
    return min(int(value[:12]), MAX_COUNT)


def _sort(scope: Scope, _: str, value: str) -> tuple[Sort, ...]:
    return parse_sort(scope, value)


def _one_of(*allowed: str) -> Callable[[Scope, str, str], Any]:
    def read(_: Scope, name: str, value: str) -> str:
        if value not in allowed:
            raise refuse(
                400, "search-value-choice", "value",
                parameter=name, value=value[:200], allowed=", ".join(allowed),
            )  # fmt: skip
        return value

    return read


def _elements(_: Scope, name: str, value: str) -> tuple[str, ...]:
    names = tuple(item.strip() for item in value.split(","))
    if not all(names):
        raise refuse(400, "search-value-empty", "value", parameter=name)
    return names


def _cursor(_: Scope, __: str, value: str) -> str:
    return value


def _truth(_: Scope, name: str, value: str) -> bool:
    if value not in {"true", "false"}:
        raise refuse(400, "search-value-boolean", "value", parameter=name, value=value[:200])
    return value == "true"


_RESULT: Mapping[str, tuple[str, Callable[[Scope, str, str], Any]]] = {
    "_count": ("count", _count),
    "_sort": ("sort", _sort),
    "_total": ("total", _one_of(*get_args(Total))),
    "_summary": ("summary", _one_of(*get_args(Summary))),
    "_elements": ("elements", _elements),
    "_explain": ("explain", _truth),
    CURSOR_PARAMETER: ("cursor", _cursor),
}

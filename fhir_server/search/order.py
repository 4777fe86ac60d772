"""`_sort`: by which values, in which direction.

Source: FHIR R4 §3.1.1.5.1, https://hl7.org/fhir/R4/search.html#sort
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from fhir_server.model.issues import refuse
from fhir_server.search.parameters import SearchType
from fhir_server.search.scope import Scope, unknown_parameter

SortKind = Literal["date", "number", "quantity", "string", "token", "reference", "id", "updated"]


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key: `parameters` its numbers, one for each type searched; `is_single` where a resource
    has one value at most; `texts` the numbers under which tokens that are no codes have their strings.
    """

    kind: SortKind
    parameters: tuple[int, ...]
    descending: bool
    is_single: bool
    texts: tuple[int, ...] = ()

    @property
    def is_column(self) -> bool:
        """Whether the value is a column of the resource itself."""
        return self.kind in {"id", "updated"}

    @property
    def is_indexed(self) -> bool:
        """Whether an index holds the values in their order."""
        return not self.is_column and self.kind not in {"token", "reference"}


_COLUMNS: Mapping[str, SortKind] = {"_id": "id", "_lastUpdated": "updated"}
_KINDS: Mapping[SearchType, SortKind] = {
    "date": "date",
    "number": "number",
    "quantity": "quantity",
    "string": "string",
    "uri": "string",
    "token": "token",
    "reference": "reference",
}


def parse_sort(scope: Scope, value: str) -> tuple[Sort, ...]:
    """The keys of `_sort=a,-b`. Errors: Refused(400)."""
    return tuple(_key(scope, item.strip()) for item in value.split(","))


def _key(scope: Scope, item: str) -> Sort:
    descending = item.startswith("-")
    code = item.removeprefix("-")
    column = _COLUMNS.get(code)
    if column is not None:
        return Sort(column, (), descending, is_single=True)
    found = scope.find(code)
    if not found:
        raise unknown_parameter(scope, code)
    kinds = {_KINDS.get(parameter.type) for parameter in found}
    kind = kinds.pop()
    if kinds or kind is None:
        raise refuse(
            400, "search-sort-unsupported", "not-supported", parameter=code, near=_near(scope, code)
        )
    is_single = len(found) == 1 and found[0].is_single and found[0].type != "string"
    texts = tuple(p.hash_of("sort") for p in found) if kind == "token" else ()
    return Sort(kind, tuple(p.hash for p in found), descending, is_single, texts)


def _near(scope: Scope, code: str) -> str:
    known = [
        name
        for name, parameter in scope.parameters.of(scope.types[0]).items()
        if parameter.type in _KINDS
    ]
    return ", ".join(get_close_matches(code, known, n=3) or known)

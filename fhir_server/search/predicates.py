"""What a resource must meet to be found: predicates over index rows. All values.

Predicates speak of hashes and ranges only, never of client text, save the prefixes of strings.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
"""What may stand before a searched value."""
Comparator = Prefix | Literal["co"]
"""`co`: the range in the resource contains all that is asked for."""
StringMatch = Literal["starts", "contains", "ends", "equals", "differs", "gt", "lt", "ge", "le"]
"""The last four by code point."""
RangeTable = Literal["date", "number", "quantity"]


@dataclass(frozen=True, slots=True)
class HasToken:
    """The resource has one of the tokens."""

    any_of: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InRange:
    """A row of a range table compares as asked with [low, high].

    Shape: `unit` only for quantities; `is_single` where a resource has one row at most.
    """

    table: RangeTable
    parameters: tuple[int, ...]
    comparator: Comparator
    low: int | Decimal
    high: int | Decimal
    unit: int = 0
    is_single: bool = False


@dataclass(frozen=True, slots=True)
class InElement:
    """One element of the resource has a row that compares as asked for each of the parts.

    Shape: rows of `search_quantity`, with the element in place of the unit, whatever `table` says: that tells
    how limits compare.
    """

    parts: tuple[InRange, ...]


@dataclass(frozen=True, slots=True)
class HasString:
    """A folded string compares with the value."""

    parameters: tuple[int, ...]
    value: str
    match: StringMatch


@dataclass(frozen=True, slots=True)
class HasWords:
    """Its words meet a tsquery (`_text`, `_content`)."""

    query: str


@dataclass(frozen=True, slots=True)
class Updated:
    """The time of the last change compares as asked with [low, high], in microseconds since 1970."""

    comparator: Comparator
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Dated:
    """One of its dates overlaps [low, high], or it has none of them. Units: microseconds since 1970."""

    parameters: tuple[int, ...]
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class KeyIn:
    """The resource is one of these."""

    keys: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TypeIn:
    """The resource is of one of the types, by their numbers."""

    types: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chained:
    """It refers by one of the parameters to a resource that meets the condition."""

    parameters: tuple[int, ...]
    target: "Predicate"


@dataclass(frozen=True, slots=True)
class ByCanonical:
    """It names by a canonical the URL of a resource that meets the condition.

    Shape: `parameters` those of the canonicals, `urls` those of the URLs at the other end, `marks` for each
    of these another form under which the same values, and no others, are found. For `_has` the other way.
    """

    parameters: tuple[int, ...]
    urls: tuple[int, ...]
    marks: tuple[int, ...]
    target: "Predicate"


@dataclass(frozen=True, slots=True)
class ChainedInside:
    """It refers by one of the parameters to a resource inside of it that meets the condition.

    Shape: `parameters` the numbers of the parameters' form `contained`; `target` a condition on contained
    resources (`of_contained`).
    """

    parameters: tuple[int, ...]
    target: "Predicate"


@dataclass(frozen=True, slots=True)
class InHierarchy:
    """It refers by one of the parameters to one of the roots, or to what is below (or `above`) these.

    Shape: `roots` keys; `links` the parameters by which one resource of the hierarchy names the next higher.
    """

    parameters: tuple[int, ...]
    roots: tuple[int, ...]
    links: tuple[int, ...]
    above: bool


@dataclass(frozen=True, slots=True)
class ReferredTo:
    """A resource that meets the condition refers to it by one of the parameters (`_has`)."""

    parameters: tuple[int, ...]
    source: "Predicate"


@dataclass(frozen=True, slots=True)
class Listed:
    """It is the target of a reference of one resource (`_list`)."""

    source: int
    parameter: int


@dataclass(frozen=True, slots=True)
class Belongs:
    """It is of a type, or refers by one of the parameters to a resource of the type that is stored here."""

    parameters: tuple[int, ...]
    owner: int


@dataclass(frozen=True, slots=True)
class Holds:
    """It contains a resource that meets the condition; or meets `itself` (`_contained=both`)."""

    contained: "Predicate"
    itself: "Predicate | None" = None


@dataclass(frozen=True, slots=True)
class Near:
    """Its position is within a distance. Units: degrees, kilometres."""

    latitudes: tuple[int, ...]
    longitudes: tuple[int, ...]
    latitude: float
    longitude: float
    distance_km: float


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of the conditions holds; with none, always."""

    predicates: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of the conditions holds; with none, never."""

    predicates: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    predicate: "Predicate"


Predicate = (
    HasToken | InRange | InElement | HasString | HasWords | Updated | Dated | KeyIn | TypeIn | Chained
    | ReferredTo | ByCanonical | ChainedInside | InHierarchy | Listed | Belongs | Holds | Near
    | AllOf | AnyOf | Not
)  # fmt: skip

"""The surroundings of one evaluation."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from fhir_server.fhirpath.budget import MAX_WORK, STRETCH, Budget
from fhir_server.fhirpath.temporal import clock_now
from fhir_server.fhirpath.values import Items, TypedValue

Resolve = Callable[[str], dict[str, Any] | None]
"""From a reference as it is written to the resource, or None."""


class Terminology(Protocol):
    """What the terminology functions ask; None means that it cannot be answered here."""

    def member_of(self, value: TypedValue, value_set: str) -> bool | None:
        """Whether a code, Coding or CodeableConcept is in a value set."""
        ...

    def subsumes(self, general: TypedValue, specific: TypedValue) -> bool | None:
        """Whether one Coding or CodeableConcept subsumes another."""
        ...


ConformsTo = Callable[[TypedValue, str], bool | None]
"""Whether a value conforms to the profile of a canonical; None where the profile is not known."""


class Scope(Budget):
    """Environment variables, callbacks, loop variables and the budget of one evaluation.

    Source: FHIRPath N1 §9 (environment variables); FHIR R4 §2.9.3.
    """

    __slots__ = (
        "_now",
        "context",
        "index",
        "remembered",
        "resolve",
        "resource",
        "root_resource",
        "total",
        "variables",
    )

    def __init__(
        self,
        context: TypedValue,
        resource: TypedValue | None,
        root_resource: TypedValue | None,
        variables: Mapping[str, Any] | None,
        resolve: Resolve | None,
    ) -> None:
        self._until_look = STRETCH
        self._left = MAX_WORK
        self.context = context
        self.resource = resource
        self.root_resource = root_resource
        self.variables = variables
        self.resolve = resolve
        self.index: int | None = None
        self.remembered: dict[str, Items] = {}
        """What stands below an environment variable, by its name, once it has been asked for."""
        self.total: Items = []
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        """The clock, read once: `now()` is the same wherever it stands (FHIRPath N1 §5.9)."""
        if self._now is None:
            self._now = clock_now()
        return self._now

    def each(self, items: Items) -> Iterator[Any]:
        """The items one by one, with `$index` set for each."""
        outer = self.index
        try:
            if len(items) <= STRETCH:
                self.spend(len(items))
                for index, item in enumerate(items):
                    self.index = index
                    yield item
            else:
                for index, item in enumerate(items):
                    self.spend(1)
                    self.index = index
                    yield item
        finally:
            self.index = outer

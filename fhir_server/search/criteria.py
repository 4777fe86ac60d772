"""One search parameter of a request on its way to a predicate, and the faults it may have."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from fhir_server.model.issues import Refused, because, refuse
from fhir_server.search.parameters import SearchParameter
from fhir_server.terminology.terminology import Terminology

ValueSetById = Callable[[str], dict[str, Any] | None]
"""The stored ValueSet with an id."""


@dataclass(frozen=True, slots=True)
class ValueSets:
    """What is known of value sets and code systems beside the loaded definitions."""

    terminology: Terminology | None = None
    by_id: ValueSetById | None = None


NO_VALUE_SETS = ValueSets()


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for the whole request: our base URL, the zone of dates without one, the moment, and
    what value sets and code systems hold.
    """

    base_url: str = ""
    zone: tzinfo = UTC
    now: datetime | None = None
    terminology: Terminology | None = None
    value_set: ValueSetById | None = None

    @property
    def moment(self) -> datetime:
        """The moment that `ap` measures from."""
        return self.now or datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Criterion:
    """A parameter with a modifier and its alternatives.

    Shape: `name` as sent, for messages; `parameters` the definitions, one for each type searched;
    `values` the alternatives, escapes not yet resolved.
    """

    name: str
    parameters: tuple[SearchParameter, ...]
    modifier: str | None
    values: tuple[str, ...]
    setting: Setting

    @property
    def hashes(self) -> tuple[int, ...]:
        """The numbers of the parameters."""
        return tuple(parameter.hash for parameter in self.parameters)

    def asking(self, modifier: str | None, value: str) -> "Criterion":
        """The same parameter with one other value."""
        return replace(self, modifier=modifier, values=(value,))

    @property
    def is_single(self) -> bool:
        """Whether it is one parameter of which a resource has one value at most."""
        return len(self.parameters) == 1 and self.parameters[0].is_single

    def hashes_of(self, form: str) -> tuple[int, ...]:
        """The numbers of another form of the parameters."""
        return tuple(parameter.hash_of(form) for parameter in self.parameters)

    def bad_value(self, value: str, expected: str) -> Refused:
        """The refusal of a malformed value; `expected` names the form (date, number)."""
        return refuse(
            400, f"search-value-{expected}", "value", parameter=self.name, value=value[:200]
        )

    def unsupported(self) -> Refused:
        """The refusal of a parameter that the index does not hold."""
        return refuse(
            400, "search-parameter-unsupported", "not-supported", parameter=self.parameters[0].code
        )

    def no_modifier(self) -> Refused:
        """The refusal of any modifier."""
        return refuse(
            400, "search-modifier-unknown", "not-supported",
            parameter=self.name, modifier=self.modifier, allowed=because("because-none"),
        )  # fmt: skip

    def bad_modifier(self, *allowed: str) -> Refused:
        """The refusal of a modifier that the parameter's type does not have."""
        return refuse(
            400,
            "search-modifier-unknown",
            "not-supported",
            parameter=self.name,
            modifier=self.modifier,
            allowed=", ".join(":" + name for name in ("missing", *allowed)),
        )

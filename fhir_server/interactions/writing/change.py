"""One requested write, and the identity it gets."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from fhir_server.interactions.conditions import UNCONDITIONAL, Conditions
from fhir_server.interactions.writing.links import Link
from fhir_server.model.issues import Issue
from fhir_server.search.request import SearchRequest
from fhir_server.store.resources import StoredResource

Method = Literal["POST", "PUT", "PATCH", "DELETE"]

_IN_ENTRIES = {"If-Match": "ifMatch", "If-None-Match": "ifNoneMatch"}


@dataclass(frozen=True, slots=True)
class Criteria:
    """The search by which a conditional interaction or reference finds its resource.

    Shape: `text` as `Patient?identifier=…`, in one normal form so that equal criteria are equal texts.
    """

    text: str
    request: SearchRequest


class Change(msgspec.Struct, eq=False):
    """One write as it goes through the stages of `write_changes`.

    Shape: `at` is the FHIRPath of its entry (`Bundle.entry[3]`), empty outside a Bundle. What a client
    asked for comes first; `id`, `matched`, `existing` and the rest are filled by the stages.
    """

    method: Method
    type: str
    id: str | None = None
    resource: dict[str, Any] | None = None
    criteria: Criteria | None = None
    conditions: Conditions = UNCONDITIONAL
    full_url: str | None = None
    at: str = ""
    by_server: bool = False
    """Made by the server itself, such as the status of a Subscription: neither checked nor corrected."""
    patch: Callable[[dict[str, Any]], Any] | None = None
    """Of a PATCH: makes `resource` of the current version."""

    has_new_id: bool = False
    """Its id was drawn by the server for this attempt."""
    links: Sequence[Link] = ()
    """Of an entry of a Bundle: where its resource names others, as it stands."""
    also: Sequence[str] = ()
    """Ids of further matches of a conditional delete."""
    same_as: "Change | None" = None
    """An earlier entry with the same conditional create: this one is that one."""
    matched: StoredResource | None = None
    """What a conditional create found: nothing is written."""
    found_version: int | None = None
    """The version that the criteria matched, before its row was locked."""
    existing: StoredResource | None = None
    """The locked row that is to be superseded."""
    warnings: Sequence[Issue] = ()

    def draw_id(self) -> None:
        """Give it an id of its own."""
        self.id, self.has_new_id = str(uuid.uuid4()), True

    @property
    def makes_new(self) -> bool:
        """Whether there is no resource under its id, or only a deleted one."""
        return self.existing is None or self.existing.deleted

    @property
    def reference(self) -> str:
        """`Type/id`, once the id is known."""
        return f"{self.type}/{self.id}"

    def condition(self, header: Literal["If-Match", "If-None-Match"]) -> str:
        """Where a condition stands: in its entry; outside a Bundle, in a header."""
        return f"{self.at}.request.{_IN_ENTRIES[header]}" if self.at else f"http.{header}"

    def expression(self, element: str = "resource") -> str:
        """The FHIRPath of a part of its entry; outside a Bundle, of the resource."""
        return f"{self.at}.{element}" if self.at else self.type

"""A ConceptMap as an index, forwards and backwards.

Source: FHIR R4 ConceptMap, https://hl7.org/fhir/R4/conceptmap.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mapped:
    """One line of a map: `code` of the other side, in `system`."""

    system: str | None
    version: str | None
    code: str | None
    display: str | None
    equivalence: str
    target: Resource
    other_system: str | None


# An equivalence is read from the source; seen from the target, those that order turn round.
_REVERSED: Mapping[str, str] = {
    "wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes",
}  # fmt: skip

Key = tuple[str | None, str]


class ConceptMap:
    """The lines of a ConceptMap by the code they start from."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.url: str | None = resource.get("url")

    @property
    def source(self) -> str | None:
        """The value set that is mapped from."""
        return self.resource.get("sourceUri") or self.resource.get("sourceCanonical")

    @property
    def target(self) -> str | None:
        """The value set that is mapped to."""
        return self.resource.get("targetUri") or self.resource.get("targetCanonical")

    @cached_property
    def groups(self) -> list[Resource]:
        """The groups of the map."""
        return list(self.resource.get("group", ()))

    @cached_property
    def forwards(self) -> Mapping[Key, list[Mapped]]:
        """The targets of each source code."""
        found: dict[Key, list[Mapped]] = {}
        for group in self.groups:
            for element in group.get("element", ()):
                for target in element.get("target", ()):
                    found.setdefault((group.get("source"), element.get("code", "")), []).append(
                        Mapped(group.get("target"), group.get("targetVersion"), target.get("code"),
                               target.get("display"), target.get("equivalence", "relatedto"), target,
                               group.get("source"))
                    )  # fmt: skip
        return found

    @cached_property
    def backwards(self) -> Mapping[Key, list[Mapped]]:
        """The sources of each target code."""
        found: dict[Key, list[Mapped]] = {}
        for group in self.groups:
            for element in group.get("element", ()):
                for target in element.get("target", ()):
                    if "code" not in target:
                        continue
                    said = target.get("equivalence", "relatedto")
                    found.setdefault((group.get("target"), target["code"]), []).append(
                        Mapped(group.get("source"), group.get("sourceVersion"), element.get("code"),
                               element.get("display"), _REVERSED.get(said, said), target,
                               group.get("target"))
                    )  # fmt: skip
        return found

"""What a bridge puts into a resource beside what it keeps: templates with FHIRPath in their leaves.

    "= effective.ofType(dateTime)"                        the values of an expression
    {for: "= value.coding", map: x, put: {…"$coding"…}}   one for each translation of each coding
    {refer: "= …value", to: BodyStructure}                a reference, to what is made of it as another type
    {refer: self}                                         a reference to the resource itself

What has no value is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fhir_server.bridges.expressions import evaluated
from fhir_server.bridges.records import Records, Resource
from fhir_server.bridges.translation import translations

_EXPRESSION = "= "


@dataclass(frozen=True, slots=True)
class Building:
    """One resource being built from another."""

    resource: Resource
    records: Records

    def put(self, template: Mapping[str, Any]) -> Resource:
        """The elements of a template."""
        found: Resource = {}
        for name, part in template.items():
            values = self._values(part, {})
            if values:
                found[name] = values if isinstance(part, list) else values[0]
        return found

    def _values(self, part: Any, places: Mapping[str, Any]) -> list[Any]:
        if isinstance(part, str):
            return self._expressed(part, places)
        if isinstance(part, list):
            return [value for each in part for value in self._values(each, places)]
        if not isinstance(part, dict):
            return [part]
        if "for" in part:
            return self._translated(part)
        if "refer" in part:
            return self._references(part)
        made = {name: self._filled(each, places) for name, each in part.items()}
        kept = {name: value for name, value in made.items() if value not in (None, [], {})}
        return [kept] if kept else []

    def _filled(self, part: Any, places: Mapping[str, Any]) -> Any:
        values = self._values(part, places)
        return values if isinstance(part, list) else next(iter(values), None)

    def _expressed(self, text: str, places: Mapping[str, Any]) -> list[Any]:
        if text in places:
            return [places[text]]
        if not text.startswith(_EXPRESSION):
            return [text]
        return evaluated(text.removeprefix(_EXPRESSION), self.resource, {}, self.records)

    def _translated(self, part: Mapping[str, Any]) -> list[Any]:
        return [
            value
            for coding in self._expressed(part["for"], {})
            for other in translations(coding, [part["map"]])
            for value in self._values(part["put"], {"$coding": other})
        ]

    def _references(self, part: Mapping[str, Any]) -> list[Any]:
        if part["refer"] == "self":
            return [{"reference": self.records.address(self.resource)}]
        return [
            {"reference": address_as(each["reference"], part["to"])}
            for each in self._expressed(part["refer"], {})
        ]


def address_as(address: str, resource_type: str) -> str:
    """The address of what is made from a resource as one of another type."""
    if address.startswith("urn:"):
        return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{address}/{resource_type}')}"
    return f"{resource_type}/{address.rpartition('/')[2]}"

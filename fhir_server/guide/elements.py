"""The element tree of a profile, as rows of a table: the differential and the snapshot."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.guide.translation import Text, text_of
from fhir_server.model.issues import Language

_FIXED = re.compile("^(fixed|pattern)[A-Z]")


@dataclass(frozen=True, slots=True)
class Binding:
    """The value set that an element is bound to."""

    strength: str
    value_set: str


@dataclass(frozen=True, slots=True)
class ElementRow:
    """An element: `types` and `targets` are names or URLs; `changed` where the profile says something."""

    id: str
    name: str
    depth: int
    flags: Sequence[str]
    cardinality: str
    types: Sequence[str]
    targets: Sequence[str]
    binding: Binding | None
    fixed: str
    rules: Sequence[str]
    short: Text
    definition: Text
    reason: Text
    changed: bool


def element_rows(
    structure: Mapping[str, Any], snapshot: Iterable[Mapping[str, Any]], language: Language
) -> list[ElementRow]:
    """Every element of a profile; those that its differential names are marked as changed."""
    own = {element["id"]: element for element in structure["differential"]["element"]}
    return [_row(element, own.get(element["id"]), language) for element in snapshot]


def _row(
    element: Mapping[str, Any], own: Mapping[str, Any] | None, language: Language
) -> ElementRow:
    identity = str(element["id"])
    shown = {**element, **(own or {})}
    types = element.get("type", ())
    return ElementRow(
        id=identity,
        name=identity.rpartition(".")[2],
        depth=identity.count("."),
        flags=list(_flags(element)),
        cardinality=f"{element.get('min', 0)}..{element.get('max', '*')}",
        types=[profile for each in types for profile in each.get("profile") or [each["code"]]],
        targets=[target for each in types for target in each.get("targetProfile", ())],
        binding=_binding(element),
        fixed=next((_shown(v) for name, v in element.items() if _FIXED.match(name)), ""),
        rules=[each["key"] for each in (own or {}).get("constraint", ())],
        short=text_of(shown, "short", language),
        definition=text_of(own or {}, "definition", language),
        reason=text_of(own or {}, "requirements", language),
        changed=own is not None,
    )


def _flags(element: Mapping[str, Any]) -> Iterator[str]:
    """The marks of HL7's own pages: must support, modifier, summary, invariants."""
    if element.get("mustSupport"):
        yield "S"
    if element.get("isModifier"):
        yield "?!"
    if element.get("isSummary"):
        yield "Σ"
    if element.get("constraint"):
        yield "C"


def _binding(element: Mapping[str, Any]) -> Binding | None:
    binding = element.get("binding", {})
    if "valueSet" not in binding:
        return None
    return Binding(binding["strength"], str(binding["valueSet"]).partition("|")[0])


def _shown(value: Any) -> str:
    """A fixed value as one line: the codes of a concept, else what is there."""
    if isinstance(value, dict):
        codings = value.get("coding", [value] if "code" in value else [])
        return ", ".join(f"{each.get('system', '')}#{each.get('code', '')}" for each in codings)
    return str(value)

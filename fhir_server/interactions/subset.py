"""Parts of a resource: `_summary` and `_elements`, marked SUBSETTED so that nobody writes them back.

Source: FHIR R4 https://hl7.org/fhir/R4/search.html#summary, https://hl7.org/fhir/R4/search.html#elements
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fhir_server.definitions import Definitions
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import encode_json, parse_stored

SUMMARIES = ("true", "text", "data", "false")
SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
_ALWAYS = frozenset({"resourceType", "id", "meta"})


@dataclass(frozen=True, slots=True)
class Subset:
    """What is wanted of a resource: one of SUMMARIES, or the names of top-level elements, or both."""

    summary: str = "false"
    elements: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether everything is wanted."""
        return self.summary == "false" and not self.elements


WHOLE = Subset()


@dataclass(frozen=True, slots=True)
class _Flags:
    """Which elements of a type are in its summary; which of a resource are mandatory or modifiers."""

    summary: frozenset[str]
    needed: frozenset[str]
    mandatory: frozenset[str]


def parse_subset(pairs: Iterable[tuple[str, str]]) -> Subset:
    """The subset that the parameters of a read ask for. Errors: Refused 400."""
    values = dict(pairs)
    summary = values.get("_summary", "false")
    if summary not in SUMMARIES:
        expected = ", ".join(SUMMARIES)
        raise refuse(
            400, "parameter-invalid", "value", "http._summary", name="_summary", expected=expected
        )
    names = tuple(name.strip() for name in values.get("_elements", "").split(",") if name.strip())
    if "_elements" in values and not names:
        raise refuse(400, "parameter-invalid", "value", "http._elements", name="_elements",
                     expected="identifier,active")  # fmt: skip
    return Subset(summary, names)


def check_elements(definitions: Definitions, elements: Sequence[str], resource_type: str) -> None:
    """Errors: Refused 400 for the name of an element that the type does not have."""
    if not elements:
        return
    info = definitions.type_model.type(resource_type)
    known = {element.name for element in info.by_json_name.values()} if info else set()
    for name in sorted(_names(elements, resource_type) - known - _ALWAYS):
        raise refuse(400, "search-elements-unknown", "not-found", "http._elements",
                     name=name[:64], type=resource_type)  # fmt: skip


def subset_body(definitions: Definitions, subset: Subset, body: bytes) -> bytes:
    """The bytes of a resource cut down. Cost: none where everything is wanted."""
    return (
        body if subset.is_whole else encode_json(subset_of(definitions, subset, parse_stored(body)))
    )


def subset_of(definitions: Definitions, subset: Subset, resource: dict[str, Any]) -> dict[str, Any]:
    """The part of a resource that is wanted."""
    resource_type = str(resource["resourceType"])
    flags = _flags(definitions, resource_type)
    part = resource
    if subset.elements:
        wanted = _names(subset.elements, resource_type) | flags.needed
        part = _only(definitions, part, wanted)
    if subset.summary == "true":
        part = _summary(definitions, resource_type, part)
    elif subset.summary == "text":
        part = _only(definitions, part, flags.mandatory | {"text"})
    elif subset.summary == "data":
        part = {name: value for name, value in part.items() if name != "text"}
    meta = part.get("meta") or {}
    return {
        "resourceType": resource_type,
        **{name: part[name] for name in ("id",) if name in part},
        "meta": {**meta, "tag": [*meta.get("tag", ()), SUBSETTED]},
        **{name: value for name, value in part.items() if name not in _ALWAYS},
    }


def _names(elements: Sequence[str], resource_type: str) -> frozenset[str]:
    """The names that concern a type: `name` and `Patient.name`, down to their first part."""
    found = {
        name.removeprefix(f"{resource_type}.").partition(".")[0]
        for name in elements
        if not name[:1].isupper() or name.startswith(f"{resource_type}.")
    }
    return frozenset(found)


def _only(definitions: Definitions, resource: Mapping[str, Any], names: Set[str]) -> dict[str, Any]:
    resource_type = str(resource["resourceType"])
    part: dict[str, Any] = {}
    for key, value in resource.items():
        element = definitions.type_model.element(resource_type, key.removeprefix("_"))
        if key in _ALWAYS or (element is not None and element.name in names):
            part[key] = value
    return part


def _summary(definitions: Definitions, type_name: str, node: Mapping[str, Any]) -> dict[str, Any]:
    types = definitions.type_model
    flags = _flags(definitions, type_name)
    part: dict[str, Any] = {}
    for key, value in node.items():
        element = types.element(type_name, key.removeprefix("_"))
        if element is None or element.name not in flags.summary:
            continue
        kind = element.json_names.get(key, element.types[0])
        part[key] = value if key.startswith("_") else _summary_value(definitions, kind, value)
    return part


def _summary_value(definitions: Definitions, kind: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_summary_value(definitions, kind, member) for member in value]
    if not isinstance(value, dict) or kind in {"Resource", "Extension", "Narrative"}:
        return value
    return _summary(definitions, kind, value) or value


@lru_cache(maxsize=4096)
def _flags(definitions: Definitions, type_name: str) -> _Flags:
    structure = definitions.structure(type_name.partition(".")[0]) or {}
    elements = structure.get("snapshot", {}).get("element", [])
    own = [e for e in elements if e["path"].rpartition(".")[0] == type_name]
    return _Flags(
        summary=frozenset(_name(e) for e in own if e.get("isSummary")),
        needed=frozenset(_name(e) for e in own if e.get("isModifier") or e.get("min", 0) > 0),
        mandatory=frozenset(_name(e) for e in own if e.get("min", 0) > 0),
    )


def _name(element: Mapping[str, Any]) -> str:
    return str(element["path"]).rpartition(".")[2].removesuffix("[x]")

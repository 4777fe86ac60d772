"""Merging the definition of one element of a differential into that of its base.

Source: FHIR R4 §5.1.0.9 and ElementDefinition §2.27, https://hl7.org/fhir/R4/profiling.html#snapshot
"""

from typing import Any

Definition = dict[str, Any]

_ACCUMULATED = ("constraint", "condition", "alias", "mapping", "example")
_PLACE = frozenset({"id", "path", "sliceName", "base"})


_OF_THE_BASE = frozenset(
    f"http://hl7.org/fhir/StructureDefinition/structuredefinition-{name}"
    for name in ("standards-status", "normative-version", "fmm", "wg", "category", "summary")
)
"""Extensions that say how mature the base itself is."""


def inherited_definition(base: Definition) -> Definition:
    """What a profile takes over from its base: not how mature that is."""
    kept = [item for item in base["extension"] if item.get("url") not in _OF_THE_BASE]
    rest = {key: value for key, value in base.items() if key != "extension"}
    return {**rest, "extension": kept} if kept else rest


def merge_definition(base: Definition, differential: Definition) -> Definition:
    """The base with what the differential says about the element.

    Shape: constraints, conditions and examples add up by key; every other property replaces that of the
    base, but a binding without value set keeps the one it strengthens.
    """
    if not differential:
        return base
    merged = dict(base)
    for key, value in differential.items():
        if key in _PLACE:
            continue
        if key in _ACCUMULATED:
            merged[key] = _accumulate(base.get(key, []), value)
        elif key == "binding":
            merged[key] = {**base.get("binding", {}), **value}
        elif key == "slicing":
            merged[key] = _merge_slicing(base.get("slicing"), value)
        elif key == "extension":
            merged[key] = _merge_extensions(base.get(key, []), value)
        else:
            merged[key] = value
    return merged


def _accumulate(base: list[Any], added: list[Any]) -> list[Any]:
    result = list(base)
    places = {_identity(item): index for index, item in enumerate(result)}
    for item in added:
        place = places.get(_identity(item))
        if place is None:
            places[_identity(item)] = len(result)
            result.append(item)
        else:
            result[place] = item
    return result


def _identity(item: Any) -> str:
    if isinstance(item, dict) and "key" in item:
        return str(item["key"])
    return repr(item)


def _merge_slicing(base: Definition | None, added: Definition) -> Definition:
    if base is None:
        return added
    merged = {**base, **added}
    if base.get("rules") == "closed":
        merged["rules"] = "closed"
    known = list(base.get("discriminator", ()))
    merged_discriminators = known + [d for d in added.get("discriminator", ()) if d not in known]
    if merged_discriminators:
        merged["discriminator"] = merged_discriminators
    return merged


def _merge_extensions(base: list[Any], added: list[Any]) -> list[Any]:
    replaced = {item.get("url") for item in added}
    return [item for item in base if item.get("url") not in replaced] + added


def slice_definition(sliced: Definition, differential: Definition) -> Definition:
    """The definition of a new slice: that of the sliced element, with what is said of the slice."""
    start = {key: value for key, value in sliced.items() if key != "slicing"}
    return merge_definition(start, differential)


def new_element(
    path: str, differential: Definition, type_constraints: list[Definition]
) -> Definition:
    """The definition of an element that a specialisation adds to its base."""
    element = {key: value for key, value in differential.items() if key != "id"}
    element.setdefault("min", 0)
    element.setdefault("max", "1")
    element["base"] = {"path": path, "min": element["min"], "max": element["max"]}
    if type_constraints:
        element["constraint"] = _accumulate(type_constraints, differential.get("constraint", []))
    return element


def constraint_types(differential: Definition) -> list[str]:
    """The abstract types whose root constraints an added element carries in its own definition: those of
    Element, and of Extension for an extension; those of other types stay with the type.
    """
    if "contentReference" in differential:
        return ["Element"]
    codes = [entry.get("code", "") for entry in differential.get("type", ())]
    if not codes or any(code.startswith("http://hl7.org/fhirpath/") for code in codes):
        return []
    if codes in (["Resource"], ["DomainResource"]):
        return []
    return ["Element", "Extension"] if codes == ["Extension"] else ["Element"]

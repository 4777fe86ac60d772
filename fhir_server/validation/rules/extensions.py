"""Extensions: known, used where they may be, modifiers where modifiers belong, content as defined.

Source: FHIR R4 §2.4.0, https://hl7.org/fhir/R4/extensibility.html, and StructureDefinition.context
"""

from collections.abc import Callable, Mapping
from typing import Any

from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import Report, shown
from fhir_server.validation.scope import Scope

HL7_BASE = "http://hl7.org/fhir/StructureDefinition/"
_EVERYWHERE = frozenset({"Element", "Resource", "DomainResource", "BackboneElement"})


def extension_structure(url: str, knowledge: Knowledge) -> Mapping[str, Any] | None:
    """The definition of an extension; None where it is not known."""
    structure = knowledge.definitions.structure(url) if ":" in url else None
    return structure if structure is not None and structure.get("type") == "Extension" else None


def is_modifier(structure: Mapping[str, Any]) -> bool:
    """Whether an extension changes the meaning of what it stands on."""
    views = [structure.get("snapshot"), structure.get("differential")]
    return any(
        bool(view["element"]) and bool(view["element"][0].get("isModifier"))
        for view in views
        if view
    )


def places_of(element: Element, knowledge: Knowledge) -> frozenset[str]:
    """The names by which a context may mean an element: its path, its types and their bases."""
    names = set(element.base_paths)
    names.add(element.path)
    codes = [element.path] if "." not in element.path else [ref.code for ref in element.types]
    for code in codes:
        current: str | None = code
        while current is not None:
            names.add(current)
            info = knowledge.types.type(current)
            current = info.base if info else None
    if element.is_choice:
        names.update(path.removesuffix("[x]") for path in tuple(names))
    names.add("Element")
    return frozenset(names)


def allows(structure: Mapping[str, Any], places: frozenset[str]) -> bool:
    """Whether an extension may stand at an element; contexts that are no element path are not judged."""
    contexts = structure.get("context") or ()
    if not contexts:
        return True
    for context in contexts:
        if context.get("type") != "element":
            return True
        expression = context.get("expression", "")
        if expression in places or expression.removesuffix("[x]") in places:
            return True
        # `Element` is every element and every resource's root (§2.4.0.1).
        if expression in {"Element", "*"}:
            return True
    return False


def compile_extension(
    knowledge: Knowledge, content: Callable[[Element, str], Check], *, modifier: bool
) -> Check:
    """The fast check of one extension; `place` is the element that carries it."""
    known: dict[str, Check | None] = {}
    structures: dict[str, Mapping[str, Any]] = {}
    allowed: dict[tuple[str, int], bool] = {}
    plain = content(knowledge.plans.type("Extension"), "Extension")

    def load(url: str) -> Check | None:
        structure = extension_structure(url, knowledge)
        plan = knowledge.plans.plan(url) if structure is not None else None
        if structure is None or plan is None or is_modifier(structure) is not modifier:
            return None
        structures[url] = structure
        return content(plan, "Extension")

    def check(value: Any, scope: Scope, place: Element) -> bool:
        if type(value) is not dict:
            return False
        url = value.get("url")
        if type(url) is not str:
            return False
        if ":" not in url:
            # Within a complex extension the parts have relative urls, defined by their parent.
            return place.model_type == "Extension" and plain(value, scope, place)
        if url not in known:
            known[url] = load(url)
        one = known[url]
        if one is None:
            return (
                not url.startswith(HL7_BASE)
                and extension_structure(url, knowledge) is None
                and plain(value, scope, place)
            )
        key = (url, id(place))
        if key not in allowed:
            allowed[key] = allows(structures[url], places_of(place, knowledge))
        return allowed[key] and one(value, scope, place)

    return check


def explain_extension(
    item: Item, places: frozenset[str], case: Inspection, *, profile: str, modifier: bool
) -> Element | None:
    """The detailed check; gives the root of the extension's profile where it is known."""
    url = item.value.get("url") if isinstance(item.value, dict) else None
    if not isinstance(url, str):
        return None
    if ":" not in url:
        if "Extension" not in places:
            case.report.error(
                "extension-url-relative", "invalid", f"{item.location}.url", profile, url=shown(url)
            )
        return None
    structure = extension_structure(url, case.knowledge)
    if structure is None:
        _explain_unknown(item, url, case.report, profile)
        return None
    if is_modifier(structure) is not modifier:
        issue_id = "extension-not-modifier" if modifier else "extension-is-modifier"
        case.report.error(issue_id, "structure", item.location, profile, url=url)
    if not allows(structure, places):
        expected = ", ".join(
            context.get("expression", "") for context in structure.get("context", ())
        )
        case.report.error(
            "extension-context", "structure", item.location, url, url=url, expected=expected
        )
    return case.knowledge.plans.plan(url)


def _explain_unknown(item: Item, url: str, report: Report, profile: str) -> None:
    if url.startswith(HL7_BASE):
        # HL7's own space holds nothing but HL7's extensions.
        report.error("extension-unknown", "structure", item.location, profile, url=shown(url, 200))
    else:
        report.warning(
            "extension-not-checked", "not-found", item.location, profile, url=shown(url, 200)
        )

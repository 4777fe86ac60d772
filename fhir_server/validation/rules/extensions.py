"""Extensions: known, used where they may be, modifiers where modifiers belong, content as defined.

Source: FHIR R4 §2.4.0, https://hl7.org/fhir/R4/extensibility.html, and StructureDefinition.context
"""

from collections.abc import Callable, Mapping
from typing import Any

from fhir_server.model.issues import Quoted
from fhir_server.validation.doubts import EVERYTHING, Doubtful, ObjectScan, ValueScan
from fhir_server.validation.element import Element
from fhir_server.validation.errata import CONTEXT_ERRATA
from fhir_server.validation.expressions import NotEvaluated, why_not
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import Report, shown
from fhir_server.validation.rule import Rule
from fhir_server.validation.scope import Scope

_EITHER = Quoted(
    "Must have either extensions or value[x], not both",
    "Il faut soit des extensions, soit value[x], pas les deux",
)
"""What `ext-1` says."""
HL7_BASE = "http://hl7.org/fhir/StructureDefinition/"
_EVERYWHERE = frozenset({"Element", "Resource", "DomainResource", "BackboneElement"})


def extension_structure(url: str, knowledge: Knowledge) -> Mapping[str, Any] | None:
    """The definition of an extension; None where it is not known."""
    structure = knowledge.definitions.structure(url) if ":" in url else None
    return structure if structure is not None and structure.get("type") == "Extension" else None


def urls_of_extension(element: Element, knowledge: Knowledge) -> set[str]:
    """The urls that an extension slice stands for: fixed in its profile, or in the slice."""
    urls = {
        url_of_extension(profile, knowledge) for ref in element.types for profile in ref.profiles
    }
    fixed = _fixed_url(element)
    return urls if fixed is None else urls | {fixed}


def url_of_extension(profile: str, knowledge: Knowledge) -> str:
    """The url of the extensions that a profile describes: its own, unless it constrains another extension."""
    canonical = profile.partition("|")[0]
    root = knowledge.plans.plan(profile)
    return canonical if root is None else _fixed_url(root) or canonical


def constraining_profiles(element: Element, knowledge: Knowledge) -> list[Element]:
    """The profiles of an element that constrain an extension with another url than theirs. That url leads to
    the extension's own definition, so these are asked beside it.
    """
    return [
        plan
        for ref in element.types
        for profile in ref.profiles
        if url_of_extension(profile, knowledge) != profile.partition("|")[0]
        and (plan := knowledge.plans.plan(profile)) is not None
    ]


def _fixed_url(element: Element) -> str | None:
    url = element.child("url")
    return None if url is None or url.fixed is None else str(url.fixed[1])


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
    found = knowledge.places.get(element)
    if found is None:
        found = knowledge.places[element] = _places_of(element, knowledge)
    return found


def _places_of(element: Element, knowledge: Knowledge) -> frozenset[str]:
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
    """Whether one of an extension's element contexts, or none being given, allows an element."""
    contexts = structure.get("context") or ()
    return not contexts or any(
        _is_element_context(context, places, structure.get("url", "")) for context in contexts
    )


def _is_element_context(context: Mapping[str, Any], places: frozenset[str], url: str) -> bool:
    if context.get("type", "element") != "element":
        return False
    expression = context.get("expression", "")
    # `Element` is every element and every resource's root (§2.4.0.1).
    return (
        expression in places
        or expression.removesuffix("[x]") in places
        or expression in {"Element", "*"}
        or places & CONTEXT_ERRATA.get(url, frozenset()) != frozenset()
    )


def _allows_here(
    structure: Mapping[str, Any], holder: Any, places: frozenset[str], case: Inspection
) -> bool:
    """Whether any context allows the element that carries the extension: by path, by the url of an outer
    extension, or by an expression that selects it.
    """
    if allows(structure, places):
        return True
    for context in structure.get("context") or ():
        expression = context.get("expression", "")
        if (
            context.get("type") == "extension"
            and isinstance(holder, dict)
            and holder.get("url") == expression
        ):
            return True
        if context.get("type") == "fhirpath" and _selects(expression, holder, case):
            return True
    return False


def _selects(expression: str, holder: Any, case: Inspection) -> bool:
    resource = case.scope.resource
    try:
        compiled = case.knowledge.expressions.compiled(expression, resource["resourceType"])
        return any(one is holder for one in compiled.evaluate(resource, resource=resource))
    except Exception:  # an expression of a profile must not end a validation
        return True


def _explain_context_invariants(
    structure: Mapping[str, Any], holder: Any, item: Item, case: Inspection
) -> None:
    for expression in structure.get("contextInvariant") or ():
        try:
            context = (
                holder.get("resourceType", "Element") if isinstance(holder, dict) else "Element"
            )
            compiled = case.knowledge.expressions.compiled(expression, context)
            answer = compiled.test(
                holder, resource=case.scope.resource, root_resource=case.scope.root
            )
        except Exception as fault:  # an expression of a profile must not end a validation
            why = fault.why if isinstance(fault, NotEvaluated) else why_not(fault)
            case.report.warning("invariant-not-checked", "processing", item.location,
                                structure.get("url"), key="contextInvariant", reason=why)  # fmt: skip
            continue
        if answer is False:
            at, _, part = item.location.rpartition(".")
            case.report.error(
                "extension-context-invariant", "structure", at, structure.get("url"),
                url=structure.get("url"), rule=shown(expression, 500), part=part,
            )  # fmt: skip


def compile_extension(
    knowledge: Knowledge,
    content: Callable[[Element, str], ObjectScan],
    *,
    modifier: bool,
    silent: bool = False,
) -> ValueScan:
    """The scan of one extension; `place` is the element that carries it, and the extension itself
    carries those within it. Where `silent`, the extension must be known.
    """
    known: dict[str, ObjectScan] = {}
    structures: dict[str, Mapping[str, Any]] = {}
    allowed: dict[tuple[str, int], bool] = {}
    root = knowledge.plans.type("Extension")
    plain = content(root, "Extension")

    def load(url: str) -> ObjectScan | None:
        structure = extension_structure(url, knowledge)
        plan = knowledge.plans.plan(url) if structure is not None else None
        if (
            structure is None
            or plan is None
            or is_modifier(structure) is not modifier
            or "|" in url
        ):
            return None
        structures[url] = structure
        scan = known[url] = content(plan, "Extension")
        return scan

    def may_be_unknown(url: str) -> bool:
        return (
            not silent
            and "|" not in url
            and not url.startswith(HL7_BASE)
            and extension_structure(url, knowledge) is None
        )

    def scan(value: Any, scope: Scope, place: Element) -> Doubtful | None:
        url = value.get("url") if type(value) is dict else None
        if type(url) is not str:
            return EVERYTHING
        if ":" not in url:
            # Within a complex extension the parts have relative urls, defined by their parent.
            return plain(value, scope, root) if place.model_type == "Extension" else EVERYTHING
        one = known.get(url) or load(url)
        if one is None:
            return plain(value, scope, root) if may_be_unknown(url) else EVERYTHING
        key = (url, id(place))
        if key not in allowed:
            structure = structures[url]
            allowed[key] = not structure.get("contextInvariant") and allows(
                structure, places_of(place, knowledge)
            )
        return one(value, scope, root) if allowed[key] else EVERYTHING

    return scan


def explain_extension(
    item: Item,
    holder: Any,
    places: frozenset[str],
    case: Inspection,
    *,
    profile: str,
    modifier: bool,
) -> Element | None:
    """The detailed check; gives the root of the extension's profile where it is known."""
    url = item.value.get("url") if isinstance(item.value, dict) else None
    if not isinstance(url, str):
        return None
    if ":" not in url:
        # Only within a complex extension are urls relative (§2.4.0.1).
        if "Extension" not in places:
            case.report.error(
                "extension-url-relative", "invalid", item.location, profile, url=shown(url)
            )
        return None
    if "|" in url:
        case.report.error("extension-url-version", "invalid", f"{item.location}.url", profile,
                          url=shown(url, 200))  # fmt: skip
    structure = extension_structure(url, case.knowledge)
    if structure is None:
        _explain_unknown(item, url, case.report, profile)
        return None
    if is_modifier(structure) is not modifier:
        issue_id = "extension-not-modifier" if modifier else "extension-is-modifier"
        case.report.error(issue_id, "structure", item.location, profile, url=url)
    _explain_context_invariants(structure, holder, item, case)
    if not _allows_here(structure, holder, places, case):
        expected = ", ".join(
            context.get("expression", "") for context in structure.get("context", ())
        )
        at, _, part = item.location.rpartition(".")
        case.report.error(
            "extension-context", "structure", at, url, url=url, expected=expected, part=part
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


def _has_value_or_extensions(value: dict[str, Any], _: Scope, __: Element) -> bool:
    has_value = False
    for key in value:
        if key.startswith(("value", "_value")):
            has_value = True
            break
    return has_value is not ("extension" in value)


def _explain_value_or_extensions(element: Element, item: Item, case: Inspection) -> None:
    if not _has_value_or_extensions(item.value, case.scope, element):
        case.report.error(
            "invariant", "invariant", item.location, element.profile, key="ext-1",
            human=_EITHER, rule="extension.exists() != value.exists()",
        )  # fmt: skip


VALUE_OR_EXTENSIONS = Rule(_has_value_or_extensions, _explain_value_or_extensions)
"""`ext-1`: an extension has a value or extensions, not both."""

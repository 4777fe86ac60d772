"""Whether a profile asks all that the type itself asks, so that a scan for errors need not ask both.

Profiles may only narrow, but what is loaded may be wrong: a snapshot or a differential that widens its type
must not let through what the type refuses.

Source: FHIR R4 §5.1.0.4 and §5.1.0.9, https://hl7.org/fhir/R4/profiling.html#cardinality
"""

from fhir_server.definitions.definitions import STRUCTURE_BASE
from fhir_server.validation.element import Element, TypeRef
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.rules.invariants import evaluated, severity_of

_ANY = f"{STRUCTURE_BASE}Resource"


def narrows(profile: Element, base: Element, knowledge: Knowledge) -> bool:
    """Whether the children of an element ask all that those of its base ask.

    Shape: a no may be wrong: a value set with another name counts as another, for example.
    """
    own = {child.name: child for child in profile.children}
    return all(
        child.name in own and _child_narrows(own[child.name], child, knowledge)
        for child in base.children
    )


def _child_narrows(own: Element, base: Element, knowledge: Knowledge) -> bool:
    if own.maximum == 0 and base.minimum == 0:
        return True
    if not _itself_narrows(own, base, knowledge):
        return False
    if not own.children:
        return not base.children
    if len(own.types) != 1:
        return False
    content = knowledge.plans.content(base, own.types[0].code)
    return content is not None and narrows(own, content, knowledge)


def _itself_narrows(own: Element, base: Element, knowledge: Knowledge) -> bool:
    is_often_enough = own.minimum >= base.minimum
    is_seldom_enough = base.maximum is None or (
        own.maximum is not None and own.maximum <= base.maximum
    )
    return (
        is_often_enough
        and is_seldom_enough
        and all(_type_narrows(ref, base.type_ref(ref.code), knowledge) for ref in own.types)
        and _errors_of(base, knowledge) <= _errors_of(own, knowledge)
        and all(bound in own.bounds for bound in base.bounds)
        and _binding_narrows(own, base)
    )


def _type_narrows(own: TypeRef, base: TypeRef | None, knowledge: Knowledge) -> bool:
    if base is None or not set(base.profiles) <= set(own.profiles):
        return False
    if not base.targets or _ANY in base.targets:
        return True
    return bool(own.targets) and all(
        target in base.targets or _type_of(target, knowledge) in base.targets
        for target in own.targets
    )


def _type_of(profile: str, knowledge: Knowledge) -> str:
    structure = knowledge.definitions.structure(profile) or {}
    return f"{STRUCTURE_BASE}{structure.get('type')}"


def _errors_of(element: Element, knowledge: Knowledge) -> set[tuple[str | None, str]]:
    return {
        (constraint.get("key"), constraint["expression"])
        for constraint in evaluated(element, knowledge)
        if severity_of(constraint) == "error"
    }


def _binding_narrows(own: Element, base: Element) -> bool:
    wanted = base.definition.get("binding") or {}
    if wanted.get("strength") != "required":
        return True
    found = own.definition.get("binding") or {}
    return all(found.get(name) == wanted.get(name) for name in ("strength", "valueSet"))

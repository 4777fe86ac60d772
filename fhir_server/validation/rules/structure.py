"""Structure: objects, arrays and primitives where they belong, known elements, nothing empty.

Source: FHIR R4 §2.6.1 JSON, https://hl7.org/fhir/R4/json.html, and ele-1
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fhir_server.model.issues import Reason, because
from fhir_server.model.primitives import PRIMITIVES
from fhir_server.validation.doubts import WHOLE, Doubtful, MemberDoubts, MemberScan, ValueScan
from fhir_server.validation.element import Element
from fhir_server.validation.report import Report, shown
from fhir_server.validation.scope import Scope

ABSTRACT_RESOURCES = frozenset({"Resource", "DomainResource"})
"""Types that every resource has beside its own, and that do not know the elements of that."""
_SIBLING_KEYS = frozenset({"id", "extension"})


def single(element: Element, scan: ValueScan) -> MemberScan:
    """The member of an element that occurs once."""
    return lambda value, _beside, scope, _place: scan(value, scope, element)


def repeated(
    element: Element | None, scan: ValueScan, maximum: Callable[[Any], bool] | None
) -> MemberScan:
    """The member of an element that JSON holds in an array. Shape: `element` None for extensions, which are
    judged by the element that carries them.
    """

    def member(
        value: Any, _beside: dict[str, Any], scope: Scope, place: Element
    ) -> MemberDoubts | None:
        if type(value) is not list or not value or (maximum is not None and not maximum(value)):
            return WHOLE
        at = element or place
        found: list[tuple[int, Doubtful]] = []
        for index, item in enumerate(value):
            doubts = scan(item, scope, at)
            if doubts is not None:
                found.append((index, doubts))
        return found or None

    return member


def repeated_primitive(
    element: Element, key: str, scan: ValueScan, maximum: Callable[[Any], bool] | None
) -> MemberScan:
    """The member of a repeating primitive: null only where the sibling array has something."""
    sibling_key = f"_{key}"

    def member(
        value: Any, beside: dict[str, Any], scope: Scope, _place: Element
    ) -> MemberDoubts | None:
        if type(value) is not list or not value or (maximum is not None and not maximum(value)):
            return WHOLE
        siblings = beside.get(sibling_key)
        found: list[tuple[int, Doubtful]] = []
        for index, item in enumerate(value):
            if item is None:
                if type(siblings) is not list or index >= len(siblings) or siblings[index] is None:
                    return WHOLE
            elif (doubts := scan(item, scope, element)) is not None:
                found.append((index, doubts))
        return found or None

    return member


def siblings(element: Element, key: str, extension: ValueScan) -> MemberScan:
    """The member of `_key`: the id and the extensions of a primitive."""

    def is_right(value: Any, scope: Scope, *, has_value: bool) -> bool:
        if type(value) is not dict or not value.keys() <= _SIBLING_KEYS:
            return False
        if "id" in value and not PRIMITIVES["string"].accepts(value["id"]):
            return False
        inner = value.get("extension")
        if inner is None:
            return has_value and "id" in value
        return (
            type(inner) is list
            and bool(inner)
            and all(extension(item, scope, element) is None for item in inner)
        )

    def are_right(value: Any, present: Any, scope: Scope) -> bool:
        if not element.is_list:
            return is_right(value, scope, has_value=present is not None)
        if type(value) is not list or (present is not None and len(present) != len(value)):
            return False
        has_value = [item is not None for item in present or [None] * len(value)]
        # Where there is neither a value nor anything beside it, there is nothing.
        return all(
            has_value[i] if item is None else is_right(item, scope, has_value=has_value[i])
            for i, item in enumerate(value)
        ) and any(item is not None for item in value)

    return lambda value, beside, scope, _place: (
        None if are_right(value, beside.get(key), scope) else WHOLE
    )


def left_to_detail(_: Any, __: dict[str, Any], ___: Scope, ____: Element) -> MemberDoubts | None:
    """The member of which the fast path cannot say that it is right."""
    return WHOLE


def left_to_own_type(_: Any, __: dict[str, Any], ___: Scope, ____: Element) -> MemberDoubts | None:
    """The member that a profile of an abstract type does not know: the resource's own type judges it."""
    return None


def resource_type(value: Any, _: dict[str, Any], __: Scope, ___: Element) -> MemberDoubts | None:
    """The member that names the type of a resource."""
    return None if type(value) is str else WHOLE


def exclusive(keys: frozenset[str], member: MemberScan) -> MemberScan:
    """The member of one type of a choice: none of the other types may stand beside it."""
    return lambda value, beside, scope, place: (
        member(value, beside, scope, place) if keys.isdisjoint(beside) else WHOLE
    )


def explain_keys(
    content: Element,
    value: dict[str, Any],
    location: str,
    report: Report,
    *,
    is_resource: bool,
    keys: Iterable[str] | None = None,
) -> None:
    """The detailed check of the keys of an object, or of some of them, and of the JSON shape of their
    values.
    """
    known = content.by_key
    for key in value if keys is None else keys:
        if key == "resourceType" and is_resource:
            continue
        element = known.get(key)
        if element is None and content.path in ABSTRACT_RESOURCES:
            continue
        if element is None:
            report.error(
                "unknown-element", "structure", location, content.profile, element=shown(key),
                parent=content.path, near=_near(key, known),
            )  # fmt: skip
        else:
            _explain_shape(element, key, value, location, report)
    if not value or value.keys() <= {"id"}:
        report.error("element-empty", "invalid", location, content.profile)


def _near(key: str, keys: Mapping[str, Element]) -> Reason | str:
    """The names that are spelt almost so; nothing where there are none."""
    import difflib

    names = [name for name in keys if name.startswith("_") is key.startswith("_")]
    found = difflib.get_close_matches(key, names, n=3, cutoff=0.6)
    return because("because-near", names=", ".join(found)) if found else ""


def _explain_shape(
    element: Element, key: str, beside: dict[str, Any], location: str, report: Report
) -> None:
    value = beside[key]
    place = f"{location}.{element.name}"
    if element.is_list:
        if not isinstance(value, list):
            report.error("json-array-expected", "structure", place, element.profile, element=key)
        elif not value:
            report.error("json-array-empty", "invalid", place, element.profile, element=key)
        elif key.startswith("_"):
            present = beside.get(key[1:])
            if isinstance(present, list) and len(present) != len(value):
                report.error("json-array-lengths", "structure", place, element.profile,
                             element=key[1:], found=len(present), expected=len(value))  # fmt: skip
    elif isinstance(value, list):
        report.error("json-array-unexpected", "structure", place, element.profile, element=key)
    elif value is None:
        report.error("json-null", "invalid", place, element.profile, element=key)


def explain_choice(element: Element, value: dict[str, Any], location: str, report: Report) -> None:
    """The detailed check that a choice has one type, and one the profile allows."""
    present = [keys[0] for keys in element.keys_of_types if not value.keys().isdisjoint(keys)]
    if len(present) > 1:
        report.error("choice-several", "structure", f"{location}.{element.name}", element.profile,
                     element=element.name, found=", ".join(present))  # fmt: skip
    # The value of an extension has no name of its own: a data manager knows it by the extension's.
    is_extension = "Extension.value[x]" in element.base_paths
    for key in present:
        code = element.json_names[key]
        if element.type_ref(code) is None and element.maximum != 0:
            place = location if is_extension else f"{location}.{element.name}.ofType({code})"
            report.error(
                "choice-type", "structure", place, element.profile,
                found=code, expected=", ".join(dict.fromkeys(ref.code for ref in element.types)),
            )  # fmt: skip

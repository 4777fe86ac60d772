"""Discriminators: what tells the slices of an element apart, in the profile and in an instance.

Source: FHIR R4 §5.1.0.14, https://hl7.org/fhir/R4/profiling.html#discriminator
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Conforms
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import shown
from fhir_server.validation.rules.bindings import codings_of, required_value_sets
from fhir_server.validation.rules.extensions import urls_of_extension
from fhir_server.validation.rules.fixed import equals, matches
from fhir_server.validation.scope import Scope, referenced_type

Step = tuple[str, str]
Found = list[tuple[Any, str]]
"""Values of an instance, each with its FHIR type."""

_STEP = re.compile(
    r"(extension|ofType|resolve|as)\(\s*['\"]?([^)'\"]*)['\"]?\s*\)|([A-Za-z][A-Za-z0-9]*(?:\[x\])?)|(\$this)"
)


class UnreadablePathError(ValueError):
    """A discriminator path outside the restricted FHIRPath that discriminators may use."""


def parse_path(path: str) -> tuple[Step, ...]:
    """The steps of a discriminator path. Errors: UnreadablePathError."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise UnreadablePathError(path)
        if match[1]:
            steps.append(("ofType" if match[1] == "as" else match[1], match[2]))
        elif match[3]:
            steps.append(("child", match[3].removesuffix("[x]")))
        at = match.end()
        if at < len(path):
            if path[at] != ".":
                raise UnreadablePathError(path)
            at += 1
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class Condition:
    """What one discriminator asks of an item to be in a slice: `expected` says it in words."""

    path: str
    steps: tuple[Step, ...]
    expected: str
    holds: Callable[[Found, Scope], bool]


def values_at(
    value: Any, type_code: str, steps: Sequence[Step], scope: Scope, knowledge: Knowledge
) -> Found:
    """The values an instance has at a discriminator's path."""
    found: Found = [(value, _own_type(value, type_code) if type_code == "Resource" else type_code)]
    for step in steps:
        found = [inner for item in found for inner in _step(item, step, scope, knowledge)]
    return found


def _step(
    item: tuple[Any, str], step: Step, scope: Scope, knowledge: Knowledge
) -> Iterator[tuple[Any, str]]:
    value, type_code = item
    kind, argument = step
    if kind == "ofType":
        if knowledge.types.is_subtype(type_code, argument):
            yield item
    elif isinstance(value, dict):
        if kind == "extension":
            yield from _extensions(value, argument)
        elif kind == "resolve":
            yield from _resolved(value, scope)
        else:
            yield from _members(value, type_code, argument, knowledge)


def _extensions(value: dict[str, Any], url: str) -> Iterator[tuple[Any, str]]:
    extensions = value.get("extension")
    for item in extensions if isinstance(extensions, list) else ():
        if isinstance(item, dict) and item.get("url") == url:
            yield item, "Extension"


def _members(
    value: dict[str, Any], type_code: str, name: str, knowledge: Knowledge
) -> Iterator[tuple[Any, str]]:
    info = knowledge.types.element(_own_type(value, type_code), name)
    names: Mapping[str, str] = info.json_names if info else {name: "Element"}
    for key, code in names.items():
        present = value.get(key)
        for item in present if isinstance(present, list) else [present]:
            if item is not None:
                yield item, _own_type(item, code)


def _own_type(value: Any, type_code: str) -> str:
    """The type that a resource names itself, where it does; else the one it is known by."""
    own = value.get("resourceType") if isinstance(value, dict) else None
    return own if isinstance(own, str) else type_code


def _resolved(value: dict[str, Any], scope: Scope) -> Iterator[tuple[Any, str]]:
    reference = value.get("reference")
    if not isinstance(reference, str):
        return
    target = scope.resolve(reference)
    if target is not None:
        yield target, str(target.get("resourceType"))
        return
    # The type can be told from the reference alone; nothing else of the target can.
    kind = referenced_type(reference) or value.get("type")
    if isinstance(kind, str):
        yield {"resourceType": kind}, kind


def conditions(
    element: Element, discriminator: Mapping[str, str], knowledge: Knowledge, conforms: Conforms
) -> list[Condition]:
    """What a discriminator asks of the items of a slice; empty where the slice says nothing about it."""
    path = discriminator.get("path", "$this")
    try:
        steps = parse_path(path)
    except UnreadablePathError:
        return []
    kind = discriminator.get("type", "value")
    targets = list(_targets(element, steps, knowledge))
    if kind == "exists":
        return _existence(path, steps, targets)
    if kind == "type":
        return _types(path, steps, targets, knowledge)
    if kind == "profile":
        return _profiles(path, steps, targets, conforms)
    return [
        condition
        for target, valued in targets
        for condition in _values(path, steps, target, valued, knowledge)
    ]


Target = tuple[Element | None, Any]
"""An element of the slice at the path, or the part of a fixed or pattern value above it."""


def _targets(element: Element, steps: tuple[Step, ...], knowledge: Knowledge) -> Iterator[Target]:
    if not steps:
        yield element, None
        return
    for valued in (element.fixed, element.pattern):
        if valued is not None:
            yield from ((None, part) for part in _projected(valued[1], steps))
    for inner in _next(element, steps[0], knowledge):
        yield from _targets(inner, steps[1:], knowledge)


def _next(element: Element, step: Step, knowledge: Knowledge) -> Iterator[Element]:
    """The elements of the profile that one step leads to."""
    kind, argument = step
    if kind == "resolve":
        plans = (knowledge.plans.plan(target) for ref in element.types for target in ref.targets)
        yield from (plan for plan in plans if plan is not None)
    elif kind == "ofType":
        choices = (choice for choice in (*element.slices, element) if choice.type_ref(argument))
        yield from list(choices)[:1]
    elif kind == "extension":
        for child in _children(element, "extension", knowledge):
            yield from (e for e in child.slices if argument in urls_of_extension(e, knowledge))
    else:
        for child in _children(element, argument, knowledge):
            yield child
            yield from (e for e in child.slices if e.minimum > 0 or child.is_choice)


def _projected(value: Any, steps: tuple[Step, ...]) -> list[Any]:
    found = [value]
    for kind, name in steps:
        if kind != "child":
            return []
        inner: list[Any] = []
        for one in found:
            part = one.get(name) if isinstance(one, dict) else None
            inner.extend(part if isinstance(part, list) else [] if part is None else [part])
        found = inner
    return found


def _children(element: Element, name: str, knowledge: Knowledge) -> Iterator[Element]:
    for url in (url for ref in element.types for url in ref.profiles if "#" in url):
        part = knowledge.plans.plan(url)
        inner = part.child(name) if part is not None else None
        if inner is not None:
            yield inner
    if element.children:
        own = element.child(name)
        if own is not None:
            yield own
            return
    for ref in element.types:
        roots = [knowledge.plans.plan(profile) for profile in ref.profiles] or [
            knowledge.plans.content(element, ref.code)
        ]
        for root in roots:
            child = root.child(name) if root is not None else None
            if child is not None:
                yield child


def _values(
    path: str, steps: tuple[Step, ...], target: Element | None, part: Any, knowledge: Knowledge
) -> Iterator[Condition]:
    if target is None:
        yield Condition(
            path, steps, shown(part), lambda found, _: any(matches(v, part) for v, _c in found)
        )
        return
    if target.fixed is not None:
        fixed = target.fixed[1]
        yield Condition(
            path, steps, shown(fixed), lambda found, _: any(equals(v, fixed) for v, _c in found)
        )
    if target.pattern is not None:
        pattern = target.pattern[1]
        yield Condition(
            path,
            steps,
            shown(pattern),
            lambda found, _: any(matches(v, pattern) for v, _c in found),
        )
    if target.fixed is not None or target.pattern is not None:
        return
    inherited = _inherited_value_sets(target, knowledge)
    for value_set in required_value_sets(target):
        if value_set.partition("|")[0] in inherited:
            continue
        yield Condition(path, steps, value_set, _in_value_set(value_set, knowledge))
    yield from _inner_values(path, steps, target)


def _inherited_value_sets(target: Element, knowledge: Knowledge) -> set[str]:
    """The value sets every value of the element is bound to anyway: they tell nothing apart."""
    bases = (knowledge.plans.at_path(path) for path in target.base_paths)
    return {
        value_set.partition("|")[0]
        for base in bases
        if base is not None
        for value_set in required_value_sets(base)
    }


def _inner_values(path: str, steps: tuple[Step, ...], target: Element) -> Iterator[Condition]:
    """A complex value is told apart by what is fixed inside it."""
    for child in target.children:
        for element in (child, *(entry for entry in child.slices if entry.minimum > 0)):
            valued = element.fixed or element.pattern
            inner_steps = (*steps, ("child", child.name))
            inner_path = child.name if path == "$this" else f"{path}.{child.name}"
            if valued is not None:
                wanted, test = valued[1], equals if element.fixed else matches
                yield Condition(
                    inner_path,
                    inner_steps,
                    shown(wanted),
                    lambda found, _, wanted=wanted, test=test: any(
                        test(v, wanted) for v, _c in found
                    ),  # type: ignore[misc]  # mypy cannot infer defaults of a lambda
                )
            elif element.children:
                yield from _inner_values(inner_path, inner_steps, element)


def _in_value_set(value_set: str, knowledge: Knowledge) -> Callable[[Found, Scope], bool]:
    expansion = knowledge.terminology.expansion(value_set)

    def holds(found: Found, _: Scope) -> bool:
        for value, type_code in found:
            if isinstance(value, str):
                if expansion.contains_code(value):
                    return True
            elif isinstance(value, dict) and any(
                expansion.contains(system, code) for system, code in codings_of(value, type_code)
            ):
                return True
        return False

    return holds


def _existence(path: str, steps: tuple[Step, ...], targets: list[Target]) -> list[Condition]:
    elements = [element for element, _ in targets if element is not None]
    if any(element.maximum == 0 for element in elements):
        return [Condition(path, steps, "∅", lambda found, _: not found)]
    if any(element.minimum > 0 for element in elements):
        return [Condition(path, steps, "∃", lambda found, _: bool(found))]
    return []


def _types(
    path: str, steps: tuple[Step, ...], targets: list[Target], knowledge: Knowledge
) -> list[Condition]:
    codes: set[str] = set()
    for element, _ in targets:
        if element is None:
            continue
        if "." not in element.path:
            codes.add(element.path)
            continue
        for ref in element.types:
            plans = [plan for p in ref.profiles if (plan := knowledge.plans.plan(p)) is not None]
            codes.update([plan.path for plan in plans] or [ref.code])
    if not codes:
        return []

    def holds(found: Found, _: Scope) -> bool:
        return any(
            code in codes or any(knowledge.types.is_subtype(code, wanted) for wanted in codes)
            for _value, code in found
        )

    return [Condition(path, steps, " | ".join(sorted(codes)), holds)]


def _profiles(
    path: str, steps: tuple[Step, ...], targets: list[Target], conforms: Conforms
) -> list[Condition]:
    profiles: list[str] = []
    for element, _ in targets:
        if element is None:
            continue
        if "." not in element.path:
            profiles.append(element.profile)
        profiles.extend(profile for ref in element.types for profile in ref.profiles)
    if not profiles:
        return []

    def holds(found: Found, scope: Scope) -> bool:
        return any(conforms(value, profile, scope) for value, _ in found for profile in profiles)

    return [Condition(path, steps, " | ".join(dict.fromkeys(profiles)), holds)]

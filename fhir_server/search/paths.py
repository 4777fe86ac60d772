"""Expressions that only walk: from a resource by the names of its elements to values of known types.

Nine of ten search parameters are such paths, with a cast, an extension's URL or one fixed value on the
way (`(Observation.value as Quantity)`, `Condition.extension('u').value.ofType(code)`,
`Patient.telecom.where(system = 'email')`). They need no FHIRPath engine: `search/elements.py` walks all
paths of a type at once.

Source: FHIR R4 SearchParameter.expression, https://hl7.org/fhir/R4/searchparameter.html; JSON keys of
choices, https://hl7.org/fhir/R4/json.html#choice
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions import TypeModel

_ROOTS = ("Resource", "DomainResource")
_CAST = re.compile(r"\((\w+(?:\.\w+)*) as (\w+)\)")
_STEP = re.compile(
    r"\.(?:(?:as|ofType)\((?P<type>\w+)\)"
    r"|extension\('(?P<url>[^'\\]*)'\)"
    r"|where\(\s*(?P<name>\w+)\s*=\s*'(?P<value>[^'\\]*)'\s*\)"
    r"|(?P<element>[a-z]\w*))"
)
_OPEN = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})
"""Types that say too little of what stands below."""


@dataclass(frozen=True, slots=True)
class Key:
    """The values under a JSON key."""

    name: str


@dataclass(frozen=True, slots=True)
class Having:
    """Those of the objects at hand whose member `name` is `value`."""

    name: str
    value: str


Step = Key | Having


@dataclass(frozen=True, slots=True)
class Path:
    """Steps from a resource to values of one type."""

    steps: tuple[Step, ...]
    type: str


def paths_of(expression: str, resource_type: str, model: TypeModel) -> tuple[Path, ...] | None:
    """The paths by which an expression walks, one for each JSON key of a choice; None where it does more.

    Shape: `expression` one branch of a union, as `search/expressions.py` gives it.
    """
    root, _, rest = _CAST.sub(r"\1.as(\2)", expression.strip(), count=1).partition(".")
    if root not in (resource_type, *_ROOTS) or not rest:
        return None
    steps = list(_STEP.finditer("." + rest))
    if "".join(step[0] for step in steps) != "." + rest:
        return None
    found = [Path((), resource_type)]
    for position, step in enumerate(steps):
        following = steps[position + 1] if position + 1 < len(steps) else None
        walked = [further for path in found for further in _further(path, step, following, model)]
        if None in walked:
            return None
        found = [path for path in walked if path is not None]
    return tuple(found)


def values_at(path: Path, resource: Mapping[str, Any]) -> Iterator[Any]:
    """The values that a path leads to."""
    found: list[Any] = [resource]
    for step in path.steps:
        objects = [one for one in found if isinstance(one, Mapping)]
        match step:
            case Key(name):
                members = [one[name] for one in objects if name in one]
                found = [
                    item
                    for member in members
                    for item in (member if isinstance(member, list) else [member])
                ]
            case Having(name, value):
                found = [one for one in objects if one.get(name) == value]
    yield from found


def _further(
    path: Path, step: re.Match[str], following: re.Match[str] | None, model: TypeModel
) -> Iterator[Path | None]:
    """The path one step further; None where the model does not say where that leads."""
    if step["type"] is not None:
        # A choice was narrowed when its element was met.
        yield path if model.is_subtype(path.type, step["type"]) else None
    elif step["url"] is not None:
        is_known = model.element(path.type, "extension") is not None
        steps = (*path.steps, Key("extension"), Having("url", step["url"]))
        yield Path(steps, "Extension") if is_known else None
    elif step["name"] is not None:
        tested = model.element(path.type, step["name"])
        is_text = tested is not None and tested.types in {("code",), ("string",), ("uri",)}
        having = Having(step["name"], step["value"])
        yield Path((*path.steps, having), path.type) if is_text else None
    else:
        yield from _into(path, step["element"], following and following["type"], model)


def _into(path: Path, name: str, wanted: str | None, model: TypeModel) -> Iterator[Path | None]:
    info = model.type(path.type)
    element = info.elements.get(name) if info else None
    if element is None or info is None or info.kind == "primitive-type":
        yield None
        return
    for key, kind in element.json_names.items():
        if kind in _OPEN:
            yield None
        elif not element.is_choice or wanted is None or model.is_subtype(kind, wanted):
            yield Path((*path.steps, Key(key)), kind)

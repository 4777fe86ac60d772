"""Paths of the fast lane: from a JSON value to JSON values.

Source: FHIRPath N1 §3 (path selection); FHIR R4 §2.6.3 (JSON)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.fhirpath.operators.collections import TEXT_TYPES, distinct, distinct_objects
from fhir_server.fhirpath.type_space import Child, append_child
from fhir_server.fhirpath.values import CONVERTED_TYPES, Items, TypedValue

Walk = Callable[[Any], Sequence[Any]]
"""From one JSON value to those it leads to. The result may belong to the resource: never change it."""

Typed = Callable[[Any], Items]


MAX_COMPARED = 1_000
"""Items compared each with each; more are left to the general lane, which counts its work."""


class UnsureError(Exception):
    """The data holds what only the general lane can judge."""


FALL_BACK = (UnsureError, AttributeError, TypeError, KeyError)
"""What sends an evaluation to the general lane: `UnsureError`, and JSON of the wrong shape."""


@dataclass(frozen=True, slots=True)
class FastPath:
    """A path: its values bare and typed, and the types they may have.

    Shape: `is_guard` marks a path that is empty or leaves the lane: see `guarded`. `own` is the child
    of a path that is one primitive of the value itself.
    """

    walk: Walk
    typed: Typed
    types: tuple[str, ...]
    is_guard: bool = False
    own: Child | None = None

    @property
    def only_type(self) -> str | None:
        """The type, where there is just one."""
        return self.types[0] if len(self.types) == 1 else None


_FEW = 4
"""Up to how many JSON keys of a choice are tried one by one."""


def _nothing(_this: Any) -> Items:
    return []


EMPTY_PATH = FastPath(_nothing, _nothing, ())


def this_path(type_name: str) -> FastPath:
    """The value itself."""
    return FastPath(lambda this: (this,), lambda this: [TypedValue(type_name, this)], (type_name,))


def complex_path(walk: Walk, type_name: str) -> FastPath:
    """Values that are objects of one type."""
    return FastPath(
        walk, lambda this: [TypedValue(type_name, item) for item in walk(this)], (type_name,)
    )


def guarded(source: FastPath) -> FastPath:
    """What follows on resources of any type: nothing where there is no resource, else unsure.

    Most resources contain none, and so invariants on `contained` stay in the lane.
    """
    items = source.walk

    def walk(this: Any) -> Items:
        if items(this):
            raise UnsureError
        return []

    return FastPath(walk, walk, ("Resource",), is_guard=True)


def resources(source: FastPath, child: Child) -> FastPath:
    """Contained resources and those of bundle entries."""
    items = source.walk

    def typed(this: Any) -> Items:
        found: Items = []
        for item in items(this):
            append_child(found, item, child)
        return found

    return FastPath(_key(items, child.key), typed, (child.type,))


def step(source: FastPath, children: tuple[Child, ...], *, from_this: bool) -> FastPath:
    """One element further; `from_this` where the source is the value itself."""
    types = tuple(dict.fromkeys(child.type for child in children))
    if len(children) > 1:
        return _choice(source.walk, children, types)
    child = children[0]
    if child.is_primitive:
        typed = _typed_primitives(source.walk, child)
        if from_this:
            return FastPath(_own_primitives(child), typed, types, own=child)
        return FastPath(_primitives(source.walk, child), typed, types)
    return complex_path(
        _own_key(child.key) if from_this else _key(source.walk, child.key), child.type
    )


def _own_key(key: str) -> Walk:
    def walk(this: Any) -> Sequence[Any]:
        value = this.get(key)
        if value is None:
            return ()
        return value if type(value) is list else (value,)

    return walk


def _own_primitives(child: Child) -> Walk:
    key, sibling_key = child.key, child.sibling_key

    def walk(this: Any) -> Sequence[Any]:
        value = this.get(key)
        if type(value) is list:
            if sibling_key in this or None in value:
                raise UnsureError
            return value
        if value is None:
            if sibling_key in this:
                raise UnsureError
            return ()
        return (value,)

    return walk


def _key(source: Walk, key: str) -> Walk:
    def walk(this: Any) -> Sequence[Any]:
        found: Items = []
        for item in source(this):
            value = item.get(key)
            if value is not None:
                if type(value) is list:
                    found += value
                else:
                    found.append(value)
        return found

    return walk


def _primitives(source: Walk, child: Child) -> Walk:
    key, sibling_key = child.key, child.sibling_key

    def walk(this: Any) -> Sequence[Any]:
        found: Items = []
        for item in source(this):
            value = item.get(key)
            if value is None:
                if sibling_key in item:
                    raise UnsureError
            elif type(value) is list:
                if sibling_key in item or None in value:
                    raise UnsureError
                found += value
            else:
                found.append(value)
        return found

    return walk


def _typed_primitives(source: Walk, child: Child) -> Typed:
    key, sibling_key, kind = child.key, child.sibling_key, child.type

    def typed(this: Any) -> Items:
        found: Items = []
        for item in source(this):
            value = item.get(key)
            if sibling_key in item:
                append_child(found, item, child)
            elif type(value) is list:
                found += [TypedValue(kind, one) for one in value if one is not None]
            elif value is not None:
                found.append(TypedValue(kind, value))
        return found

    return typed


def _choice(source: Walk, children: tuple[Child, ...], types: tuple[str, ...]) -> FastPath:
    if len(children) <= _FEW:
        return _small_choice(source, children, types)
    by_key = {key: child for child in children for key in (child.key, child.sibling_key)}

    def typed(this: Any) -> Items:
        found: Items = []
        for item in source(this):
            for key in item:
                child = by_key.get(key)
                if child is not None and (key == child.key or child.key not in item):
                    append_child(found, item, child)
        return found

    def walk(this: Any) -> Sequence[Any]:
        values = [item.value for item in typed(this)]
        if None in values:
            raise UnsureError
        return values

    return FastPath(walk, typed, types)


def _small_choice(source: Walk, children: tuple[Child, ...], types: tuple[str, ...]) -> FastPath:
    def typed(this: Any) -> Items:
        found: Items = []
        for item in source(this):
            for child in children:
                if child.key in item or child.sibling_key in item:
                    append_child(found, item, child)
        return found

    def walk(this: Any) -> Sequence[Any]:
        found: Items = []
        for item in source(this):
            for child in children:
                value = item.get(child.key)
                if type(value) is list or child.sibling_key in item:
                    raise UnsureError
                if value is not None:
                    found.append(value)
        return found

    return FastPath(walk, typed, types)


def filtered(source: FastPath, type_name: str, accepts: Callable[[Any], bool | None]) -> FastPath:
    """The objects that meet a criterion."""
    items = source.walk
    return complex_path(lambda this: [item for item in items(this) if accepts(item)], type_name)


def filtered_values(source: FastPath, accepts: Callable[[Any], bool | None]) -> FastPath:
    """The primitives that meet a criterion."""
    walk, typed = source.walk, source.typed

    def kept(this: Any) -> Items:
        items = typed(this)
        if any(item.value is None or item.sibling is not None for item in items):
            raise UnsureError
        return [item for item in items if accepts(item.value)]

    return FastPath(
        lambda this: [value for value in walk(this) if accepts(value)], kept, source.types
    )


def among(source: FastPath, texts: frozenset[str]) -> FastPath:
    """The distinct texts of a path that are among others: `code.intersect('a' | 'b')`."""
    kept = filtered_values(source, texts.__contains__)
    return united([kept])


def extensions(source: FastPath, url: str) -> FastPath:
    """The extensions of a URL on objects."""
    items = source.walk

    def walk(this: Any) -> Sequence[Any]:
        return [
            entry
            for item in items(this)
            for entry in item.get("extension", ())
            if entry.get("url") == url
        ]

    return complex_path(walk, "Extension")


def sliced(source: FastPath, part: slice) -> FastPath:
    """A part of the values."""
    walk, typed = source.walk, source.typed
    return FastPath(lambda this: walk(this)[part], lambda this: typed(this)[part], source.types)


def united(paths: Sequence[FastPath]) -> FastPath:
    """The values of several paths, each once."""
    live = [path for path in paths if path.types]
    if not live:
        return EMPTY_PATH
    types = tuple(dict.fromkeys(name for path in live for name in path.types))
    typed = live[0].typed if len(live) == 1 else _joined([path.typed for path in live])
    once = _distinct_typed(typed)
    if len(live) > 1 or types[0] not in TEXT_TYPES or len(types) > 1:
        return FastPath(_distinct_values(live, once), once, types)
    walk = live[0].walk

    def texts(this: Any) -> Sequence[Any]:
        values = walk(this)
        return values if len(values) < 2 else list(dict.fromkeys(values))

    return FastPath(texts, once, types)


def _joined(parts: list[Typed]) -> Typed:
    return lambda this: [item for part in parts for item in part(this)]


def _distinct_typed(typed: Typed) -> Typed:
    def once(this: Any) -> Items:
        items = typed(this)
        if len(items) > MAX_COMPARED:
            raise UnsureError
        return items if len(items) < 2 else distinct(items)

    return once


def _distinct_values(live: list[FastPath], once: Typed) -> Walk:
    walk = live[0].walk if len(live) == 1 else None
    only = live[0].only_type
    is_plain = only is not None and only[0].isupper() and only not in CONVERTED_TYPES

    def values(this: Any) -> Sequence[Any]:
        if walk is not None:
            found = walk(this)
            if len(found) < 2:
                return found
            if is_plain and len(found) <= MAX_COMPARED:
                return distinct_objects(found)
        bare = [item.value for item in once(this)]
        if None in bare:
            raise UnsureError
        return bare

    return values

"""Elements as the maps write them, compiled to setters.

birthDate                          one element
name+                              appended to a list
type.coding.0.code                 the first entry of a list
extension(birthPlace).valueAddress the extension of that name, made once
extension(nationality)+            a further extension of that name
bodySite.0.extension(laterality).valueCodeableConcept
_family.extension(ownPrefix)     the extension of a primitive, beside its value
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Target = dict[str, Any]
Setter = Callable[[Target, Any], bool]
"""Sets a value; False where another value stands there, which stays."""

_STEP = re.compile(
    r"(?P<name>_?[A-Za-z]\w*)(?:\((?P<extension>[\w-]+)\))?(?P<append>\+)?|(?P<index>\d+)"
)


class TargetError(ValueError):
    """An element path cannot be understood; the text says what was expected."""


def compile_target(path: str, extensions: Mapping[str, str]) -> Setter:
    """The setter of an element path; `extensions` gives the URL of each name.

    Shape: a setter never overwrites: what an earlier line (or an earlier segment) has set stays.
    Errors: TargetError.
    """
    steps = [_step(text, extensions) for text in path.split(".")]
    return _setter(steps)


def cleared_element(path: str, extensions: Mapping[str, str]) -> str:
    """What `""` clears where a value would go to a path: an element, as far as one step inside it.

    Shape: `birthDate`, `period.end`, `extension(URL)`.
    """
    (kind, name, _), *rest = [_step(text, extensions) for text in path.split(".")]
    if kind == "extension":
        return f"extension({name})"
    inside = [str(one) for kind, one, _ in rest[:1] if kind == "element"]
    return ".".join([str(name), *inside])


Step = tuple[str, str | int | None, bool]
"""Kind (`element`, `append`, `index`, `extension`), its name, index or URL, and whether it appends."""


def _step(text: str, extensions: Mapping[str, str]) -> Step:
    match = _STEP.fullmatch(text)
    if match is None:
        raise TargetError(f"an element such as name+ or coding.0, found `{text}`")
    if match["index"] is not None:
        return "index", int(match["index"]), False
    if match["extension"] is not None:
        url = extensions.get(match["extension"])
        if url is None:
            raise TargetError(
                f"an extension named in extensions.yaml, found `{match['extension']}`"
            )
        return "extension", url, bool(match["append"])
    return "element", match["name"], bool(match["append"])


def _setter(steps: list[Step]) -> Setter:
    (kind, name, append), rest = steps[0], steps[1:]
    if kind == "extension":
        return _extension_setter(str(name), _setter(rest) if rest else None, append=append)
    if kind == "index":
        raise TargetError("an element name before the index")
    if rest and rest[0][0] == "index":
        return _indexed_setter(str(name), int(rest[0][1] or 0), rest[1:])
    if append:
        return _append_setter(str(name), _setter(rest) if rest else None)
    return _element_setter(str(name), _setter(rest) if rest else None)


def _element_setter(name: str, inner: Setter | None) -> Setter:
    if inner is None:

        def set_value(target: Target, value: Any) -> bool:
            present = target.setdefault(name, value)
            return present is value or bool(present == value)

        return set_value

    def set_inside(target: Target, value: Any) -> bool:
        inside = target.get(name)
        if inside is None:
            inside = target[name] = {}
        return inner(inside, value)

    return set_inside


def _append_setter(name: str, inner: Setter | None) -> Setter:
    def append_value(target: Target, value: Any) -> bool:
        if inner is None:
            target.setdefault(name, []).append(value)
        else:
            inside: Target = {}
            inner(inside, value)
            target.setdefault(name, []).append(inside)
        return True

    return append_value


def _indexed_setter(name: str, index: int, rest: list[Step]) -> Setter:
    inner = _setter(rest) if rest else None

    def set_indexed(target: Target, value: Any) -> bool:
        entries = target.setdefault(name, [])
        if inner is not None:
            while len(entries) <= index:
                entries.append({})
            return inner(entries[index], value)
        if len(entries) <= index:
            entries.append(value)
            return True
        present = entries[index]
        if not isinstance(present, dict) or not isinstance(value, dict):
            return bool(present == value)
        entries[index] = {**value, **present}
        return all(entries[index][key] == part for key, part in value.items())

    return set_indexed


def _extension_setter(url: str, inner: Setter | None, *, append: bool) -> Setter:
    def set_extension(target: Target, value: Any) -> bool:
        entries = target.setdefault("extension", [])
        if inner is None:
            entries.append({"url": url, **value})
            return True
        entry = None if append else next((e for e in entries if e["url"] == url), None)
        if entry is None:
            entry = {"url": url}
            entries.append(entry)
        return inner(entry, value)

    return set_extension

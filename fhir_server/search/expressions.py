"""What a search parameter's expression tells before it runs.

One definition often serves many types (`AllergyIntolerance.code | Condition.code | …`): only the
branches that can match a type are kept. A branch that is a plain path also tells which JSON keys of the
resource it reads, so that it need not run where none of them is present, and whether it can give more
than one value.

Source: FHIR R4 SearchParameter.expression, https://hl7.org/fhir/R4/searchparameter.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fhir_server.definitions import TypeModel

_ROOTS = ("Resource", "DomainResource")
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'")
_TARGET_TYPE = re.compile(r"\.where\(\s*resolve\(\)\s+is\s+(\w+)\s*\)")
_WHERE = r"where\([^()]*(?:\([^()]*\)[^()]*)*\)"
_STEP = rf"\.(?:[a-z]\w*|as\(\w+\)|ofType\(\w+\)|extension\('[^']*'\)|{_WHERE}|\w+\[\d+\])"
_PATH = re.compile(rf"\(*\s*([A-Z]\w*)((?:{_STEP})+)(?:\s+as\s+\w+)?\s*\)*(?:{_STEP})*")
_CAST = re.compile(r"\(*\s*[A-Z]\w*\.\w+(?:\.(?:as|ofType)\((\w+)\)|\s+as\s+(\w+)\s*\))")


@dataclass(frozen=True, slots=True)
class Branch:
    """One part of an expression's union.

    Shape: `keys` the JSON keys of the resource it starts from, None where it must always run;
    `path` the elements walked where it is a plain path, else empty;
    `target` the only type that a reference may point to (`where(resolve() is Patient)`).
    """

    expression: str
    keys: frozenset[str] | None
    path: tuple[str, ...]
    target: str | None

    @property
    def is_resource(self) -> bool:
        """Whether it gives the resource itself."""
        return self.expression.isidentifier() and self.expression[0].isupper()


def branches_of(expression: str, resource_type: str, model: TypeModel) -> tuple[Branch, ...]:
    """The branches of an expression that can match the resource type."""
    found = []
    for text in union_branches(expression):
        path = _PATH.fullmatch(text)
        if path is not None and path[1] not in (resource_type, *_ROOTS):
            continue
        if path is None and _starts_with_other_type(text, resource_type, model):
            continue
        target = _TARGET_TYPE.search(text)
        plain = _TARGET_TYPE.sub("", text)
        found.append(
            Branch(
                expression=plain,
                keys=_keys(path, resource_type, model),
                path=_plain_path(plain),
                target=target[1] if target else None,
            )
        )
    return tuple(found)


def union_branches(expression: str) -> list[str]:
    """The operands of the outermost `|`, without white space around them."""
    masked = _STRING.sub(lambda match: "x" * len(match[0]), expression)
    parts, depth, start = [], 0, 0
    for at, character in enumerate(masked):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "|" and depth == 0:
            parts.append(expression[start:at].strip())
            start = at + 1
    parts.append(expression[start:].strip())
    return [part for part in parts if part]


def is_single_valued(branches: Iterable[Branch], resource_type: str, model: TypeModel) -> bool:
    """Whether the branches together can give one value at most: one plain path without a list."""
    paths = {branch.path for branch in branches}
    if len(paths) != 1:
        return False
    path = paths.pop()
    if not path:
        return False
    current = resource_type
    for step in path:
        element = model.element(current, step)
        if element is None or element.is_list:
            return False
        current = element.types[0]
    return True


def _starts_with_other_type(text: str, resource_type: str, model: TypeModel) -> bool:
    first = re.match(r"\(*\s*([A-Z]\w*)", text)
    return (
        first is not None
        and first[1] not in (resource_type, *_ROOTS)
        and model.is_resource(first[1])
    )


def _keys(
    path: re.Match[str] | None, resource_type: str, model: TypeModel
) -> frozenset[str] | None:
    if path is None:
        return None
    name = re.split(r"[.(\[]", path[2])[1]
    element = model.element(resource_type, name)
    if element is None:
        return None
    cast = _CAST.fullmatch(path[0])
    if element.is_choice and cast is not None:
        wanted = (cast[1] or cast[2]).lower()
        return frozenset(key for key, kind in element.json_names.items() if kind.lower() == wanted)
    return frozenset(element.json_names)


def _plain_path(expression: str) -> tuple[str, ...]:
    """The elements of `Type.a.b`, `(Type.a as X)` and `Type.a.as(X)`; empty for anything else."""
    text = expression.strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    text = re.sub(r"\s+as\s+\w+$", "", text)
    text = re.sub(r"\.(?:as|ofType)\(\w+\)$", "", text)
    match = re.fullmatch(r"[A-Z]\w*((?:\.[a-z]\w*)+)", text)
    return tuple(match[1][1:].split(".")) if match else ()

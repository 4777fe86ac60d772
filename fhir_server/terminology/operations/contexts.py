"""The value set of a context: of an element in a profile, named as `canonical#element`.

Source: https://hl7.org/fhir/R4/valueset-operation-expand.html (context)
"""

from collections.abc import Iterator

from fhir_server.definitions import Definitions
from fhir_server.model.issues import refuse
from fhir_server.terminology.operations.parameters import OperationParameters, Resource, invalid

DIRECTIONS = frozenset({"incoming", "outgoing"})
MAX_BASES = 40


def canonical_of_context(definitions: Definitions, asked: OperationParameters) -> str | None:
    """The value set an element is bound to, in its profile or in what that rests on; None without context.

    `contextDirection` is read and makes no difference: an element of R4 has one value set for what is sent
    and what is received.
    Errors: Refused 400 for a direction, 404 for an element that is not known or not bound.
    """
    direction = asked.text("contextDirection")
    if direction is not None and direction not in DIRECTIONS:
        raise invalid("contextDirection", ", ".join(sorted(DIRECTIONS)))
    context = asked.text("context")
    if context is None:
        return None
    canonical, _, name = context.partition("#")
    for structure in _bases(definitions, canonical):
        bound = _bound(structure, name)
        if bound is not None:
            return bound
    raise refuse(404, "expansion-context-unknown", "not-found", context=context[:200])


def _bases(definitions: Definitions, canonical: str | None) -> Iterator[Resource]:
    for _ in range(MAX_BASES):
        structure = definitions.structure(canonical) if canonical else None
        if structure is None:
            return
        yield structure
        canonical = structure.get("baseDefinition")


def _bound(structure: Resource, name: str) -> str | None:
    elements = [
        element
        for view in ("snapshot", "differential")
        for element in (structure.get(view) or {}).get("element", ())
    ]
    for key in ("id", "path"):
        for element in elements:
            value_set = (element.get("binding") or {}).get("valueSet")
            if element.get(key) == name and isinstance(value_set, str):
                return value_set
    return None

"""Names that only a `_filter` has: short ones of code systems, and elements whose parts must hold together.

`Group?_filter=characteristic[code eq gender].value eq mixed` asks for one characteristic with both, as the
composite parameter `characteristic-value` does. Of R4's list of such names, the others stand for search
parameters that R4 no longer has.

Source: FHIR R4 §3.1.3, https://hl7.org/fhir/R4/search_filter.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fhir_server.model.issues import refuse
from fhir_server.search.criteria import Criterion
from fhir_server.search.filter_syntax import Comparison, Step
from fhir_server.search.filters import predicate_of
from fhir_server.search.parameters import SearchType
from fhir_server.search.predicates import Predicate
from fhir_server.search.scope import Scope

_SYSTEMS: Mapping[str, str] = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ucum": "http://unitsofmeasure.org",
}
_SHORT_TOKEN = re.compile(rf"({'|'.join(_SYSTEMS)})(?=\|)")
_SHORT_UNIT = re.compile(rf"(?<=\|)({'|'.join(_SYSTEMS)})(?=\|)")
_DOLLAR = re.compile(r"(?<!\\)\$")


@dataclass(frozen=True, slots=True)
class Element:
    """The composite parameter of an element, and the names of its components in their order."""

    composite: str
    parts: tuple[str, str]


_ELEMENTS: Mapping[tuple[str, str], Element] = {
    ("Group", "characteristic"): Element("characteristic-value", ("code", "value")),
    ("DocumentReference", "relatesTo"): Element("relationship", ("target", "code")),
}


def with_system(kind: SearchType, value: str) -> str:
    """A token or quantity with the address of its system, where a short name stands for it."""
    if kind == "token" and (short := _SHORT_TOKEN.match(value)) is not None:
        return _SYSTEMS[short[1]] + value[short.end() :]
    if kind == "quantity":
        return _SHORT_UNIT.sub(lambda short: _SYSTEMS[short[1]], value)
    return value


def element_of(scope: Scope, name: str) -> Element | None:
    """The element that a name stands for, where all that is searched has it."""
    found = {_ELEMENTS.get((resource_type, name)) for resource_type in scope.types}
    return found.pop() if len(found) == 1 else None


def in_element(
    scope: Scope, element: Element, path: tuple[Step, ...], comparison: Comparison
) -> Predicate:
    """`name[part eq value].other eq value`. Errors: Refused(400) for any other form."""
    condition = path[0].condition
    values = {}
    if len(path) == 2 and isinstance(condition, Comparison):
        for names, compared in ((condition.path, condition), (path[1:], comparison)):
            if len(names) == 1 and compared.operator in {"eq", "re"}:
                values[names[0].name] = _DOLLAR.sub(r"\\$", with_system("token", compared.value))
    if values.keys() != set(element.parts):
        first, second = element.parts
        raise refuse(400, "search-filter-element", "not-supported", name=path[0].name,
                     first=first, second=second, position=path[0].position + 1)  # fmt: skip
    found = scope.find(element.composite)
    joined = "$".join(values[part] for part in element.parts)
    criterion = Criterion(path[0].name, found, None, (joined,), scope.setting)
    return predicate_of(scope, "composite", criterion)

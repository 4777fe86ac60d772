"""Search parameters of each resource type, compiled from their SearchParameter definitions.

Source: FHIR R4 SearchParameter, https://hl7.org/fhir/R4/searchparameter.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from fhir_server.definitions import Definitions
from fhir_server.search.expressions import Branch, branches_of, is_single_valued
from fhir_server.search.paths import Path, paths_of
from fhir_server.store.keys import parameter_hash
from fhir_server.store.resource_types import RESOURCE_TYPES, TYPE_NUMBERS
from fhir_server.terminology.terminology import Terminology

SearchType = Literal[
    "token", "string", "date", "number", "quantity", "reference", "uri", "composite", "special"
]

UNINDEXED = frozenset({"_text", "_content", "_query", "_filter"})
"""Parameters that every type has by definition but that no expression describes."""


_EXCHANGED = frozenset({"http://hl7.org/fhir/SearchParameter/DocumentReference-relationship"})
"""Composites of R4 whose two components have each other's expression: `relatesto` has `code`."""


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a composite parameter: its search type and expression, seen from the composite's."""

    type: SearchType
    definition: str
    expression: str


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A search parameter on one resource type.

    Shape: `branches` the parts of the expression's union that can match this type; `targets` the types
    a reference may point to; `is_single` whether a resource can have but one value; `value_set` the one
    that a `code` must come from, which gives it its system; `is_complete` whether every stored resource
    is indexed by it, which one defined at run time is not before `$reindex`.
    """

    resource_type: str
    code: str
    type: SearchType
    url: str
    hash: int
    branches: tuple[Branch, ...]
    targets: tuple[str, ...]
    components: tuple[Component, ...]
    is_single: bool
    value_set: str | None = None
    is_complete: bool = True

    def hash_of(self, form: str) -> int:
        """The number of another form of the same values (`exact`, `identifier`, …)."""
        return _form_hash(self.resource_type, self.code, form)


# The resource types that are no DomainResource.
_PLAIN = frozenset({"Binary", "Bundle", "Parameters"})


def types_of(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """The concrete resource types that a SearchParameter is for."""
    bases = set(definition.get("base", ()))
    if "Resource" in bases:
        return RESOURCE_TYPES
    if "DomainResource" in bases:
        return tuple(name for name in RESOURCE_TYPES if name not in _PLAIN or name in bases)
    return tuple(sorted(bases & TYPE_NUMBERS.keys()))


@lru_cache(maxsize=65536)
def _form_hash(resource_type: str, code: str, form: str) -> int:
    return parameter_hash(resource_type, f"{code}:{form}")


class SearchParameters:
    """The search parameters known, by resource type. Cost: each type is read once, on first use."""

    def __init__(
        self,
        definitions: Definitions,
        terminology: Terminology | None = None,
        *,
        full_text: bool = True,
    ) -> None:
        self.definitions = definitions
        self.full_text = full_text
        """Whether words are indexed."""
        self.terminology = terminology or Terminology(definitions)
        self._by_type: dict[str, dict[str, SearchParameter]] = {}
        self._canonical: dict[int, bool] = {}
        self._base: SearchParameters | None = None
        self._added: Mapping[str, Mapping[str, Mapping[str, Any]]] = {}
        self._gaps: frozenset[int] = frozenset()

    def extended(
        self, definitions: Sequence[dict[str, Any]], gaps: frozenset[int] = frozenset()
    ) -> "SearchParameters":
        """These parameters and more; a code that a type has already keeps its meaning.

        Shape: `definitions` SearchParameters that `check_definition` accepts, the first of a code wins;
        `gaps` the numbers of those that not every stored resource is indexed by.
        """
        added: dict[str, dict[str, Mapping[str, Any]]] = {}
        for definition in definitions:
            for resource_type in types_of(definition):
                added.setdefault(resource_type, {}).setdefault(definition["code"], definition)
        extended = SearchParameters(
            self.definitions.layered(definitions), self.terminology, full_text=self.full_text
        )
        extended._base, extended._added, extended._gaps = self, added, gaps
        return extended

    def of(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """The parameters of a type by code, in the order of their codes."""
        found = self._by_type.get(resource_type)
        if found is None:
            found = self._by_type[resource_type] = self._read(resource_type)
        return found

    def find(self, resource_type: str, code: str) -> SearchParameter | None:
        """The parameter of a type and code, or None."""
        return self.of(resource_type).get(code)

    def across(self, resource_types: Iterable[str], code: str) -> tuple[SearchParameter, ...]:
        """The parameter of a code on each of the types; empty where one of them has none."""
        found = [self.find(resource_type, code) for resource_type in resource_types]
        return tuple(p for p in found if p is not None) if all(found) else ()

    def _read(self, resource_type: str) -> dict[str, SearchParameter]:
        if self._base is not None:
            return self._read_added(self._base.of(resource_type), resource_type)
        read = [
            self._compile(resource_type, definition)
            for code, definition in sorted(
                self.definitions.search_parameters(resource_type).items()
            )
            if code not in UNINDEXED and definition.get("expression")
        ]
        return {parameter.code: parameter for parameter in read if parameter.branches}

    def _read_added(
        self, known: Mapping[str, SearchParameter], resource_type: str
    ) -> dict[str, SearchParameter]:
        found = dict(known)
        for code, definition in self._added.get(resource_type, {}).items():
            if code not in known and code not in UNINDEXED:
                parameter = self._compile(resource_type, definition)
                if parameter.branches:
                    is_complete = parameter.hash not in self._gaps
                    found[code] = replace(parameter, is_complete=is_complete)
        return dict(sorted(found.items()))

    def _compile(self, resource_type: str, definition: Mapping[str, Any]) -> SearchParameter:
        model = self.definitions.type_model
        branches = branches_of(definition["expression"], resource_type, model)
        return SearchParameter(
            resource_type=resource_type,
            code=definition["code"],
            type=definition["type"],
            url=definition.get("url", ""),
            hash=parameter_hash(resource_type, definition["code"]),
            branches=branches,
            targets=tuple(definition.get("target", ())),
            components=self.components_of(definition),
            is_single=is_single_valued(branches, resource_type, model),
            value_set=self._value_set(branches, resource_type)
            if definition["type"] == "token"
            else None,
        )

    def _value_set(self, branches: Iterable[Branch], resource_type: str) -> str | None:
        """The required value set of an element of type `code`, which carries no system of its own."""
        paths = {branch.path for branch in branches}
        structure = self.definitions.structure(resource_type)
        if len(paths) != 1 or structure is None:
            return None
        path = ".".join((resource_type, *paths.pop()))
        for element in structure["snapshot"]["element"]:
            binding = element.get("binding", {})
            if element["path"] == path and binding.get("strength") == "required":
                is_code = [one["code"] for one in element.get("type", ())] == ["code"]
                return str(binding["valueSet"]) if is_code and "valueSet" in binding else None
        return None

    def holds_canonicals(self, parameter: SearchParameter) -> bool:
        """Whether values of a reference parameter are canonicals: URLs that definitions give themselves."""
        known = self._canonical.get(parameter.hash)
        if known is None:
            known = self._canonical[parameter.hash] = self._holds_canonicals(parameter)
        return known

    def _holds_canonicals(self, parameter: SearchParameter) -> bool:
        return any(path.type == "canonical" for path in self.paths_of(parameter))

    def paths_of(self, parameter: SearchParameter) -> Iterator[Path]:
        """The paths by which a parameter's expressions walk to its values; none for what does more."""
        for branch in parameter.branches:
            yield from (
                paths_of(branch.expression, parameter.resource_type, self.definitions.type_model)
                or ()
            )

    def components_of(self, definition: Mapping[str, Any]) -> tuple[Component, ...]:
        """The components of a composite whose definitions are known."""
        entries = definition.get("component", ())
        expressions = [entry["expression"] for entry in entries]
        if definition.get("url") in _EXCHANGED:
            expressions.reverse()
        components = []
        for entry, expression in zip(entries, expressions, strict=True):
            target = self.definitions.find("SearchParameter", entry["definition"])
            if target is not None:
                components.append(Component(target["type"], target["code"], expression))
        return tuple(components)

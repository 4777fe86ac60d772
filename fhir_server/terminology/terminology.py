"""The terminology of a set of definitions: value sets expanded once, codes checked with three answers.

Source: FHIR R4 §4.9.5 ValueSet composition, https://hl7.org/fhir/R4/valueset.html#compositions
"""

from dataclasses import dataclass
from functools import reduce
from typing import Any

from fhir_server.definitions import Definitions
from fhir_server.terminology.code_system import CodeSystem
from fhir_server.terminology.expansion import Expansion, intersected, united, without
from fhir_server.terminology.filters import UnsupportedFilterError, filtered_codes
from fhir_server.terminology.grammars import GRAMMARS

MAX_DEPTH = 40
"""Deepest chain of value sets that import value sets."""


@dataclass(frozen=True, slots=True)
class CodeCheck:
    """The answer to “is this code in this value set?”: True, False, or None where it cannot be told
    offline, with the reason.
    """

    answer: bool | None
    reason: str = ""


class Terminology:
    """Code systems and value sets of the definitions. Immutable to its users; work is kept, so share it.

    Cost: an expansion is computed on first use; after that a check is one or two look-ups.
    """

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._systems: dict[str, CodeSystem | None] = {}
        self._expansions: dict[str, Expansion] = {}

    def code_system(self, canonical: str) -> CodeSystem | None:
        """The index of a code system; None where it is not loaded or only named."""
        if canonical not in self._systems:
            resource = self._definitions.code_system(canonical)
            if resource is None or resource.get("content") in {"not-present", "supplement"}:
                self._systems[canonical] = None
            else:
                self._systems[canonical] = CodeSystem(resource)
        return self._systems[canonical]

    def knows_code(self, system: str, code: str) -> bool | None:
        """Whether a code exists in a system; None where the system is not available or only in part."""
        index = self.code_system(system)
        if index is not None:
            if index.spelling(code) is not None:
                return True
            return False if index.is_complete else None
        grammar = GRAMMARS.get(system)
        return grammar(code) if grammar else None

    def displays(self, system: str, code: str) -> tuple[str, ...]:
        """The display of a code and its designations; empty where none is known."""
        index = self.code_system(system)
        concept = index.concepts.get(index.spelling(code) or "") if index else None
        if concept is None:
            return ()
        return tuple(filter(None, (concept.display, *concept.designations)))

    def expansion(self, canonical: str) -> Expansion:
        """What a value set holds; one that is not known holds what cannot be told."""
        found = self._expansions.get(canonical)
        if found is None:
            found = self._expansions[canonical] = self._expand(canonical, ())
        return found

    def check(self, canonical: str, code: str, system: str | None = None) -> CodeCheck:
        """Whether a value set holds a code; without a system, a code of any of its systems."""
        expansion = self.expansion(canonical)
        answer = (
            expansion.contains_code(code) if system is None else expansion.contains(system, code)
        )
        if answer is not None:
            return CodeCheck(answer)
        return CodeCheck(None, "; ".join(dict.fromkeys(expansion.unavailable.values())))

    def _expand(self, canonical: str, pending: tuple[str, ...]) -> Expansion:
        if canonical in pending or len(pending) > MAX_DEPTH:
            return _cannot_tell(f"{canonical} imports itself")
        resource = self._definitions.value_set(canonical)
        return self._implicit(canonical) if resource is None else self._composed(resource, pending)

    def expansion_of(self, value_set: dict[str, Any]) -> Expansion:
        """What a value set holds that is no definition of its own, such as a contained one. Not kept."""
        return self._composed(value_set, ())

    def _composed(self, resource: dict[str, Any], pending: tuple[str, ...]) -> Expansion:
        compose = resource.get("compose")
        if not compose or not compose.get("include"):
            return _listed(resource.get("expansion", {}))
        inner = (*pending, resource.get("url", ""))
        included = united(self._part(part, inner) for part in compose["include"])
        if compose.get("exclude"):
            included = without(included, united(self._part(p, inner) for p in compose["exclude"]))
        return included

    def _implicit(self, canonical: str) -> Expansion:
        """A code system may name the value set of all its codes."""
        for url in self._definitions.urls("CodeSystem") if "?" not in canonical else ():
            if url == canonical and self.code_system(url):
                return self._whole(url)
        return _cannot_tell(f"the value set {canonical} is not loaded")

    def _part(self, part: dict[str, Any], pending: tuple[str, ...]) -> Expansion:
        parts: list[Expansion] = []
        if "system" in part:
            parts.append(self._system_part(part))
        for canonical in part.get("valueSet", ()):
            found = self._expansions.get(canonical)
            if found is None:
                found = self._expand(canonical, pending)
                if len(pending) <= 1 or not found.unavailable:
                    self._expansions[canonical] = found
            parts.append(found)
        return reduce(intersected, parts) if parts else Expansion()

    def _system_part(self, part: dict[str, Any]) -> Expansion:
        system: str = part["system"]
        if part.get("concept"):
            codes = frozenset(c["code"] for c in part["concept"] if "code" in c)
            return Expansion({system: codes}, folded=self._folds(system))
        canonical = f"{system}|{part['version']}" if part.get("version") else system
        if not part.get("filter"):
            return self._whole(canonical)
        index = self.code_system(canonical)
        if index is None:
            return _cannot_tell(f"the code system {system} is not loaded", system)
        try:
            codes = filtered_codes(index, part["filter"])
        except UnsupportedFilterError as error:
            return _cannot_tell(f"the filter “{error}” on {system} cannot be carried out", system)
        unavailable = {} if index.is_complete else {system: _part_only(system)}
        return Expansion({system: codes}, unavailable=unavailable, folded=self._folds(system))

    def _whole(self, canonical: str) -> Expansion:
        index = self.code_system(canonical)
        system = canonical.partition("|")[0]
        if index is not None:
            unavailable = {} if index.is_complete else {system: _part_only(system)}
            return Expansion(
                {system: index.codes}, unavailable=unavailable, folded=self._folds(canonical)
            )
        if system in GRAMMARS:
            return Expansion(grammars={system: GRAMMARS[system]})
        return _cannot_tell(f"the code system {canonical} is not loaded", system)

    def _folds(self, canonical: str) -> frozenset[str]:
        index = self.code_system(canonical)
        return frozenset() if index is None or index.is_case_sensitive else frozenset({index.url})


def _part_only(system: str) -> str:
    return f"only a part of the code system {system} is loaded"


def _cannot_tell(reason: str, system: str = "") -> Expansion:
    return Expansion(unavailable={system: reason})


def _listed(expansion: dict[str, Any]) -> Expansion:
    """The codes of an expansion that a value set brings with it."""
    codes: dict[str, set[str]] = {}
    waiting = list(expansion.get("contains", ()))
    while waiting:
        item = waiting.pop()
        if "code" in item and not item.get("abstract"):
            codes.setdefault(item.get("system", ""), set()).add(item["code"])
        waiting.extend(item.get("contains", ()))
    if not codes:
        return _cannot_tell("the value set says nothing of what it holds")
    return Expansion({system: frozenset(held) for system, held in codes.items()})

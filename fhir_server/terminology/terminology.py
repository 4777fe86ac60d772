"""The terminology of a set of definitions: value sets expanded once, codes checked with three answers.

Source: FHIR R4 §4.9.5 ValueSet composition, https://hl7.org/fhir/R4/valueset.html#compositions
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from fhir_server.definitions import Definitions, Layer
from fhir_server.model.issues import Reason, Reasons, because
from fhir_server.terminology.code_system import CodeSystem
from fhir_server.terminology.concept_map import ConceptMap
from fhir_server.terminology.expansion import Expansion, intersected, united, without
from fhir_server.terminology.filters import UnsupportedFilterError, filtered_codes
from fhir_server.terminology.grammars import GRAMMARS
from fhir_server.terminology.supplements import canonical_of, fitting

if TYPE_CHECKING:
    from fhir_server.terminology.remote import RemoteTerminology

MAX_DEPTH = 40
"""Deepest chain of value sets that import value sets."""


@dataclass(frozen=True, slots=True)
class CodeCheck:
    """The answer to “is this code in this value set?”: True, False, or None where it cannot be told
    offline, with the reason.
    """

    answer: bool | None
    reason: Reasons | None = None


class CircularImportError(ValueError):
    """A chain of value sets that never ends."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Terminology:
    """Code systems and value sets of the definitions. Immutable to its users; work is kept, so share it.

    Cost: an expansion is computed on first use; after that a check is one or two look-ups.
    """

    def __init__(
        self,
        definitions: Definitions,
        shared: "Terminology | None" = None,
        remote: "RemoteTerminology | None" = None,
        *,
        has_own_value_sets: bool = False,
    ) -> None:
        self._definitions = definitions
        self._remote = remote
        self._shared = shared
        self._has_own_value_sets = has_own_value_sets
        self._systems: dict[str, CodeSystem | None] = {}
        self._maps: dict[str, ConceptMap] = {}
        self._expansions: dict[str, Expansion] = {}

    @property
    def definitions(self) -> Definitions:
        """What it speaks of."""
        return self._definitions

    def backed(self, layer: Layer) -> "Terminology":
        """A terminology with one more layer behind, for a short time: its work is not kept here, while
        what this one has done or can do without the layer is shared.
        """
        return Terminology(self._definitions.backed(layer), self, self._remote)

    def revised(self, definitions: Definitions) -> "Terminology":
        """A terminology of the same code systems with other value sets, for a short time."""
        return Terminology(definitions, self, self._remote, has_own_value_sets=True)

    def code_system(self, canonical: str) -> CodeSystem | None:
        """The index of a code system; None where it is not loaded or only named."""
        if canonical not in self._systems:
            shared = self._shared.code_system(canonical) if self._shared else None
            resource = shared.resource if shared else self._definitions.code_system(canonical)
            if resource is None:
                # Not noted: what clients may ask for has no end.
                return None
            if resource.get("content") in {"not-present", "supplement"}:
                self._systems[canonical] = None
                return None
            added = fitting(self._definitions.supplements(resource["url"]), resource.get("version"))
            if shared is not None and shared.supplements == tuple(map(canonical_of, added)):
                return shared
            self._systems[canonical] = CodeSystem(resource, added)
        return self._systems[canonical]

    def value_set(self, canonical: str) -> dict[str, Any] | None:
        """The ValueSet of a canonical, loaded or implicit; None where it is not known."""
        found = self._definitions.value_set(canonical)
        return self._implicit(canonical) if found is None else found

    def _implicit(self, canonical: str) -> dict[str, Any] | None:
        """A code system names the value set of all its codes; `?fhir_vs` asks for it or for a part.

        Source: https://hl7.org/fhir/R4/snomedct.html#implicit, https://hl7.org/fhir/R4/loinc.html#alls
        """
        system, _, part = canonical.partition("?fhir_vs")
        if canonical == "http://loinc.org/vs":
            system = "http://loinc.org"
        include: dict[str, Any] = {"system": system}
        if part.startswith("=isa/"):
            is_a = {"property": "concept", "op": "is-a", "value": part.removeprefix("=isa/")}
            include["filter"] = [is_a]
        elif part:
            return None
        if self.code_system(system) is None:
            return None
        return {"resourceType": "ValueSet", "url": canonical, "status": "active",
                "compose": {"include": [include]}}  # fmt: skip

    def knows_code(self, system: str, code: str) -> bool | None:
        """Whether a code exists in a system; None where the system is not available or only in part."""
        index = self.code_system(system)
        if index is not None:
            if index.spelling(code) is not None:
                return True
            if index.is_complete:
                return False
        grammar = GRAMMARS.get(system)
        answer = grammar(code) if grammar else None
        if answer is None and self._remote is not None:
            return self._remote.has_code(system, code)
        return answer

    def displays(self, system: str, code: str) -> tuple[str, ...]:
        """The display of a code and its designations; empty where none is known."""
        index = self.code_system(system)
        concept = index.concepts.get(index.spelling(code) or "") if index else None
        if concept is None:
            return ()
        return tuple(filter(None, (concept.display, *concept.designations)))

    def is_whole(self, system: str) -> bool:
        """Whether all of a code system is at hand; a fragment may lack the names its codes have elsewhere."""
        index = self.code_system(system)
        return index is not None and index.is_complete

    def speaks(self, system: str, language: str) -> bool:
        """Whether a code system names its codes in a language; one that states none speaks English."""
        index = self.code_system(system)
        return index is not None and language.lower().partition("-")[0] in index.languages

    def expansion(self, canonical: str) -> Expansion:
        """What a value set holds; one that is not known holds what cannot be told."""
        try:
            return self._imported(canonical, ())
        except CircularImportError as fault:
            return _cannot_tell(fault.reason)

    def _imported(self, canonical: str, pending: tuple[str, ...]) -> Expansion:
        """The expansion of a canonical, kept where a resource defines it: what may be asked for without
        one has no end.
        """
        found = self._expansions.get(canonical)
        if found is None:
            found = self._from_shared(canonical) or self._expand(canonical, pending)
            if self._definitions.value_set(canonical) is not None:
                self._expansions[canonical] = found
        return found

    def _from_shared(self, canonical: str) -> Expansion | None:
        """What needs nothing of the layer behind."""
        if self._shared is None or self._has_own_value_sets:
            return None
        if self._shared.definitions.value_set(canonical) is None:
            return None
        found = self._shared.expansion(canonical)
        return None if found.unavailable else found

    def expansion_of_resource(self, value_set: dict[str, Any]) -> Expansion:
        """The kept expansion where the value set is one that is loaded, else one of its own."""
        canonical = value_set.get("url", "")
        if value_set.get("version"):
            canonical += f"|{value_set['version']}"
        if canonical and self.value_set(canonical) is value_set:
            return self.expansion(canonical)
        return self.expansion_of(value_set)

    def holds(self, expansion: Expansion, canonical: str, system: str, code: str) -> bool | None:
        """Whether an expansion holds a code; what cannot be told here is asked of the remote server, by
        the canonical of the value set.
        """
        answer = expansion.contains(system, code)
        if answer is None and self._remote is not None and canonical:
            return self._remote.holds(canonical, system, code)
        return answer

    def concept_map(self, canonical: str) -> ConceptMap | None:
        """The index of a concept map; None where it is not loaded."""
        if canonical not in self._maps:
            shared = self._shared.concept_map(canonical) if self._shared else None
            resource = None if shared else self._definitions.find("ConceptMap", canonical)
            if resource is None:
                return shared
            self._maps[canonical] = ConceptMap(resource)
        return self._maps[canonical]

    def concept_maps(self) -> Iterator[ConceptMap]:
        """Every concept map. Cost: reads them all, once."""
        for url in self._definitions.urls("ConceptMap"):
            found = self.concept_map(url)
            if found is not None:
                yield found

    def check(self, canonical: str, code: str, system: str | None = None) -> CodeCheck:
        """Whether a value set holds a code; without a system, a code of any of its systems."""
        expansion = self.expansion(canonical)
        answer = (
            expansion.contains_code(code)
            if system is None
            else self.holds(expansion, canonical, system, code)
        )
        if answer is not None:
            return CodeCheck(answer)
        reasons = tuple(expansion.unavailable.values())
        return CodeCheck(None, Reasons(reasons or (because("because-form-only"),)))

    def _expand(self, canonical: str, pending: tuple[str, ...]) -> Expansion:
        if canonical in pending:
            raise CircularImportError(because("because-imports-itself", url=canonical))
        if len(pending) > MAX_DEPTH:
            raise CircularImportError(because("because-imports-too-deep", max=MAX_DEPTH))
        resource = self.value_set(canonical)
        if resource is not None:
            return self._composed(resource, pending)
        system, mark, _ = canonical.partition("?fhir_vs")
        if mark:
            return _not_loaded(system, system)
        return _cannot_tell(because("because-value-set-not-loaded", url=canonical))

    def expansion_of(self, value_set: dict[str, Any]) -> Expansion:
        """What a value set holds that is no definition of its own, such as a contained one. Not kept."""
        try:
            return self._composed(value_set, ())
        except CircularImportError as fault:
            return _cannot_tell(fault.reason)

    def _composed(self, resource: dict[str, Any], pending: tuple[str, ...]) -> Expansion:
        compose = resource.get("compose")
        if not compose or not compose.get("include"):
            return _listed(resource.get("expansion", {}))
        inner = (*pending, resource.get("url", ""))
        included = united(self._part(part, inner) for part in compose["include"])
        if compose.get("exclude"):
            included = without(included, united(self._part(p, inner) for p in compose["exclude"]))
        return self._active(included) if compose.get("inactive") is False else included

    def _active(self, expansion: Expansion) -> Expansion:
        """What is held without the inactive codes, which `compose.inactive` = false leaves out."""
        retired: dict[str, frozenset[str]] = {}
        for system, codes in expansion.codes.items():
            index = self.code_system(system)
            if index is not None:
                retired[system] = frozenset(
                    code for code in codes & index.codes if index.is_inactive(code)
                )
        return without(expansion, Expansion(retired))

    def _part(self, part: dict[str, Any], pending: tuple[str, ...]) -> Expansion:
        parts: list[Expansion] = []
        if "system" in part:
            parts.append(self._system_part(part))
        parts.extend(self._imported(canonical, pending) for canonical in part.get("valueSet", ()))
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
            return _not_loaded(system, system)
        try:
            codes = filtered_codes(index, part["filter"])
        except UnsupportedFilterError as error:
            return _cannot_tell(because(error.reason_id, filter=error.shown, system=system), system)
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
        return _not_loaded(canonical, system)

    def _folds(self, canonical: str) -> frozenset[str]:
        index = self.code_system(canonical)
        return frozenset() if index is None or index.is_case_sensitive else frozenset({index.url})


def remote_terminology(base: str | None, timeout_s: float) -> "RemoteTerminology | None":
    """The remote server of a setting, or None. Cost: its HTTP client is loaded only where one is set."""
    if base is None:
        return None
    from fhir_server.terminology.remote import RemoteTerminology

    return RemoteTerminology(base, timeout_s=timeout_s)


def _part_only(system: str) -> Reason:
    return because("because-system-in-part", system=system)


def _not_loaded(canonical: str, system: str) -> Expansion:
    return _cannot_tell(because("because-system-not-loaded", system=canonical), system)


def _cannot_tell(reason: Reason, system: str = "") -> Expansion:
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
        return _cannot_tell(because("because-value-set-empty"))
    return Expansion({system: frozenset(held) for system, held in codes.items()})

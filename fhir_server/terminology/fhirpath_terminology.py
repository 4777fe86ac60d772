"""What FHIRPath asks of terminology: `memberOf()`, `subsumes()`, `subsumedBy()`.

Source: FHIR R4 §2.9.4 https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

from fhir_server.fhirpath import TypedValue
from fhir_server.terminology.terminology import Terminology


class FHIRPathTerminology:
    """A terminology as the engine asks it; see `fhir_server.fhirpath.scope.Terminology`."""

    def __init__(self, terminology: Terminology) -> None:
        self._terminology = terminology

    def member_of(self, value: TypedValue, value_set: str) -> bool | None:
        """Whether a code, Coding or CodeableConcept is in a value set; None where nobody can tell."""
        if isinstance(value.value, str):
            return self._terminology.check(value_set, value.value).answer
        return _any(
            self._terminology.check(value_set, code, system).answer
            for system, code in _codings(value.value)
        )

    def subsumes(self, general: TypedValue, specific: TypedValue) -> bool | None:
        """Whether a coding of one concept is that of the other, or above it in its system."""
        pairs = product(_codings(general.value), _codings(specific.value))
        return _any(
            self._is_above(system, one, other)
            for (system, one), (of, other) in pairs
            if of == system
        )

    def _is_above(self, system: str, one: str, other: str) -> bool | None:
        index = self._terminology.code_system(system)
        if index is None:
            return None
        general, specific = index.spelling(one), index.spelling(other)
        if general is None or specific is None:
            return False if index.is_complete else None
        return general == specific or specific in index.descendants(general)


def _codings(value: Any) -> Iterator[tuple[str, str]]:
    listed = value.get("coding", [value]) if isinstance(value, dict) else []
    for coding in listed if isinstance(listed, list) else []:
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            yield str(coding.get("system", "")), coding["code"]


def _any(answers: Iterator[bool | None]) -> bool | None:
    """True where one answer is, None where none is and one cannot be told."""
    untold = False
    for answer in answers:
        if answer:
            return True
        untold = untold or answer is None
    return None if untold else False

"""FHIRPath for validation: expressions compiled once and shared.

Errors in an expression never stop a validation: what cannot be compiled or evaluated is told apart from
what is false.
"""

from typing import Any

from fhir_server.definitions import TypeModel
from fhir_server.fhirpath import FHIRPath, TypedValue
from fhir_server.terminology import Terminology
from fhir_server.validation.errata import mended


class NotEvaluated(Exception):  # noqa: N818 — an answer, not a fault of ours
    """An expression that could not be compiled or evaluated; the message says why."""


class _Answers:
    """The terminology as FHIRPath asks for it."""

    def __init__(self, terminology: Terminology) -> None:
        self._terminology = terminology

    def member_of(self, value: TypedValue, value_set: str) -> bool | None:
        """Whether a code, Coding or CodeableConcept is in a value set."""
        held = value.value
        if isinstance(held, str):
            return self._terminology.check(value_set, held).answer
        codings = held.get("coding", ()) if isinstance(held, dict) and "coding" in held else [held]
        answers = [
            self._terminology.check(value_set, coding["code"], coding.get("system", "")).answer
            for coding in codings
            if isinstance(coding, dict) and isinstance(coding.get("code"), str)
        ]
        return True if True in answers else None if None in answers else False

    def subsumes(self, general: TypedValue, specific: TypedValue) -> bool | None:
        """Whether one Coding subsumes another of the same system."""
        one, other = general.value, specific.value
        if not isinstance(one, dict) or not isinstance(other, dict):
            return None
        system = one.get("system")
        index = self._terminology.code_system(system) if isinstance(system, str) else None
        if index is None or other.get("system") != system:
            return None
        return one.get("code") == other.get("code") or other.get("code") in index.descendants(
            str(one.get("code"))
        )


class Expressions:
    """Compiled expressions by text and the type they start from."""

    def __init__(self, types: TypeModel, terminology: Terminology) -> None:
        self._engine = FHIRPath(types, lenient=True, terminology=_Answers(terminology))
        self._compiled: dict[tuple[str, str], Any] = {}

    def compiled(self, expression: str, context_type: str) -> Any:
        """The compiled expression. Errors: NotEvaluated."""
        key = (expression, context_type)
        found = self._compiled.get(key)
        if found is None:
            try:
                found = self._engine.compile(mended(expression), context_type=context_type)
            except Exception as error:  # expressions come from profiles
                found = NotEvaluated(str(error))
            self._compiled[key] = found
        if isinstance(found, NotEvaluated):
            raise found
        return found

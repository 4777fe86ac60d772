"""FHIRPath for validation: expressions compiled once and shared.

Errors in an expression never stop a validation: what cannot be compiled or evaluated is told apart from
what is false.
"""

from typing import Any

from fhir_server.definitions import TypeModel
from fhir_server.fhirpath import FHIRPath, FHIRPathError
from fhir_server.fhirpath.scope import ConformsTo
from fhir_server.model.issues import Clause, because
from fhir_server.terminology import FHIRPathTerminology, Terminology
from fhir_server.validation.errata import mended


class NotEvaluated(Exception):  # noqa: N818 — an answer, not a fault of ours
    """An expression that could not be compiled or evaluated, and why."""

    def __init__(self, why: Clause) -> None:
        super().__init__(str(why))
        self.why = why


def why_not(fault: Exception) -> Clause:
    """Why an expression has no answer, in words for its author."""
    return fault.issue if isinstance(fault, FHIRPathError) else because("because-expression-fault")


class Expressions:
    """Compiled expressions by text and the type they start from."""

    def __init__(
        self, types: TypeModel, terminology: Terminology, conforms_to: ConformsTo | None = None
    ) -> None:
        self._engine = FHIRPath(
            types,
            lenient=True,
            terminology=FHIRPathTerminology(terminology),
            conforms_to=conforms_to,
        )
        self._compiled: dict[tuple[str, str], Any] = {}

    def compiled(self, expression: str, context_type: str) -> Any:
        """The compiled expression. Errors: NotEvaluated."""
        key = (expression, context_type)
        found = self._compiled.get(key)
        if found is None:
            try:
                found = self._engine.compile(mended(expression), context_type=context_type)
            except Exception as error:  # expressions come from profiles
                found = NotEvaluated(why_not(error))
            self._compiled[key] = found
        if isinstance(found, NotEvaluated):
            raise found
        return found

"""Whether a value that FHIRPath holds conforms to a profile: `conformsTo`.

Source: FHIR R4 §2.9.5, https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from contextvars import ContextVar
from typing import TYPE_CHECKING

from fhir_server.fhirpath.scope import ConformsTo
from fhir_server.fhirpath.values import TypedValue

if TYPE_CHECKING:
    from fhir_server.validation.validator import Validator

_pending: ContextVar[frozenset[tuple[int, str]]] = ContextVar("judged now", default=frozenset())


def conforms_to(validator: "Validator") -> ConformsTo:
    """The function that `conformsTo` calls.

    Shape: a value that is being judged against a profile counts as conforming to it, which ends the circle
    of a profile whose invariant asks for itself.
    """

    def conforms(item: TypedValue, profile: str) -> bool | None:
        key = (id(item.value), profile)
        judged = _pending.get()
        if key in judged:
            return True
        token = _pending.set(judged | {key})
        try:
            return validator.conforms(item.value, item.type, profile)
        finally:
            _pending.reset(token)

    return conforms

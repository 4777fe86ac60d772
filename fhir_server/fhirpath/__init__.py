"""FHIRPath: expressions over FHIR resources, compiled once and run often.

Source: FHIRPath N1 http://hl7.org/fhirpath/N1/, FHIR R4 §2.9 https://hl7.org/fhir/R4/fhirpath.html
"""

from fhir_server.fhirpath.engine import CompiledExpression, FHIRPath
from fhir_server.fhirpath.errors import FHIRPathError
from fhir_server.fhirpath.scope import Terminology
from fhir_server.fhirpath.values import TypedValue

__all__ = ["CompiledExpression", "FHIRPath", "FHIRPathError", "Terminology", "TypedValue"]

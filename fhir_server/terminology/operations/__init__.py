"""The terminology operations: Parameters in, a resource out; `Refused` for what cannot be carried out.

Source: https://hl7.org/fhir/R4/terminology-service.html
"""

from fhir_server.terminology.operations.expand import expand
from fhir_server.terminology.operations.lookup import lookup
from fhir_server.terminology.operations.subsumes import subsumes
from fhir_server.terminology.operations.translate import translate
from fhir_server.terminology.operations.validate_code import validate_code

__all__ = ["expand", "lookup", "subsumes", "translate", "validate_code"]

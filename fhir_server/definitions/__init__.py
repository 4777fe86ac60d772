"""The FHIR R4 definitions and what is layered on them."""

from fhir_server.definitions.definitions import Definitions, core_definitions
from fhir_server.definitions.types import ElementInfo, TypeInfo, TypeModel

__all__ = ["Definitions", "ElementInfo", "TypeInfo", "TypeModel", "core_definitions"]

"""The FHIR R4 definitions and what is layered on them."""

from fhir_server.definitions.definitions import Definitions, Layer, core_definitions
from fhir_server.definitions.types import ElementInfo, TypeInfo, TypeModel

__all__ = ["Definitions", "ElementInfo", "Layer", "TypeInfo", "TypeModel", "core_definitions"]

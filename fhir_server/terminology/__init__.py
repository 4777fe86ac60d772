"""Terminology over what is loaded: which codes a value set holds, and what cannot be told offline."""

from fhir_server.terminology.expansion import Expansion
from fhir_server.terminology.fhirpath_terminology import FHIRPathTerminology
from fhir_server.terminology.terminology import CodeCheck, Terminology, remote_terminology

__all__ = ["CodeCheck", "Expansion", "FHIRPathTerminology", "Terminology", "remote_terminology"]

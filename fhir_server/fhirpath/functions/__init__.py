"""The functions of FHIRPath, one file per section of the specification; importing fills the table."""

from fhir_server.fhirpath.functions import (
    aggregates,
    boundaries,
    combining,
    conversion,
    existence,
    fhir,
    filtering,
    math,
    narrative,
    strings,
    subsetting,
    terminology,
    tree_navigation,
    types,
    utility,
)
from fhir_server.fhirpath.functions.registry import FUNCTIONS, Function

SECTIONS = (
    aggregates, boundaries, combining, conversion, existence, fhir, filtering, math, narrative,
    strings, subsetting, terminology, tree_navigation, types, utility,
)  # fmt: skip

__all__ = ["FUNCTIONS", "SECTIONS", "Function"]

"""The fast lane: the plain forms most expressions have, run on bare JSON.

Nearly all search parameters and invariants are paths, existence, comparison with a literal and
boolean logic over elements whose types are known when they are compiled. For these no item needs
to carry its type, and `Patient.name.given` is two look-ups.

The lane takes well-formed JSON for granted. Whatever is not so (a primitive with extensions and no
value, a string where an object should be, two items where one is wanted) raises, and the caller
runs the general closures, which know every case and every error. Both lanes come from the same
syntax tree; a test compares them over all published expressions and examples.
"""

from fhir_server.fhirpath.fast.lane import compile_fast
from fhir_server.fhirpath.fast.paths import FALL_BACK, FastPath
from fhir_server.fhirpath.fast.truths import FastTruth, as_path

__all__ = ["FALL_BACK", "FastPath", "FastTruth", "as_path", "compile_fast"]

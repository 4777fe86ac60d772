"""Bridges: the network's records in the form of other data models, and what is lost on the way.

Shape: a bridge is a file below `profiles/bridges/`; codes are translated by ConceptMaps of the package.
"""

from fhir_server.bridges.definition import Bridge, bridge_names, read_bridge
from fhir_server.bridges.pseudonyms import Pseudonyms
from fhir_server.bridges.records import Records
from fhir_server.bridges.run import Crossing, cross

__all__ = ["Bridge", "Crossing", "Pseudonyms", "Records", "bridge_names", "cross", "read_bridge"]

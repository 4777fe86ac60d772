"""Snapshots: what a profile says in full, worked out from its differential and its base."""

from fhir_server.validation.snapshot.generator import SnapshotError, SnapshotGenerator
from fhir_server.validation.snapshot.tree import ElementNode, build_tree, flatten

__all__ = ["ElementNode", "SnapshotError", "SnapshotGenerator", "build_tree", "flatten"]

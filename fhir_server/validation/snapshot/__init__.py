"""Snapshots: what a profile says in full, worked out from its differential and its base."""

from fhir_server.validation.snapshot.completed import completed
from fhir_server.validation.snapshot.faults import SnapshotError, author_faults, url_of
from fhir_server.validation.snapshot.generator import SnapshotGenerator
from fhir_server.validation.snapshot.tree import ElementNode, build_tree, flatten

__all__ = [
    "ElementNode",
    "SnapshotError",
    "SnapshotGenerator",
    "author_faults",
    "build_tree",
    "completed",
    "flatten",
    "url_of",
]

"""The tables. `docs/architecture.md` explains them; migrations make them.

Every primary key starts with `key`, the column by which a distributed PostgreSQL would shard. No table
refers to another by a foreign key: rows that belong together share the key and are written together. The
search tables have no primary key, only a narrow index on `key`: whoever writes their rows holds the row of
the resource.
"""

from fhir_server.store.schema import (
    index_rows,
    journal,
    notifications,
    reindexing,
    resources,
    totals,
    work,
)
from fhir_server.store.schema.tables import metadata

__all__ = [
    "index_rows",
    "journal",
    "metadata",
    "notifications",
    "reindexing",
    "resources",
    "totals",
    "work",
]

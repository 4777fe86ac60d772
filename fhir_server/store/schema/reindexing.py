"""Search parameters defined at run time, and the jobs that index by them."""

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from fhir_server.store.schema.tables import metadata

search_generation = Table(
    "search_generation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("generation", UUID, nullable=False),
)
"""One row, once a SearchParameter was stored: another value with each change of one."""

search_gap = Table(
    "search_gap",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("type", SmallInteger, nullable=False),
    Column("since", TIMESTAMP(timezone=True), nullable=False),
)
"""Search parameters that resources stored before `since` are not indexed by."""

reindex_job = Table(
    "reindex_job",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("types", ARRAY(SmallInteger), nullable=False),
    Column("parameter", Text),
    Column("state", Text, nullable=False),
    Column("requested", TIMESTAMP(timezone=True), nullable=False),
    Column("started", TIMESTAMP(timezone=True)),
    Column("ended", TIMESTAMP(timezone=True)),
    Column("bound", BigInteger, nullable=False, server_default=text("0")),
    Column("position", SmallInteger, nullable=False, server_default=text("0")),
    Column("sequence", BigInteger, nullable=False, server_default=text("0")),
    Column("total", BigInteger),
    Column("processed", BigInteger, nullable=False, server_default=text("0")),
    Column("changed", BigInteger, nullable=False, server_default=text("0")),
    Index("reindex_job_open", "requested", postgresql_where=text("ended IS NULL")),
)
"""Index rows made anew: resources of `types` up to the sequence `bound`. `position` (in `types`) and
`sequence` say how far it has come, in the transaction that wrote those rows.
"""

"""Work that is done once or later: what was loaded at a start, and requests that are answered later."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from fhir_server.store.schema.tables import metadata

setup_step = Table(
    "setup_step",
    metadata,
    Column("name", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("done", TIMESTAMP(timezone=True), nullable=False),
)
"""What was loaded at a start of the server: `fingerprint` is the SHA-256 of the Bundle."""

background_job = Table(
    "background_job",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked", JSONB, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("requested", TIMESTAMP(timezone=True), nullable=False),
    Column("started", TIMESTAMP(timezone=True)),
    Column("ended", TIMESTAMP(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("total", BigInteger),
    Column("outcome", JSONB),
    Index("background_job_open", "requested", postgresql_where=text("ended IS NULL")),
    Index("background_job_ended", "ended"),
)
"""Work asked for and done by a process of its own. `kind` says what reads `asked` and `content`; `total`
how many parts it makes, where that is known; `outcome` what came of it. The process that works at a job
holds an advisory lock, so that its death frees the job.
"""

background_part = Table(
    "background_part",
    metadata,
    Column("job", UUID, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""What a job has made so far, piece by piece: a job that goes on after a kill does not make it again."""

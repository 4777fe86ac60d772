"""Replays, revisions and counts of the journal.

The counts are kept by triggers, so that no way into the journal can forget them: each change adds a row with
a difference, which nobody waits for; `ingest.journal.upkeep` sums the rows up from time to time.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0005"
down_revision = "0004"

_COUNT_INSERTED = """
CREATE FUNCTION ingest_count_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ingest_tally (centre, state, hour, messages)
    SELECT coalesce(centre, ''), state, date_trunc('hour', received), count(*)
    FROM changed GROUP BY 1, 2, 3;
    RETURN NULL;
END $$
"""
_COUNT_DELETED = """
CREATE FUNCTION ingest_count_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ingest_tally (centre, state, hour, messages)
    SELECT coalesce(centre, ''), state, date_trunc('hour', received), -count(*)
    FROM changed GROUP BY 1, 2, 3;
    RETURN NULL;
END $$
"""
_COUNT_UPDATED = """
CREATE FUNCTION ingest_count_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ingest_tally (centre, state, hour, messages) VALUES
        (coalesce(OLD.centre, ''), OLD.state, date_trunc('hour', OLD.received), -1),
        (coalesce(NEW.centre, ''), NEW.state, date_trunc('hour', NEW.received), 1);
    RETURN NULL;
END $$
"""
_TRIGGER_INSERTED = """
CREATE TRIGGER ingest_message_inserted AFTER INSERT ON ingest_message
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ingest_count_inserted()
"""
_TRIGGER_DELETED = """
CREATE TRIGGER ingest_message_deleted AFTER DELETE ON ingest_message
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ingest_count_deleted()
"""
_TRIGGER_UPDATED = """
CREATE TRIGGER ingest_message_updated AFTER UPDATE OF state, centre ON ingest_message
    FOR EACH ROW WHEN (OLD.state <> NEW.state OR OLD.centre IS DISTINCT FROM NEW.centre)
    EXECUTE FUNCTION ingest_count_updated()
"""
_FIRST_COUNT = """
INSERT INTO ingest_tally (centre, state, hour, messages)
SELECT coalesce(centre, ''), state, date_trunc('hour', received), count(*)
FROM ingest_message GROUP BY 1, 2, 3
"""


def upgrade() -> None:
    """Add the columns, the table of counts and what keeps it."""
    op.add_column("ingest_message", sa.Column("revises", sa.BigInteger))
    op.add_column(
        "ingest_message",
        sa.Column("replays", sa.Integer, nullable=False, server_default=sa.text("0")),
    )
    op.create_index(
        "ingest_message_revises",
        "ingest_message",
        ["revises"],
        postgresql_where=sa.text("revises IS NOT NULL"),
    )
    op.create_index(
        "ingest_message_received", "ingest_message", ["received"], postgresql_using="brin"
    )
    op.create_table(
        "ingest_tally",
        sa.Column("centre", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("hour", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
    )
    op.execute(_FIRST_COUNT)
    for function, trigger in (
        (_COUNT_INSERTED, _TRIGGER_INSERTED),
        (_COUNT_DELETED, _TRIGGER_DELETED),
        (_COUNT_UPDATED, _TRIGGER_UPDATED),
    ):
        op.execute(function)
        op.execute(trigger)

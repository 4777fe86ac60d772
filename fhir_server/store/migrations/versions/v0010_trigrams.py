"""Trigrams of strings, for `:contains`; shorter lists of pending words.

Where the extension pg_trgm cannot be had, `:contains` reads all strings of its parameter instead.
"""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the index where the extension is there or can be made."""
    op.execute("""
        DO $$
        BEGIN
            CREATE EXTENSION IF NOT EXISTS pg_trgm;
            CREATE INDEX search_string_trigrams ON search_string USING gin (value gin_trgm_ops)
                WITH (gin_pending_list_limit = 512);
        EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported
                OR undefined_object THEN
            RAISE NOTICE 'no index of trigrams: pg_trgm cannot be had';
        END
        $$
    """)
    # A search reads the list of pending words from end to end.
    op.execute("ALTER INDEX search_text_words SET (gin_pending_list_limit = 256)")

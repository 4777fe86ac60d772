"""`search_string_trigrams` holds only strings that can be asked for in parts (`:contains`): of those that a
resource has, some in eight. Texts and codes of tokens, which are asked for from their beginning, were the
rest of the index. Strings stored earlier stay in it until their resource is written or reindexed.
"""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Build the index anew."""
    op.execute("ALTER TABLE search_string ADD COLUMN in_parts boolean NOT NULL DEFAULT true")
    op.execute("""
        DO $$
        BEGIN
            IF to_regclass('search_string_trigrams') IS NOT NULL THEN
                DROP INDEX search_string_trigrams;
                CREATE INDEX search_string_trigrams ON search_string
                    USING gin ((ARRAY[parameter]), value gin_trgm_ops)
                    WITH (gin_pending_list_limit = 512) WHERE in_parts;
            END IF;
        END
        $$
    """)

"""Indexes for pages in the order of keys.

Numbers and quantities that are ranges have an index by their upper limits, in place of that of wide ones: all
others are points, which the indexes of lower limits find. `search_string_trigrams` also holds the section of
keys, so that the strings of the first keys are found without all others.
"""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Build the indexes: some seconds for each million resources."""
    op.execute("SET LOCAL maintenance_work_mem = '512MB'")
    op.execute(
        "CREATE INDEX search_number_ranges ON search_number (parameter, high) WHERE low < high"
    )
    op.execute(
        "CREATE INDEX search_quantity_ranges ON search_quantity (parameter, unit, high) WHERE low < high"
    )
    op.execute("DROP INDEX search_number_wide")
    op.execute("DROP INDEX search_quantity_wide")
    op.execute("""
        DO $$
        BEGIN
            IF to_regclass('search_string_trigrams') IS NOT NULL THEN
                DROP INDEX search_string_trigrams;
                CREATE INDEX search_string_trigrams ON search_string
                    USING gin ((ARRAY[parameter, parameter # (key >> 60)]), value gin_trgm_ops)
                    WITH (gin_pending_list_limit = 512) WHERE in_parts;
            END IF;
        END
        $$
    """)

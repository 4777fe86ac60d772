"""Indexes by which a page is found without reading all matches first.

`resource_tokens` also holds the block of 1,024 places in the order of storing in which a resource stands:
the first matches of common tokens are found in the first blocks. `search_string_trigrams` also holds the
parameter. Ranges that are wide for their size have an index of their own, so that for all others the
lower limit says where the upper one lies.
"""

from alembic import op

revision = "0018"
down_revision = "0017"

WIDE = "low = '-Infinity'::numeric OR high - low > abs(low) * 0.25 + 1"


def upgrade() -> None:
    """Build the indexes anew: some ten seconds for each million resources."""
    op.execute("SET LOCAL maintenance_work_mem = '512MB'")
    op.execute("DROP INDEX resource_tokens")
    op.execute("""
        CREATE INDEX resource_tokens ON resource USING gin (tokens, (ARRAY[sequence >> 10]))
            WITH (gin_pending_list_limit = 64)
    """)
    op.execute("""
        DO $$
        BEGIN
            IF to_regclass('search_string_trigrams') IS NOT NULL THEN
                DROP INDEX search_string_trigrams;
                CREATE INDEX search_string_trigrams ON search_string
                    USING gin ((ARRAY[parameter]), value gin_trgm_ops)
                    WITH (gin_pending_list_limit = 512);
            END IF;
        END
        $$
    """)
    op.execute(f"CREATE INDEX search_number_wide ON search_number (parameter, high) WHERE {WIDE}")
    op.execute(
        f"CREATE INDEX search_quantity_wide ON search_quantity (parameter, unit, high) WHERE {WIDE}"
    )

"""The search tables are found by `key` alone: their rows stood three times, in the table and two wide
indexes. That each row stands once is the writers' work: they hold the row of its resource.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

TABLES = ("search_date", "search_number", "search_quantity", "search_string", "search_reference")


def upgrade() -> None:
    """Put an index on `key` in place of each primary key."""
    for table in TABLES:
        op.create_index(f"{table}_key", table, ["key"])
        op.drop_constraint(f"{table}_pkey", table)

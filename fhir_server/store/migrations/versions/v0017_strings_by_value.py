"""Strings are found by parameter and value; with the key behind them each value stood in the index once for
each resource. Without it PostgreSQL keeps one value with a list of its rows: 0.07 of the size of the JSON
stored in place of 0.31.
"""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Build the index anew without the key."""
    op.drop_index("search_string_value", "search_string")
    op.create_index("search_string_value", "search_string", ["parameter", "value"])

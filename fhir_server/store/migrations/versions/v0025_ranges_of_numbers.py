"""Indexes of the numbers and quantities that are ranges, by their upper limits, in place of those of wide
ones: all others are points, which the indexes of lower limits find.
"""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Build the indexes: a second for each million rows."""
    op.execute(
        "CREATE INDEX search_number_ranges ON search_number (parameter, high) WHERE low < high"
    )
    op.execute(
        "CREATE INDEX search_quantity_ranges ON search_quantity (parameter, unit, high) WHERE low < high"
    )
    op.execute("DROP INDEX search_number_wide")
    op.execute("DROP INDEX search_quantity_wide")

"""The store of resources: current versions, history, and the tables that search reads."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.execute("CREATE SEQUENCE resource_sequence CACHE 100")
    _make_resource()
    _make_resource_history()
    _make_search_table("search_date", _bigint("low"), _bigint("high"))
    op.create_index("search_date_low", "search_date", ["parameter", "low", "high", "key"])
    op.create_index("search_date_high", "search_date", ["parameter", "high", "low", "key"])
    _make_search_table("search_number", _numeric("low"), _numeric("high"))
    op.create_index("search_number_low", "search_number", ["parameter", "low", "high", "key"])
    _make_search_table("search_quantity", _bigint("unit"), _numeric("low"), _numeric("high"))
    op.create_index(
        "search_quantity_low", "search_quantity", ["parameter", "unit", "low", "high", "key"]
    )
    _make_search_table(
        "search_string", sa.Column("value", sa.Text(collation="C"), primary_key=True)
    )
    op.create_index("search_string_value", "search_string", ["parameter", "value", "key"])
    _make_search_table("search_reference", _bigint("target"))
    op.create_index("search_reference_target", "search_reference", ["target", "parameter", "key"])


def _make_resource() -> None:
    op.create_table(
        "resource",
        _bigint("key"),
        sa.Column("type", sa.SmallInteger, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated", TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "sequence",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("nextval('resource_sequence')"),
        ),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("tokens", ARRAY(sa.BigInteger), nullable=False),
    )
    op.create_index(
        "resource_type_sequence",
        "resource",
        ["type", "sequence"],
        postgresql_where=sa.text("NOT deleted"),
    )
    op.create_index("resource_type_updated", "resource", ["type", "updated", "key"])
    op.create_index("resource_tokens", "resource", ["tokens"], postgresql_using="gin")
    # Codes are skewed: the planner needs to know the common ones to choose between index and walk.
    op.execute("ALTER TABLE resource ALTER COLUMN tokens SET STATISTICS 1000")


def _make_resource_history() -> None:
    op.create_table(
        "resource_history",
        _bigint("key"),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("type", sa.SmallInteger, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("updated", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("superseded", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary),
    )
    op.create_index(
        "resource_history_type_updated",
        "resource_history",
        ["type", "updated", "key", "version"],
    )


def _make_search_table(name: str, *columns: sa.Column[object]) -> None:
    op.create_table(name, _bigint("key"), _bigint("parameter"), *columns)


def _bigint(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def _numeric(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Numeric, primary_key=True)

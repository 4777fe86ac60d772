"""Where the resources with common tokens stand, as bits, for exact totals."""

from sqlalchemy import BigInteger, Boolean, Column, SmallInteger, Table, text
from sqlalchemy.dialects.postgresql import BIT, TIMESTAMP

from fhir_server.store.blocks import BLOCK_BITS
from fhir_server.store.schema.tables import metadata

token_block = Table(
    "token_block",
    metadata,
    Column("token", BigInteger, primary_key=True, autoincrement=False),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("places", BIT(1 << BLOCK_BITS), nullable=False),
)
"""Where the resources with a kept token stand: a bit for each place of a block, no row where none is set."""

kept_token = Table(
    "kept_token",
    metadata,
    Column("token", BigInteger, primary_key=True, autoincrement=False),
    Column("type", SmallInteger),
    Column("built", Boolean, nullable=False, server_default=text("false")),
    Column("since", TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")),
)
"""The tokens that `token_block` holds, `built` once it does. A type stands under its number, which `type`
has too: no hash is that small.
"""

changed_block = Table("changed_block", metadata, Column("block", BigInteger, nullable=False))
"""The blocks of resources that were written since `token_block` was, once for each write."""

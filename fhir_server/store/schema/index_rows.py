"""The index rows of resources: what a search compares, joins and sorts by."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Numeric, Table, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR

from fhir_server.store.keys import KEY_SECTION
from fhir_server.store.schema.tables import metadata

search_date = Table(
    "search_date",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("parameter", BigInteger, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Index("search_date_key", "key"),
    Index("search_date_low", "parameter", "low", "high", "key"),
    Index("search_date_high", "parameter", "high", "low", "key"),
)
"""Microseconds since 1970 (UTC): the first and the last instant that a partial date covers."""

_RANGES = "low < high"
"""Rows of numbers that are no points: few, and the only ones whose lower limit is not the upper one too."""

search_number = Table(
    "search_number",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("parameter", BigInteger, nullable=False),
    Column("low", Numeric, nullable=False),
    Column("high", Numeric, nullable=False),
    Index("search_number_key", "key"),
    Index("search_number_low", "parameter", "low", "high", "key"),
    Index("search_number_ranges", "parameter", "high", postgresql_where=text(_RANGES)),
)
"""The range a number's implicit precision covers."""

search_quantity = Table(
    "search_quantity",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("parameter", BigInteger, nullable=False),
    Column("unit", BigInteger, nullable=False),
    Column("low", Numeric, nullable=False),
    Column("high", Numeric, nullable=False),
    Index("search_quantity_key", "key"),
    Index("search_quantity_low", "parameter", "unit", "low", "high", "key"),
    Index("search_quantity_ranges", "parameter", "unit", "high", postgresql_where=text(_RANGES)),
)
"""As `search_number`, per unit; `unit` is the hash of the unit's system and code."""

search_string = Table(
    "search_string",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("parameter", BigInteger, nullable=False),
    # By code point: one index serves prefixes and order. Folded strings have no accents left to place.
    Column("value", Text(collation="C"), nullable=False),
    Column("in_parts", Boolean, nullable=False, server_default=text("true")),
    Index("search_string_key", "key"),
    Index("search_string_value", "parameter", "value"),
    # Left out where the database has no pg_trgm.
    Index(
        "search_string_trigrams",
        text("(ARRAY[parameter, parameter # (" + KEY_SECTION + ")])"),
        "value",
        postgresql_using="gin",
        postgresql_ops={"value": "gin_trgm_ops"},
        postgresql_where=text("in_parts"),
    ),
)
"""Strings folded (case, accents, white space) for prefixes and sorting, cut to what an index holds;
`in_parts` those that are asked for in parts too. The index of their parts tells the section of a key.
"""

search_reference = Table(
    "search_reference",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("parameter", BigInteger, nullable=False),
    Column("target", BigInteger, nullable=False),
    Index("search_reference_key", "key"),
    Index("search_reference_target", "target", "parameter", "key"),
)
"""Edges from a resource to the resources it refers to: `target` is the key of the target."""

search_text = Table(
    "search_text",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("words", TSVECTOR, nullable=False),
    Index("search_text_words", "words", postgresql_using="gin"),
)
"""The words of a resource, folded; those of its narrative once more, marked."""

search_code = Table(
    "search_code",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("token", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Text(collation="C"), nullable=False),
)
"""The code behind the token `=code` of a parameter, once for the whole store, for sorting by it. No
identifiers: their texts stand in `search_string` and go with their resource.
"""

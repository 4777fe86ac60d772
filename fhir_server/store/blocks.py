"""Blocks of 1,024 places in the order of storing, as SQL speaks of them.

Literals: an index holds the expression of the block, and PostgreSQL uses it only for what is written alike.
"""

from typing import LiteralString

BLOCK_BITS = 10
"""The bits of a place that say where it stands in its block."""

BLOCK: LiteralString = "sequence >> 10"
"""The block of a resource; its alias goes before it."""
FIRST_PLACE: LiteralString = " << 10"
"""Behind a block: its first place."""
ONE_PLACE: LiteralString = "set_bit(0::bit(1024), (r.sequence & 1023)::int, 1)"
"""A block with the place of the resource `r` alone."""
NO_PLACES: LiteralString = "0::bit(1024)"

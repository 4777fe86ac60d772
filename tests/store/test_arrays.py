"""Arrays that we write are read by PostgreSQL as they were meant."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fhir_server.store.arrays import (
    array_of_arrays,
    array_text,
    bytes_array,
    column_array,
    instants_array,
    quoted_array,
)
from fhir_server.store.database import Database

TEXTS = [
    "",
    "a",
    "NULL",
    "null",
    "a,b",
    "{}",
    '"',
    "\\",
    '\\"',
    "é\n\t ",
    " x ",
    "'",
    "’",
    "\U0001f9b4",
]
NUMBERS = [Decimal("1.00"), Decimal("-1E+3"), Decimal("1E-30"), Decimal("Infinity")]
MOMENT = datetime(2026, 1, 1, 12, 0, 0, 123000, UTC)


@pytest.mark.parametrize(
    ("kind", "text", "meant"),
    [
        ("text", quoted_array(TEXTS), TEXTS),
        ("text", column_array("text", TEXTS), TEXTS),
        ("text", quoted_array([]), []),
        ("text", quoted_array([array_text([1, -2]), array_text([])]), ["{1,-2}", "{}"]),
        ("text", array_of_arrays([[1, -2], []]), ["{1,-2}", "{}"]),
        ("timestamptz", instants_array([MOMENT, MOMENT]), [MOMENT, MOMENT]),
        ("bytea", bytes_array([b"\x00\xff", None, b""]), [b"\x00\xff", None, b""]),
        ("bigint", array_text([-(2**63), 0, 2**63 - 1]), [-(2**63), 0, 2**63 - 1]),
        ("numeric", column_array("numeric", NUMBERS), NUMBERS),
        ("bool", array_text([True, False]), [True, False]),
        ("timestamptz", array_text([MOMENT.isoformat()]), [MOMENT]),
    ],
)
def test_array__means_its_values(
    database: Database, kind: str, text: str, meant: list[object]
) -> None:
    with database.connection() as connection:
        row = connection.execute(f"SELECT %s::{kind}[]", (text,)).fetchone()
    assert row == (meant,)

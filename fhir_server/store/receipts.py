"""Receipts: the answers of transactions that would write again if they came again.

A transaction whose creates are unconditional stores new resources each time it is sent. A sender that
had no answer sends it again, alike to the last value; its receipt gives the first answer.
"""

from datetime import timedelta

from fhir_server.store.resources import Connection


def lock_receipt(connection: Connection, digest: bytes) -> None:
    """Let equal transactions pass one by one, until the database transaction ends."""
    number = int.from_bytes(digest[:8], "big", signed=True)
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (number,))


def find_receipt(connection: Connection, digest: bytes, window: timedelta) -> bytes | None:
    """The answer given to an equal transaction within the window, or None."""
    row = connection.execute(
        "SELECT answer FROM transaction_receipt "
        "WHERE digest = %s AND created > clock_timestamp() - %s::interval",
        (digest, window),
    ).fetchone()
    return bytes(row[0]) if row else None


def store_receipt(connection: Connection, digest: bytes, answer: bytes) -> None:
    """Keep the answer of a transaction."""
    connection.execute(
        "INSERT INTO transaction_receipt (digest, created, answer) "
        "VALUES (%s, clock_timestamp(), %s) "
        "ON CONFLICT (digest) DO UPDATE SET created = excluded.created, answer = excluded.answer",
        (digest, answer),
    )


def forget_receipts(connection: Connection, window: timedelta) -> int:
    """Drop receipts older than the window; how many were dropped."""
    return connection.execute(
        "DELETE FROM transaction_receipt WHERE created <= clock_timestamp() - %s::interval",
        (window,),
    ).rowcount

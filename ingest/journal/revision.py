"""A corrected copy of a message: a new row of the journal; the original stays as it was received."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from fhir_server.model.issues import Refused, error, refuse
from ingest.journal.issue_json import issues_to_json
from ingest.journal.reception import Reception, Register
from ingest.journal.record import CHANNEL, Record

_FIND = """
SELECT state, (SELECT max(later.id) FROM ingest_message AS later WHERE later.revises = original.id),
    sender, centre, application, facility
FROM ingest_message AS original WHERE id = %s FOR UPDATE
"""
_SAME = "SELECT id FROM ingest_message WHERE sender = %s AND control_id = %s AND hash = %s"
_INSERT = """
INSERT INTO ingest_message (
    sender, hash, control_id, application, facility, type, centre, connection,
    received, raw, ack, order_keys, state, issues, revises
) VALUES (
    %(sender)s, %(hash)s, %(control_id)s, %(application)s, %(facility)s, %(type)s, %(centre)s,
    %(connection)s, %(received)s, %(raw)s, NULL, %(order_keys)s::bigint[], 'received', %(issues)s, %(revises)s
) RETURNING id
"""
_QUEUE = "INSERT INTO ingest_queue (sender, id, order_keys) VALUES (%s, %s, %s::bigint[])"
_REPLACE = "UPDATE ingest_message SET state = 'replayed', processed = now() WHERE id = %s"


def revise(
    connection: psycopg.Connection[Any],
    reception: Reception,
    original: int,
    raw: bytes,
    source: str,
) -> int:
    """Journal a corrected copy and have it worked off; the id of the revision.

    Shape: `source` says where the copy came from, in place of a connection.
    Errors: Refused 404 for an unknown message, 409 where it waits for a worker, has a newer revision, or
    the copy is in the journal already, 422 with the faults of a copy that cannot be read, or where it is
    of another sender.
    """
    with connection.transaction():
        sender = _check_original(connection, reception.register, original)
        record = reception.receive(raw, source)
        if record.state != "received":
            raise Refused(422, record.issues)
        if not sender.may_be(record):
            raise refuse(422, "ingest-revision-sender", "conflict", "MSH-3", id=original)
        sent_as = (record.sender, record.control_id, record.hash)
        same = connection.execute(_SAME, sent_as).fetchone()
        if same is not None:
            raise refuse(409, "ingest-revision-same", "duplicate", id=same[0])
        values = {
            name: getattr(record, name)
            for name in ("sender", "hash", "control_id", "application", "facility", "type",
                         "centre", "connection", "received", "raw")
        }  # fmt: skip
        values |= {"order_keys": list(record.order_keys), "revises": original}
        values["issues"] = Jsonb(issues_to_json(record.issues))
        row = connection.execute(_INSERT, values).fetchone()
        assert row is not None, "INSERT … RETURNING gives a row"  # noqa: S101 — PostgreSQL's promise
        revision: int = row[0]
        connection.execute(_QUEUE, (record.sender, revision, list(record.order_keys)))
        connection.execute(_REPLACE, (original,))
        connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
    return revision


@dataclass(frozen=True, slots=True)
class _Sender:
    """Who sent the original: the hash of MSH-3 and MSH-4, and the centre, if the register has it."""

    hash: int
    centre: str | None

    def may_be(self, record: Record) -> bool:
        """Whether a copy is of the same sender. What no centre sent may lack nothing but the right sender."""
        return self.hash == record.sender or self.centre in {None, record.centre}


def _check_original(
    connection: psycopg.Connection[Any], register: Register, original: int
) -> _Sender:
    row = connection.execute(_FIND, (original,)).fetchone()
    if row is None:
        raise Refused(404, [error("ingest-message-unknown", "not-found")])
    state, newer, sender, centre, application, facility = row
    if newer is not None:
        raise refuse(409, "ingest-revision-newer", "conflict", id=newer)
    if state == "received":
        raise refuse(409, "ingest-message-waits", "conflict", id=original)
    known = register.of_sender(application or None, facility or None)
    return _Sender(sender, centre or (known.id if known else None))

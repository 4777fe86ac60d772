"""Figures of the journal for Prometheus, per centre."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ingest.journal.listing import count_states


@dataclass(frozen=True, slots=True)
class Figure:
    """A value at this moment, as the metrics page of the server reads it."""

    name: str
    documentation: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


def figures(connection: psycopg.Connection[Any]) -> Iterable[Figure]:
    """How many messages stand in which state, and how long the oldest one has been waiting."""
    for centre, state, count in count_states(connection):
        labels = {"centre": centre or "unknown", "state": state}
        yield Figure("osteon_ingest_messages", "HL7 v2 messages by state.", count, labels)
    row = connection.execute(
        "SELECT count(*), coalesce(extract(epoch FROM now() - min(message.received)), 0)"
        " FROM ingest_queue AS queue JOIN ingest_message AS message USING (sender, id)"
    ).fetchone()
    waiting, oldest_s = row or (0, 0)
    yield Figure("osteon_ingest_waiting", "HL7 v2 messages that wait for a worker.", waiting)
    yield Figure(
        "osteon_ingest_oldest_waiting_seconds", "How long the oldest has waited.", float(oldest_s)
    )

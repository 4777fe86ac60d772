"""Deliveries as those who deliver see them: what is due, the events to send, what became of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fhir_server.store.keys import resource_key
from fhir_server.store.resource_types import RESOURCE_TYPES
from fhir_server.store.resources import Connection, read_version
from fhir_server.store.subscriptions import Method

_DUE = """
SELECT s.key FROM subscription s JOIN subscription_delivery d USING (key)
WHERE s.is_on AND NOT s.key = ANY(%s) AND (
    (d.due <= now() AND (NOT d.greeted OR d.delivered < s.events OR d.heartbeat <= now()))
    OR s.ends <= now()
)
ORDER BY d.due LIMIT %s
"""

_STATES = """
SELECT s.id, s.is_on, s.events, s.ends <= now(), d.generation, d.greeted, d.delivered, d.heartbeat,
    d.heartbeat <= now(), d.attempts, d.error, d.failing_since, d.due, s.key
FROM subscription s JOIN subscription_delivery d USING (key)
"""

_EVENTS = """
SELECT number, type, id, version, method, occurred FROM subscription_event
WHERE key = %s AND number >= %s AND number <= %s ORDER BY number LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """How far the delivery of one subscription has come."""

    id: str
    is_on: bool
    events: int
    is_over: bool | None
    generation: int
    greeted: bool
    delivered: int
    heartbeat: datetime | None
    heartbeat_due: bool | None
    attempts: int
    error: str | None
    failing_since: datetime | None
    due: datetime
    key: int

    @property
    def waiting(self) -> int:
        """How many events have not been delivered."""
        return self.events - self.delivered


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the outbox; `body` as the resource was then, None for a deletion or where it is gone."""

    number: int
    type: str
    id: str
    version: int
    method: Method
    occurred: datetime
    body: bytes | None = None


def due_deliveries(connection: Connection, besides: Collection[int], most: int) -> list[int]:
    """The keys of subscriptions for which something is to be done now."""
    rows = connection.execute(_DUE, (list(besides), most)).fetchall()
    return [row[0] for row in rows]


def delivery_states(
    connection: Connection, ids: Collection[str] | None = None
) -> list[DeliveryState]:
    """The state of these subscriptions, of all without ids."""
    if ids is None:
        rows = connection.execute(_STATES + "ORDER BY s.key").fetchall()
    else:
        keys = [resource_key("Subscription", one) for one in ids]
        rows = connection.execute(
            _STATES + "WHERE s.key = ANY(%s) ORDER BY s.key", (keys,)
        ).fetchall()
    return [DeliveryState(*row) for row in rows]


def delivery_state(connection: Connection, key: int) -> DeliveryState | None:
    """The state of one subscription."""
    row = connection.execute(_STATES + "WHERE s.key = %s", (key,)).fetchone()
    return DeliveryState(*row) if row else None


def read_events(
    connection: Connection,
    key: int,
    first: int,
    last: int,
    *,
    limit: int,
    with_bodies: bool,
    most_bytes: int,
) -> list[Event]:
    """Events in order, from `first` to `last`, cut where their bodies pass `most_bytes`; at least one."""
    found: list[Event] = []
    size = 0
    for row in connection.execute(_EVENTS, (key, first, last, limit)).fetchall():
        event = Event(row[0], RESOURCE_TYPES[row[1]], *row[2:])
        if with_bodies and event.method != "delete":
            stored = read_version(connection, event.type, event.id, event.version)
            event = replace(event, body=stored.body if stored else None)
            size += len(event.body or b"")
            if found and size > most_bytes:
                break
        found.append(event)
    return found


def note_success(
    connection: Connection,
    state: DeliveryState,
    *,
    delivered: int | None = None,
    heartbeat: timedelta | None,
) -> None:
    """What was sent was taken: greeted by now, and delivered up to a number."""
    connection.execute(
        "UPDATE subscription_delivery SET greeted = true, delivered = greatest(delivered, %s), "
        "heartbeat = now() + %s::interval, attempts = 0, failing_since = NULL, error = NULL, "
        "due = now() WHERE key = %s AND generation = %s",
        (delivered if delivered is not None else 0, heartbeat, state.key, state.generation),
    )


def note_failure(
    connection: Connection, state: DeliveryState, error: str, pause: timedelta
) -> None:
    """What was sent was not taken; it is due again after a pause."""
    connection.execute(
        "UPDATE subscription_delivery SET attempts = attempts + 1, error = %s, "
        "failing_since = coalesce(failing_since, now()), due = now() + %s "
        "WHERE key = %s AND generation = %s",
        (error, pause, state.key, state.generation),
    )


def hold_delivery(connection: Connection, key: int) -> bool:
    """Have a subscription's delivery to this connection alone, as long as it lives."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", _halves(key)).fetchone()
    return bool(row and row[0])


def release_delivery(connection: Connection, key: int) -> None:
    """Let others deliver."""
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", _halves(key))


def forget_events(connection: Connection, kept: timedelta) -> int:
    """Drop delivered events older than so long; how many were dropped."""
    return connection.execute(
        "DELETE FROM subscription_event e USING subscription_delivery d "
        "WHERE e.key = d.key AND e.number <= d.delivered AND e.occurred < now() - %s::interval",
        (kept,),
    ).rowcount


def _halves(key: int) -> Sequence[int]:
    # Advisory locks of two numbers never meet those of one, which writers of resources take.
    return (key >> 32, ((key & 0xFFFF_FFFF) ^ 0x8000_0000) - 0x8000_0000)

"""Subscriptions as writers see them: what they are about, and the outbox their events go to.

The number of an event is its place in the order of commits: whoever writes one holds the row of the
subscription until the transaction ends. See `docs/decisions/0015-outbox-of-subscriptions.md`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import Connection, StoredResource

Method = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """One search whose new matches are events: `Type?criteria`, for some kinds of change."""

    query: str
    methods: tuple[Method, ...]

    @property
    def type(self) -> str:
        """The resource type it is about."""
        return self.query.partition("?")[0]


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """A subscription that is on, by the key of its resource."""

    key: int
    triggers: tuple[Trigger, ...]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something to tell of: a version and what made it."""

    version: StoredResource
    method: Method


def subscriptions_about(
    connection: Connection, resource_types: Collection[str]
) -> list[StoredSubscription]:
    """The subscriptions that are on and may be about resources of these types. Cost: one statement."""
    numbers = sorted({TYPE_NUMBERS[name] for name in resource_types})
    rows = connection.execute(
        "SELECT key, triggers FROM subscription WHERE is_on AND types && %s::smallint[] ORDER BY key",
        (numbers,),
    ).fetchall()
    return [StoredSubscription(key, _triggers(triggers)) for key, triggers in rows]


def _triggers(stored: Iterable[Mapping[str, Any]]) -> tuple[Trigger, ...]:
    return tuple(Trigger(one["query"], tuple(one["methods"])) for one in stored)


def store_events(connection: Connection, events: Mapping[int, Sequence[NewEvent]]) -> None:
    """Write events to the outbox, numbered per subscription.

    Cost: three statements for any number of events.
    """
    keys = sorted(events)
    rows = connection.execute(
        "SELECT key, events FROM subscription WHERE key = ANY(%s) AND is_on ORDER BY key FOR UPDATE",
        (keys,),
    ).fetchall()
    columns: list[tuple[Any, ...]] = []
    for key, last in rows:
        for number, event in enumerate(events[key], last + 1):
            version = event.version
            columns.append((key, number, TYPE_NUMBERS[version.type], version.id, version.version,
                            event.method, version.updated))  # fmt: skip
    if not columns:
        return
    connection.execute(
        "INSERT INTO subscription_event (key, number, type, id, version, method, occurred) "
        "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::text[], %s::int[], "
        "%s::text[], %s::timestamptz[])",
        [list(column) for column in zip(*columns, strict=True)],
    )
    connection.execute(
        "UPDATE subscription s SET events = events + new.count "
        "FROM unnest(%s::bigint[], %s::bigint[]) AS new (key, count) WHERE s.key = new.key",
        ([key for key, _ in rows], [len(events[key]) for key, _ in rows]),
    )


def switch_on(
    connection: Connection,
    stored: StoredResource,
    triggers: Sequence[Trigger],
    ends: datetime | None,
    *,
    is_renewed: bool,
) -> None:
    """Note what a Subscription is about; a renewed one is greeted again before anything is delivered."""
    types = sorted({TYPE_NUMBERS[trigger.type] for trigger in triggers})
    described = [{"query": one.query, "methods": list(one.methods)} for one in triggers]
    connection.execute(
        "INSERT INTO subscription (key, id, is_on, types, triggers, ends) "
        "VALUES (%s, %s, true, %s, %s, %s) ON CONFLICT (key) DO UPDATE SET is_on = true, "
        "types = excluded.types, triggers = excluded.triggers, ends = excluded.ends",
        (stored.key, stored.id, types, Jsonb(described), ends),
    )
    if is_renewed:
        connection.execute(
            "INSERT INTO subscription_delivery (key, generation, greeted) VALUES (%s, %s, false) "
            "ON CONFLICT (key) DO UPDATE SET generation = excluded.generation, greeted = false, "
            "due = now(), heartbeat = NULL, attempts = 0, failing_since = NULL, error = NULL",
            (stored.key, stored.version),
        )


def switch_off(connection: Connection, key: int) -> None:
    """From now on nothing is an event of this subscription, and nothing is delivered."""
    connection.execute("UPDATE subscription SET is_on = false WHERE key = %s", (key,))

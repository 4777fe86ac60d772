"""Versions in the order of time, newest first: of one resource, of some types, or of all.

A page starts below a place (time, key, version). Versions never change and never move in this order, so
pages stay apart however much is written meanwhile; what is new stands before the first page.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fhir_server.store.keys import resource_key
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import (
    COLUMNS,
    Connection,
    Origin,
    StoredResource,
    stored_resource,
)


@dataclass(frozen=True, slots=True)
class HistoryPlace:
    """The place of a version in the order of time."""

    updated: datetime
    key: int
    version: int


NEWEST = HistoryPlace(datetime(9999, 12, 31, tzinfo=UTC), 2**63 - 1, 2**31 - 1)
"""Before the first page."""


@dataclass(frozen=True, slots=True)
class HistoryVersion:
    """A version, and the interaction that made it."""

    stored: StoredResource
    origin: Origin

    @property
    def place(self) -> HistoryPlace:
        """Its place in the order of time."""
        return HistoryPlace(self.stored.updated, self.stored.key, self.stored.version)


@dataclass(frozen=True, slots=True)
class HistoryRange:
    """Which versions: written at `since` or later; current at some time from `low` to `high`."""

    since: datetime | None = None
    low: datetime | None = None
    high: datetime | None = None


# Without `superseded` a version is current: as if superseded at the end of time.
_COLUMNS = f"{COLUMNS}, origin"
_BELOW = "(updated, key, version) < (%(updated)s, %(place_key)s, %(version)s)"
_WRITTEN = (
    "(%(since)s::timestamptz IS NULL OR updated >= %(since)s) "
    "AND (%(high)s::timestamptz IS NULL OR updated <= %(high)s)"
)
_SUPERSEDED = "(%(low)s::timestamptz IS NULL OR superseded > %(low)s)"
_ORDER = "ORDER BY updated DESC, key DESC, version DESC LIMIT %(limit)s"

_OF_KEY = (
    f"SELECT {_COLUMNS} FROM ("
    f"SELECT {_COLUMNS} FROM resource WHERE key = %(key)s AND {_WRITTEN} AND {_BELOW} "
    f"UNION ALL SELECT {_COLUMNS} FROM resource_history "
    f"WHERE key = %(key)s AND {_WRITTEN} AND {_SUPERSEDED} AND {_BELOW}) versions {_ORDER}"
)
# One index range of each table for each type: as many rows are read as the page has, per type.
_OF_TYPES = (
    f"SELECT {_COLUMNS} FROM unnest(%(types)s::smallint[]) AS wanted (number) CROSS JOIN LATERAL ("
    f"(SELECT {_COLUMNS} FROM resource WHERE type = wanted.number AND {_WRITTEN} AND {_BELOW} {_ORDER}) "
    f"UNION ALL (SELECT {_COLUMNS} FROM resource_history "
    f"WHERE type = wanted.number AND {_WRITTEN} AND {_SUPERSEDED} AND {_BELOW} {_ORDER})"
    f") versions {_ORDER}"
)


# Of each resource that a list names, the version that it names, or with null all of them.
_OF_LISTED = (
    f"SELECT {_COLUMNS} FROM unnest(%(keys)s::bigint[], %(versions)s::int[]) AS listed (of_key, number) "
    f"CROSS JOIN LATERAL (SELECT {_COLUMNS} FROM resource WHERE key = listed.of_key "
    f"AND version = coalesce(listed.number, version) AND {_WRITTEN} AND {_BELOW} "
    f"UNION ALL SELECT {_COLUMNS} FROM resource_history WHERE key = listed.of_key "
    f"AND version = coalesce(listed.number, version) AND {_WRITTEN} AND {_SUPERSEDED} AND {_BELOW}"
    f") versions {_ORDER}"
)


def read_instance_history(
    connection: Connection,
    resource_type: str,
    resource_id: str,
    *,
    within: HistoryRange = HistoryRange(),
    below: HistoryPlace = NEWEST,
    limit: int,
) -> list[HistoryVersion]:
    """Versions of one resource, newest first. Cost: one statement."""
    parameters = {
        "key": resource_key(resource_type, resource_id),
        **_parameters(within, below, limit),
    }
    found = [_version(row) for row in connection.execute(_OF_KEY, parameters).fetchall()]
    return [v for v in found if (v.stored.type, v.stored.id) == (resource_type, resource_id)]


def read_types_history(
    connection: Connection,
    types: Sequence[str],
    *,
    within: HistoryRange = HistoryRange(),
    below: HistoryPlace = NEWEST,
    limit: int,
) -> list[HistoryVersion]:
    """Versions of all resources of the types, newest first. Cost: one statement."""
    numbers = [TYPE_NUMBERS[name] for name in types]
    parameters = {"types": numbers, **_parameters(within, below, limit)}
    return [_version(row) for row in connection.execute(_OF_TYPES, parameters).fetchall()]


def read_listed_history(
    connection: Connection,
    listed: Mapping[int, Collection[int] | None],
    *,
    within: HistoryRange = HistoryRange(),
    below: HistoryPlace = NEWEST,
    limit: int,
) -> list[HistoryVersion]:
    """Versions of the resources with these keys, newest first: those numbered, or with None all.

    Cost: one statement, which looks at every version asked for.
    """
    pairs = [(key, one) for key, numbers in listed.items() for one in numbers or (None,)]
    parameters = {
        "keys": [key for key, _ in pairs],
        "versions": [number for _, number in pairs],
        **_parameters(within, below, limit),
    }
    return [_version(row) for row in connection.execute(_OF_LISTED, parameters).fetchall()]


def _version(row: Sequence[Any]) -> HistoryVersion:
    *columns, origin = row
    return HistoryVersion(stored_resource(columns), Origin(origin))


def _parameters(within: HistoryRange, below: HistoryPlace, limit: int) -> dict[str, Any]:
    return {
        "since": within.since, "low": within.low, "high": within.high, "limit": limit,
        "updated": below.updated, "place_key": below.key, "version": below.version,
    }  # fmt: skip

"""Contained resources found by themselves (`_containedType=contained`): the statements, and their content."""

from typing import Any

import psycopg

from fhir_server.model.json_source import encode_json, parse_stored
from fhir_server.search.conditions import CONTAINED_ROWS, Conditions
from fhir_server.search.plan import plan_predicate
from fhir_server.search.predicates import Predicate
from fhir_server.search.select import COLUMN_COUNT, COLUMNS, stored_resource
from fhir_server.search.sql import Fragment, sql
from fhir_server.store.contained import contained_in
from fhir_server.store.resources import StoredResource


def find_contained(
    connection: psycopg.Connection[Any], predicate: Predicate, after: int | None, limit: int
) -> list[tuple[int, StoredResource]]:
    """Contained resources that meet a condition, with their keys, in the order of these.

    Shape: each as if it were stored under its container's name, `#` and its own id, with the version and
    time of its container.
    """
    where = _where(predicate)
    if after is not None:
        where = where & sql("c.key > %s::bigint", after)
    statement = (
        sql("SELECT " + COLUMNS + ", c.key, c.id FROM " + CONTAINED_ROWS + " c "
            "JOIN resource r ON r.key = c.container WHERE ")
        + where + sql(" ORDER BY c.key LIMIT %s::int", limit)
    )  # fmt: skip
    rows = connection.execute(statement.text, statement.parameters).fetchall()
    return [(row[COLUMN_COUNT], _alone(stored_resource(row), row[-1])) for row in rows]


def select_contained_count(predicate: Predicate) -> Fragment:
    """How many contained resources meet a condition."""
    return sql("SELECT count(*) FROM " + CONTAINED_ROWS + " c WHERE ") + _where(predicate)


def _where(predicate: Predicate) -> Fragment:
    return Conditions().of_plan(plan_predicate(predicate), "c")


def _alone(container: StoredResource, contained_id: str) -> StoredResource:
    listed = contained_in(parse_stored(container.body or b"{}"))
    found = next(one for one in listed if one["id"] == contained_id)
    return StoredResource(
        container.key, container.type, f"{container.id}#{contained_id}", container.version,
        container.updated, container.deleted, encode_json(found),
    )  # fmt: skip

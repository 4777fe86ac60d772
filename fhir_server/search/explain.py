"""How a search is carried out: what was understood, the statement, the database's plan. As text.

The values of a search may say something about a patient: the text goes to who asked, never to a log.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import psycopg

from fhir_server.search.cursor import Cursor
from fhir_server.search.request import SearchRequest
from fhir_server.search.select import select_count, select_page
from fhir_server.search.sql import Fragment


def explain(
    connection: psycopg.Connection[Any], request: SearchRequest, *, analyze: bool = False
) -> str:
    """The request as predicates, its SQL with values, PostgreSQL's plan.

    Cost: `analyze` runs the statement.
    """
    if request.is_count_only:
        statement = select_count(request)
    else:
        statement = select_page(request, Cursor(0, ()), request.count + 1).statement
    head = Fragment("EXPLAIN (ANALYZE, BUFFERS) ") if analyze else Fragment("EXPLAIN ")
    rows = connection.execute((head + statement).text, statement.parameters).fetchall()
    plan = "\n".join(row[0] for row in rows)
    return "\n\n".join([
        "Search\n" + "\n".join(_described(request.predicate, 1)),
        "Order\n" + ("\n".join(f"  {sort!r}" for sort in request.sort) or "  sequence"),
        "SQL\n  " + statement.text + "\n  " + repr(statement.parameters),
        "Plan\n" + plan,
    ])  # fmt: skip


def _described(value: Any, depth: int) -> Iterator[str]:
    """One line for each predicate, indented below the one that holds it."""
    indent = "  " * depth
    if not is_dataclass(value):
        yield f"{indent}{value!r}"
        return
    inner: list[Any] = []
    plain: list[str] = []
    for field in fields(value):
        member = getattr(value, field.name)
        members = member if isinstance(member, tuple) else (member,)
        if any(is_dataclass(one) for one in members):
            inner.extend(members)
        else:
            plain.append(f"{field.name}={member!r}")
    yield f"{indent}{type(value).__name__} {' '.join(plain)}".rstrip()
    for one in inner:
        yield from _described(one, depth + 1)

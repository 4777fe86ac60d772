"""Which codes and strings are in use under a search parameter, without reading each resource."""

from collections.abc import Collection, Sequence

from fhir_server.store.arrays import array_text
from fhir_server.store.bodies import unpacked
from fhir_server.store.resources import Connection


def known_codes(connection: Connection, parameters: Collection[int]) -> list[tuple[int, int, str]]:
    """Parameter, token and code of all codes that were ever stored under the parameters, in order."""
    return connection.execute(
        "SELECT parameter, token, value FROM search_code WHERE parameter = ANY(%s::bigint[]) "
        "ORDER BY value, parameter",
        (array_text(parameters),),
    ).fetchall()


def strings_in_use(connection: Connection, parameters: Collection[int]) -> list[str]:
    """The strings that are stored under the parameters, each once, in order.

    Cost: a look into the index for each of them, however many resources have it.
    """
    rows = connection.execute(
        "WITH RECURSIVE v (parameter, value) AS ("
        "SELECT p, (SELECT min(s.value) FROM search_string s WHERE s.parameter = p) "
        "FROM unnest(%s::bigint[]) AS p UNION ALL "
        "SELECT v.parameter, (SELECT min(s.value) FROM search_string s "
        "WHERE s.parameter = v.parameter AND s.value > v.value) FROM v WHERE v.value IS NOT NULL) "
        "SELECT DISTINCT value FROM v WHERE value IS NOT NULL ORDER BY value",
        (array_text(parameters),),
    ).fetchall()
    return [value for (value,) in rows]


def body_with(connection: Connection, token: int, without: Sequence[int]) -> bytes | None:
    """The content of some resource that has a token and none of others; None where there is none."""
    row = connection.execute(
        "SELECT body FROM resource WHERE tokens @> ARRAY[%s::bigint] "
        "AND NOT tokens && %s::bigint[] AND NOT deleted LIMIT 1",
        (token, array_text(without)),
    ).fetchone()
    return None if row is None else unpacked(row[0])

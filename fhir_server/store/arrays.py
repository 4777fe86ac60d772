"""Arrays in the form in which PostgreSQL writes them: how columns of many rows travel as one value each.

psycopg's own arrays ask each element for its type and each text for its quotes; the writers know both.
Arrays of different lengths can travel as an array of such texts.

Source: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
"""

from collections.abc import Iterable
from datetime import datetime


def array_text(values: Iterable[object]) -> str:
    """An array of what needs no quotes: numbers, truths, instants."""
    return "{" + ",".join(map(str, values)) + "}"


def quoted_array(texts: Iterable[str]) -> str:
    """An array of texts."""
    return "{" + ",".join([_quoted(text) for text in texts]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def array_of_arrays(arrays: Iterable[Iterable[int]]) -> str:
    """An array of texts, each an array of numbers: how arrays of different lengths travel."""
    return "{" + ",".join(['"{' + ",".join(map(str, one)) + '}"' for one in arrays]) + "}"


def instants_array(moments: Iterable[datetime]) -> str:
    """An array of instants, most of which are the same."""
    written: dict[datetime, str] = {}
    texts = []
    for moment in moments:
        text = written.get(moment)
        if text is None:
            text = written[moment] = moment.isoformat()
        texts.append(text)
    return "{" + ",".join(texts) + "}"


def bytes_array(values: Iterable[bytes | None]) -> str:
    """An array of bytes, in hexadecimal."""
    return (
        "{" + ",".join(["NULL" if one is None else f'"\\\\x{one.hex()}"' for one in values]) + "}"
    )


def column_array(type_name: str, column: Iterable[object]) -> str:
    """A column of a table, by its type."""
    if type_name in {"text", "tsvector"}:
        return quoted_array(map(str, column))
    return array_text(column)

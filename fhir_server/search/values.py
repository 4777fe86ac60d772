"""Values of search parameters: alternatives, escapes, comparators.

Source: FHIR R4 §3.1.1.4.14 (escaping search parameters), §3.1.1.4.5 (prefixes)
"""

import re
from typing import cast, get_args

from fhir_server.model.issues import refuse
from fhir_server.search.predicates import Prefix

PREFIXES: tuple[Prefix, ...] = get_args(Prefix)
MAX_VALUES = 10_000
"""How many alternatives a parameter may have whose values are looked up by their hashes, all at once."""
MAX_RANGES = 500
"""How many alternatives any other parameter may have: each is a look-up of its own."""

_COMPARED = re.compile(r"([a-z]{2})(?=[-+.\d])", re.ASCII)
_ESCAPE = re.compile(r"\\([,|$\\])")


def split_escaped(value: str, separator: str) -> list[str]:
    """The parts between separators that no backslash stands before; escapes stay as they are."""
    if "\\" not in value:
        return value.split(separator)
    parts, start, at = [], 0, 0
    while at < len(value):
        if value[at] == "\\":
            at += 2
            continue
        if value[at] == separator:
            parts.append(value[start:at])
            start = at + 1
        at += 1
    parts.append(value[start:])
    return parts


def unescape(value: str) -> str:
    r"""The value without its escapes `\,` `\|` `\$` `\\`; another backslash stands for itself."""
    return _ESCAPE.sub(r"\1", value) if "\\" in value else value


def split_comparator(value: str) -> tuple[Prefix | None, str]:
    """The comparator of a value, `eq` where none stands, and the rest; None for an unknown one."""
    match = _COMPARED.match(value)
    if match is None:
        return "eq", value
    if match[1] not in PREFIXES:
        return None, value
    return cast(Prefix, match[1]), value[2:]


def alternatives(name: str, value: str, limit: int = MAX_VALUES) -> list[str]:
    """The alternatives of a parameter, escapes as they are. Errors: Refused(400)."""
    values = split_escaped(value, ",")
    if not all(values):
        raise refuse(400, "search-value-empty", "value", parameter=name)
    if len(values) > limit:
        raise refuse(400, "search-too-many-values", "too-costly", parameter=name, limit=limit)
    return values


def truth(name: str, value: str) -> bool:
    """`true` or `false`. Errors: Refused(400)."""
    if value not in {"true", "false"}:
        raise refuse(400, "search-value-boolean", "value", parameter=name, value=value[:200])
    return value == "true"

"""Values of search parameters: lists, escapes, comparators.

Source: FHIR R4 §3.1.1.4.14 (escaping search parameters), §3.1.1.4.5 (prefixes)
"""

import re
from typing import cast, get_args

from fhir_server.search.predicates import Prefix

PREFIXES: tuple[Prefix, ...] = get_args(Prefix)
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

"""Answers packed with gzip, for clients that take it, where the content is large enough to gain by it.

Reads by id that travel together (`reads.py`) go as they are: most are a few hundred bytes.

Source: RFC 9110 §12.5.3 (Accept-Encoding); https://hl7.org/fhir/R4/http.html (servers should support gzip)
"""

import gzip
import re
from dataclasses import replace

from fhir_server.http.reply import Reply

PACKED_FROM_BYTES = 4096
_LEVEL = 1
"""The quickest: a searchset shrinks to a ninth by it, and to an eleventh by the slowest."""
_UNWANTED = re.compile(r"q=0(\.0*)?")


def packed(reply: Reply, accepted: str | None) -> Reply:
    """The reply, packed where `Accept-Encoding` asks for gzip."""
    if len(reply.body) < PACKED_FROM_BYTES or not _takes_gzip(accepted or ""):
        return reply
    body = gzip.compress(reply.body, _LEVEL, mtime=0)
    return replace(reply, body=body, headers={**reply.headers, "Content-Encoding": "gzip"})


def _takes_gzip(accepted: str) -> bool:
    qualities: dict[str, str] = {}
    for part in accepted.lower().split(","):
        name, _, parameter = part.partition(";")
        qualities[name.strip()] = parameter.replace(" ", "")
    asked = qualities.get("gzip", qualities.get("*"))
    return asked is not None and _UNWANTED.fullmatch(asked) is None

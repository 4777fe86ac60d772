"""Large values on their way to PostgreSQL without a copy: psycopg copies what it knows to be bytes.

Source: https://www.psycopg.org/psycopg3/docs/advanced/adapt.html
"""

from dataclasses import dataclass

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format


@dataclass(frozen=True, slots=True)
class LargeBytes:
    """Bytes that are sent as they are, as a parameter of a statement."""

    content: bytes


class _LargeBytesDumper(Dumper):
    format = Format.BINARY
    oid = psycopg.adapters.types["bytea"].oid

    def dump(self, obj: LargeBytes) -> bytes:
        """See Dumper."""
        return obj.content


psycopg.adapters.register_dumper(LargeBytes, _LargeBytesDumper)

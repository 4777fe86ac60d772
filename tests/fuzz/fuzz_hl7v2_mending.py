"""Atheris target: quirks mend any bytes without a fault, keep what they do not name, and mend no more the
second time.
"""

import re
from contextlib import suppress

from ingest.hl7v2 import Hl7SyntaxError, Message
from ingest.hl7v2.mending import AS_SENT, Quirks
from tests.fuzz.fuzz_hl7v2 import read
from tests.fuzz.target import fuzz

DAY = re.compile(rb"(?P<DD>\d{2})/(?P<MM>\d{2})/(?P<YYYY>\d{4})(?: (?P<hh>\d{2}):(?P<mm>\d{2}))?")
QUIRKS = (
    AS_SENT,
    Quirks(charset="8859/15"),
    Quirks(lf_ends=True),
    Quirks(continued_lines=True),
    Quirks(header={("MSH", 9, 2): b"R01", ("MSH", 12, 0): b"2.5", ("MSH", 40, 3): b"x"}),
    Quirks(dates={("PID", 7, 0): DAY, ("OBR", 7, 1): DAY, ("MSH", 7, 0): DAY}),
    Quirks(reversed_authorities=frozenset({("PID", 3, 4), ("MSH", 3, 1)})),
    Quirks(unescaped=14),
    Quirks(repeated=frozenset({"PID", "PV1"})),
    Quirks(
        charset="UNICODE UTF-8", lf_ends=True, continued_lines=True, header={("MSH", 10, 0): b"1"},
        dates={("PID", 7, 0): DAY}, reversed_authorities=frozenset({("PID", 3, 4)}), unescaped=17,
        repeated=frozenset({"PID"}),
    ),
)  # fmt: skip


def one_input(data: bytes) -> None:
    """The first byte chooses the quirks."""
    number = data[0] % len(QUIRKS) if data else 0
    quirks, raw = QUIRKS[number], data[1:]
    mended = quirks.mend(raw)
    read(mended)
    # Where lines are joined or texts escaped, a second time would find other lines and other texts.
    if not (quirks.unescaped or quirks.lf_ends or quirks.continued_lines):
        assert quirks.mend(mended) == mended, number
    with suppress(Hl7SyntaxError):
        told = Message.parse(mended)
        assert told.raw == mended, number


if __name__ == "__main__":
    fuzz(one_input)

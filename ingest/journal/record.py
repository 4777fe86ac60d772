"""A message as it enters the journal, and what the journal made of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fhir_server.model.issues import Issue

State = Literal["received", "stored", "held", "rejected", "replayed", "ignored"]
STATES: tuple[State, ...] = ("received", "stored", "held", "rejected", "replayed", "ignored")
"""received: waits for a worker · stored: its resources are written · held: a person has to look ·
rejected: answered with AE or AR, or not answerable · replayed: a newer revision took its place ·
ignored: asks for nothing that is kept here."""

CHANNEL = "osteon_ingest"
"""PostgreSQL notifies workers on it once messages wait."""


@dataclass(frozen=True, slots=True)
class Record:
    """A message about to be journalled.

    Shape: `sender` the hash of MSH-3 and MSH-4; `hash` the SHA-256 of `raw`; `ack` the bytes to answer
    with once the record is committed, None where nobody waits for an answer; `order_keys` the hashes of
    the patients concerned; `contradicted` whether the way in speaks against the message: it is then answered
    by itself, whatever was journalled of the same bytes before.
    """

    sender: int
    hash: bytes
    control_id: str
    application: str
    facility: str
    type: str
    centre: str | None
    connection: str
    received: datetime
    raw: bytes
    ack: bytes | None
    order_keys: Sequence[int]
    state: State
    issues: Sequence[Issue] = ()
    contradicted: bool = False


@dataclass(frozen=True, slots=True)
class Journalled:
    """A record that is committed: its id, the answer to give, and whether it had been there before."""

    id: int
    ack: bytes | None
    duplicate: bool

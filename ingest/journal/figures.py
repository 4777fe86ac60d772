"""The journal in figures, for `GET /metrics`: how many messages of each centre are in which state."""

from collections.abc import Iterator

from fhir_server.model.figures import Figure
from fhir_server.store.database import Connection

_BY_CENTRE_AND_STATE = """
SELECT coalesce(centre, 'unknown'), state, count(*) FROM ingest_message GROUP BY 1, 2
"""


def journal_figures(connection: Connection) -> Iterator[Figure]:
    """The messages by centre and state. Cost: reads an index of the whole journal."""
    for centre, state, messages in connection.execute(_BY_CENTRE_AND_STATE):
        yield Figure(
            "osteon_journal_messages",
            "HL7 v2 messages in the journal, by centre and state.",
            messages,
            {"centre": centre, "state": state},
        )

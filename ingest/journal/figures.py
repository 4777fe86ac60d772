"""The journal in figures, for `GET /metrics`, by centre."""

from collections.abc import Iterator
from datetime import UTC, datetime

from fhir_server.model.figures import Figure
from fhir_server.settings import load_settings
from fhir_server.store.database import Connection
from ingest.journal.statistics import UNKNOWN, CentreStatistics, centre_statistics


def journal_figures(connection: Connection) -> Iterator[Figure]:
    """The messages by centre and state, what waits or is held, and who fell silent.

    Cost: see `centre_statistics`; the journal itself is not read.
    """
    now = datetime.now(UTC)
    alert_s = load_settings().silence_alert_s
    for one in centre_statistics(connection, (), silence_alert_s=alert_s, now=now):
        labels = {"centre": one.centre or UNKNOWN}
        for state, messages in one.states.items():
            yield Figure(
                "osteon_journal_messages",
                "HL7 v2 messages in the journal, by centre and state.",
                messages,
                {**labels, "state": state},
            )
        yield from _ages(one, labels, now)


def _ages(one: CentreStatistics, labels: dict[str, str], now: datetime) -> Iterator[Figure]:
    yield Figure(
        "osteon_centre_silent",
        "1 where a centre that used to send has fallen silent.",
        float(one.silent),
        labels,
    )
    ages = (
        ("osteon_centre_last_message_seconds", "Seconds since the last message of a centre.", one.last),
        ("osteon_journal_oldest_held_seconds", "Age of the oldest message that is held.", one.oldest_held),
        ("osteon_journal_oldest_waiting_seconds", "Age of the oldest message that waits for a worker.",
         one.oldest_waiting),
    )  # fmt: skip
    for name, documentation, moment in ages:
        if moment is not None:
            yield Figure(name, documentation, (now - moment).total_seconds(), labels)

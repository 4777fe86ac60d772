from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import error
from fhir_server.store.database import Database
from ingest.journal.figures import journal_figures
from ingest.journal.replay import replay
from ingest.journal.selection import Selection
from ingest.journal.statistics import CentreStatistics, centre_statistics, is_silent
from ingest.journal.upkeep import expire_messages, sum_up_tally
from ingest.mapping import MappingResult
from tests.ingest.journal_rows import rows
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import journal, patient_bundle, work_off_all, worker_of

NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def tally(database: Database) -> Counter[tuple[str, str]]:
    with database.connection() as connection:
        found = connection.execute(
            "SELECT centre, state, sum(messages) FROM ingest_tally GROUP BY 1, 2"
        ).fetchall()
    return Counter({(row[0], row[1]): int(row[2]) for row in found if row[2]})


def counted(database: Database) -> Counter[tuple[str, str]]:
    return Counter((row["centre"] or "", row["state"]) for row in rows(database))


@pytest.fixture
def mixed(server: FhirServer, database: Database) -> None:
    def mapping(message: object) -> MappingResult:
        number = getattr(message, "control_id", "")
        if number == "3":
            return MappingResult("C02", None, held=(error("v2-code-unmapped", "code-invalid"),))
        return MappingResult("C01", patient_bundle(message))  # type: ignore[arg-type] # a Message

    journal(database, adt("1"), adt("2"), adt("3"), b"no message")
    work_off_all(database, worker_of(server, mapping))


@pytest.mark.usefixtures("mixed")
def test_tally__follows_every_change_of_the_journal(database: Database) -> None:
    assert tally(database) == counted(database)
    with database.connection() as connection:
        replay(connection, Selection(states=["held"]))
        assert tally(database) == counted(database)
        sum_up_tally(connection)
        assert tally(database) == counted(database)
        connection.execute("DELETE FROM ingest_queue")
        expire_messages(connection, 1, now=datetime.now(UTC) + 2 * DAY)
    assert tally(database) == counted(database)
    assert {row["state"] for row in rows(database)} == {"received"}


@pytest.mark.usefixtures("mixed")
def test_tally__summed_up_is_a_row_per_centre_state_and_hour(database: Database) -> None:
    with database.connection() as connection:
        connection.execute("UPDATE ingest_message SET received = received - interval '90 days'")
        connection.execute("UPDATE ingest_tally SET hour = hour - interval '90 days'")
        sum_up_tally(connection)
        rows_left = connection.execute("SELECT count(*), max(hour) FROM ingest_tally").fetchone()
    assert rows_left == (len(counted(database)), datetime(1970, 1, 1, tzinfo=UTC))


@pytest.mark.usefixtures("mixed")
def test_statistics__tell_each_centre_and_the_unknown_last(database: Database) -> None:
    with database.connection() as connection:
        found = centre_statistics(connection, ["C01", "C09"], silence_alert_s=3600)
    assert [one.centre for one in found] == ["C01", "C02", "C09", ""]
    first, second, never, unknown = found
    assert (first.states, second.states) == ({"stored": 2}, {"held": 1})
    assert second.oldest_held == rows(database)[2]["received"]
    assert first.last == rows(database)[1]["received"]
    assert (never.states, never.last, never.silent) == ({}, None, False)
    assert (unknown.states, unknown.last) == ({"rejected": 1}, rows(database)[3]["received"])


def centre(last: datetime | None, *hours: datetime) -> CentreStatistics:
    return CentreStatistics("C01", hours=dict.fromkeys(hours, 1), last=last)


@pytest.mark.parametrize(
    ("one", "silent"),
    [
        (centre(None), False),
        (centre(NOW - timedelta(hours=20)), False),
        (centre(NOW - timedelta(hours=30)), True),
        # A centre that is quiet for two days each week-end is not silent on Sunday night.
        (centre(NOW - 3 * DAY, NOW - 9 * DAY, NOW - 7 * DAY, NOW - 3 * DAY), False),
        (centre(NOW - 9 * DAY, NOW - 15 * DAY, NOW - 13 * DAY, NOW - 9 * DAY), True),
        (CentreStatistics("", last=NOW - 9 * DAY), False),
    ],
)
def test_is_silent__measures_by_the_centres_own_habit(one: CentreStatistics, silent: bool) -> None:
    assert is_silent(one, NOW, DAY) is silent


@pytest.mark.usefixtures("mixed")
def test_figures__tell_states_and_silence_by_centre(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTEON_SILENCE_ALERT_S", "60")
    with database.connection() as connection:
        connection.execute("UPDATE ingest_message SET received = received - interval '3 hours'")
        figures = {
            (one.name, *sorted(one.labels.values())): one.value
            for one in journal_figures(connection)
        }
    assert figures["osteon_journal_messages", "C01", "stored"] == 2
    assert figures["osteon_journal_messages", "rejected", "unknown"] == 1
    assert figures["osteon_centre_silent", "C01"] == 1
    assert figures["osteon_centre_silent", "unknown"] == 0
    assert figures["osteon_journal_oldest_held_seconds", "C02"] > 3600


@pytest.mark.usefixtures("mixed")
def test_expire__keeps_what_is_held_or_waits(database: Database) -> None:
    later = datetime.now(UTC) + 40 * DAY
    with database.connection() as connection:
        assert expire_messages(connection, 0, now=later) == 0
        assert expire_messages(connection, 41, now=later) == 0
        assert expire_messages(connection, 30, now=later) == 3
    assert [row["state"] for row in rows(database)] == ["held"]

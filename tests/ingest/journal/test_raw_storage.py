from fhir_server.store.database import Database
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import journal


def test_journal__does_not_compress_what_it_received(database: Database, centres: None) -> None:
    journal(database, adt("1") + b"ZZZ|" + b"compressible " * 4_000)
    with database.connection() as connection:
        (row,) = connection.execute(
            "SELECT pg_column_compression(raw), length(raw) FROM ingest_message"
        ).fetchall()
    assert row[0] is None
    assert row[1] > 50_000

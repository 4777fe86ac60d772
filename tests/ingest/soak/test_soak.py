from collections.abc import Iterator
from dataclasses import replace

import pytest

from fhir_server.interactions.server import FhirServer
from fhir_server.store.database import Database
from fhir_server.store.embedded_postgres import EmbeddedPostgres
from tests.conftest import _new_database
from tests.ingest.soak.run import Plan, soak


@pytest.fixture
def calm(
    opened: FhirServer, postgres: EmbeddedPostgres, template_database: str
) -> Iterator[FhirServer]:
    for url in _new_database(postgres, template_database):
        with Database(url, pool_size=4) as database:
            yield replace(opened, database=database)


def test_soak__store_equals_the_same_messages_loaded_calmly(
    server: FhirServer, calm: FhirServer
) -> None:
    outcome = soak(Plan(messages=60, kill_every_messages=40, workers=1), server, calm)
    assert outcome.differences == []
    assert outcome.sent == 60
    assert outcome.counts["worker killed"] + outcome.counts["server killed"] >= 2
    assert set(outcome.states) == {"stored"}

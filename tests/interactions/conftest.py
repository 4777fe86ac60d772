from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer, open_server
from fhir_server.settings import Settings
from fhir_server.store.database import Database

BASE = "http://testserver/fhir"


@pytest.fixture(scope="session")
def opened() -> FhirServer:
    """A server whose compiled parts serve all tests; each test puts its own database in."""
    return open_server(Settings(base_url=BASE), Database("postgresql:///never-opened"))


@pytest.fixture
def server(opened: FhirServer, database: Database) -> FhirServer:
    return replace(opened, database=database, search=opened.search.of_another_store())


@pytest.fixture
def client(server: FhirServer) -> Iterator[TestClient]:
    with TestClient(
        create_app(server), raise_server_exceptions=False, follow_redirects=False
    ) as client:
        yield client

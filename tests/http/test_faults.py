from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from fhir_server.http.faults import FaultBoundary
from fhir_server.store.database import DatabaseUnavailableError


def client_of(failure: Exception) -> TestClient:
    def fail(_: Request) -> Response:
        raise failure

    return TestClient(FaultBoundary(Starlette(routes=[Route("/", fail)]).router))


def test_fault_boundary__tells_a_request_id_and_nothing_else() -> None:
    response = client_of(RuntimeError("Dupont")).get("/")
    assert response.status_code == 500
    assert response.headers["x-request-id"] in response.text
    assert "Dupont" not in response.text


def test_fault_boundary__without_a_database_asks_to_come_again() -> None:
    response = client_of(DatabaseUnavailableError("gone")).get("/")
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")

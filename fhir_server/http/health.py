"""`GET /health/live`: this process answers. `GET /health/ready`: it can do its work.

Ready means: the database answers, its tables are at the newest revision, the definitions are there.
"""

from collections.abc import Callable

import psycopg
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fhir_server.definitions.pack import CORE_PACK_PATH
from fhir_server.http.parts import ServerParts
from fhir_server.operator_error import OperatorError
from fhir_server.store.database import Database
from fhir_server.store.migrations import newest_revision

OK = "ok"
_NO_STORE = {"Cache-Control": "no-store"}


def routes(parts: ServerParts) -> list[Route]:
    """The two routes."""

    def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": OK}, headers=_NO_STORE)

    def ready(_request: Request) -> JSONResponse:
        checks = {name: check(parts.database) for name, check in CHECKS.items()}
        is_ready = all(found == OK for found in checks.values())
        return JSONResponse(
            {"status": OK if is_ready else "not ready", "checks": checks},
            status_code=200 if is_ready else 503,
            headers=_NO_STORE,
        )

    return [
        Route("/health/live", live, methods=["GET"], name="health-live"),
        Route("/health/ready", ready, methods=["GET"], name="health-ready"),
    ]


def _check_database(database: Database) -> str:
    try:
        with database.connection() as connection:
            connection.execute("SELECT 1")
    except (OperatorError, psycopg.Error):
        return "the database does not answer"
    return OK


def _check_migrations(database: Database) -> str:
    try:
        with database.connection() as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (OperatorError, psycopg.Error):
        return "the revision of the tables is not known"
    found, newest = row[0] if row else None, newest_revision()
    return OK if found == newest else f"the tables are at revision {found}, not {newest}"


def _check_definitions(_database: Database) -> str:
    return OK if CORE_PACK_PATH.exists() else "the FHIR definitions are missing; run `make setup`"


CHECKS: dict[str, Callable[[Database], str]] = {
    "database": _check_database,
    "migrations": _check_migrations,
    "definitions": _check_definitions,
}

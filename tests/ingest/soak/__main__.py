"""`python -m tests.ingest.soak [SECONDS] [KILL_EVERY_SECONDS]`: the long soak, on a durable database."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import psycopg
import structlog

from fhir_server.interactions.server import open_server
from fhir_server.settings import Settings
from fhir_server.store import migrations
from fhir_server.store.database import Database
from fhir_server.store.embedded_postgres import EmbeddedPostgres
from ingest.worker.leniency import forgiving
from tests.ingest.soak.run import Outcome, Plan, soak


def main(arguments: list[str]) -> int:
    """Run it and tell the outcome; 1 where the stores differ or a disturbance is missing."""
    seconds, kill_every_s, *_ = [float(one) for one in arguments] + [600.0, 60.0][len(arguments) :]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    plan = Plan(seconds=seconds, kill_every_s=kill_every_s)
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder), owner="soak")
        postgres.start()
        try:
            outcome = _run(plan, postgres)
        finally:
            postgres.stop()
    _tell(outcome)
    return 1 if outcome.differences or outcome.missing else 0


def _run(plan: Plan, postgres: EmbeddedPostgres) -> Outcome:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        for name in ("soaked", "calm"):
            connection.execute(f"CREATE DATABASE {name}".encode())
    databases = [Database(postgres.url(name)) for name in ("soaked", "calm")]
    for database in databases:
        migrations.upgrade(database.url)
    opened = open_server(forgiving(Settings()), databases[0])
    soaked, calm = (replace(opened, database=database) for database in databases)
    try:
        return soak(plan, soaked, calm, _say)
    finally:
        for database in databases:
            database.close()


def _say(line: str) -> None:
    sys.stdout.write(f"  {line}\n")
    sys.stdout.flush()


def _tell(outcome: Outcome) -> None:
    rate = outcome.sent / outcome.seconds
    lines = [
        f"{outcome.sent} messages in {outcome.seconds:.0f} s ({rate:.0f}/s), {outcome.resources} resources",
        "  " + ", ".join(f"{name}: {count}" for name, count in sorted(outcome.counts.items())),
        "  " + ", ".join(f"{state}: {count}" for state, count in sorted(outcome.states.items())),
        *(f"  did not happen: {name}" for name in outcome.missing),
        *(f"  differs: {line}" for line in outcome.differences[:50]),
        f"{len(outcome.differences)} differences to the same messages loaded once, calmly, in order",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

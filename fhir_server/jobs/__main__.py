"""`python -m fhir_server.jobs`: carries out background jobs; any number may run, on any machine."""

import signal
import sys

from fhir_server.log_lines import configure_logging
from fhir_server.operator_error import OperatorError
from fhir_server.settings import load_settings


def main() -> None:
    """Work until asked to end. Faults of the set-up end as one clear line."""
    try:
        settings = load_settings()
        configure_logging(settings)
        if settings.database_url is None:
            raise OperatorError("no database: set OSTEON_DATABASE_URL")
        from fhir_server.jobs.worker import JobWorker

        worker = JobWorker(settings, settings.database_url)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        worker.run()
    except OperatorError as error:
        sys.stderr.write(f"osteon jobs: {error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

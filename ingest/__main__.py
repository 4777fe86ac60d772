"""`python -m ingest`: the MLLP server and its workers, set up by the `OSTEON_` variables."""

import sys

from fhir_server.log_lines import configure_logging
from fhir_server.operator_error import OperatorError
from fhir_server.settings import load_settings


def main() -> None:
    """Run until asked to end. Faults of the set-up end as one clear line."""
    try:
        settings = load_settings()
        configure_logging(settings)
        from fhir_server.collector import spare_what_stays
        from ingest.maps import current_maps
        from ingest.service import database_url, run_service

        register = current_maps(settings).register
        spare_what_stays()
        run_service(settings, database_url(settings), register)
    except OperatorError as error:
        sys.stderr.write(f"osteon ingest: {error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

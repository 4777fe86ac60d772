"""`python -m ingest`: the MLLP server and its workers, set up by the `OSTEON_` variables."""

from fhir_server.background_process import run_background_process
from fhir_server.settings import Settings


def _serve(settings: Settings, url: str) -> None:
    from fhir_server.collector import spare_what_stays
    from ingest.maps import current_maps
    from ingest.service import run_service

    register = current_maps(settings).register
    spare_what_stays()
    run_service(settings, url, register)


if __name__ == "__main__":
    run_background_process("ingest", _serve)

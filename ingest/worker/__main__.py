"""`python -m ingest.worker`: one worker; any number of them may run, on any number of machines."""

import signal
import sys
import threading
from types import FrameType

from fhir_server.log_lines import configure_logging
from fhir_server.operator_error import OperatorError
from fhir_server.settings import load_settings


def main() -> None:
    """Work until asked to end. Faults of the set-up end as one clear line."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    try:
        settings = load_settings()
        configure_logging(settings)
        from fhir_server.collector import spare_what_stays
        from fhir_server.interactions.server import open_server
        from fhir_server.store.database import Database
        from ingest.maps import current_maps
        from ingest.service import database_url
        from ingest.worker.caretaker import Caretaker
        from ingest.worker.leniency import forgiving
        from ingest.worker.message import MessageWorker
        from ingest.worker.run import run_worker
        from ingest.worker.stored import StoredResources

        url = database_url(settings)
        server = open_server(forgiving(settings), Database.from_settings(url, settings))
        maps = current_maps(settings)
        worker = MessageWorker(server, maps.register, maps.draft_message, StoredResources(server))
        spare_what_stays()
        run_worker(url, worker, stop, Caretaker(server, maps))
        server.close()
    except OperatorError as error:
        sys.stderr.write(f"osteon ingest: {error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

"""`python -m ingest.worker`: one worker; any number of them may run, on any number of machines."""

import signal
import threading

from fhir_server.background_process import run_background_process
from fhir_server.settings import Settings


def _work(settings: Settings, url: str) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    from fhir_server.collector import spare_what_stays
    from fhir_server.interactions.server import open_server
    from fhir_server.store.database import Database
    from ingest.maps import current_maps
    from ingest.worker.caretaker import Caretaker
    from ingest.worker.in_hand import InHand
    from ingest.worker.leniency import forgiving
    from ingest.worker.message import MessageWorker
    from ingest.worker.run import run_worker
    from ingest.worker.stored import StoredResources
    from ingest.worker.time_limit import TimeLimit

    server = open_server(forgiving(settings), Database.from_settings(url, settings))
    maps = current_maps(settings)
    limit = TimeLimit(settings.message_time_limit_s)
    in_hand = InHand(limit)
    limit.on_overdue(lambda: in_hand.note_overdue(url))
    stored = StoredResources(server)
    worker = MessageWorker(server, maps.register, maps.draft_message, stored, in_hand)
    spare_what_stays()
    run_worker(url, worker, stop, Caretaker(server, maps))
    server.close()


if __name__ == "__main__":
    run_background_process("ingest", _work)

"""`python -m fhir_server.jobs`: carries out background jobs; any number may run, on any machine."""

import signal

from fhir_server.background_process import run_background_process
from fhir_server.settings import Settings


def _work(settings: Settings, url: str) -> None:
    from fhir_server.jobs.worker import JobWorker

    worker = JobWorker(settings, url)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    worker.run()


if __name__ == "__main__":
    run_background_process("jobs", _work)

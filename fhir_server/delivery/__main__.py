"""`python -m fhir_server.delivery`: delivers notifications; any number may run, on any number of machines."""

import asyncio
import signal

from fhir_server.background_process import run_background_process
from fhir_server.settings import Settings


async def _deliver(settings: Settings, url: str) -> None:
    # Imported here: the server's parts are large, and nothing of them is needed before a delivery is due.
    from fhir_server.delivery.courier import Courier
    from fhir_server.interactions.server import FhirServer, open_server
    from fhir_server.store.database import Database

    def opened() -> FhirServer:
        return open_server(settings, Database.from_settings(url, settings))

    courier = Courier(settings, url, opened)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, courier.stop)
    await courier.run()


if __name__ == "__main__":
    run_background_process("deliveries", lambda settings, url: asyncio.run(_deliver(settings, url)))

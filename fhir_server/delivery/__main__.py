"""`python -m fhir_server.delivery`: delivers notifications; any number may run, on any number of machines."""

import asyncio
import signal
import sys

from fhir_server.log_lines import configure_logging
from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings, load_settings


def main() -> None:
    """Deliver until asked to end. Faults of the set-up end as one clear line."""
    try:
        settings = load_settings()
        configure_logging(settings)
        if settings.database_url is None:
            raise OperatorError("no database: set OSTEON_DATABASE_URL")
        asyncio.run(_deliver(settings, settings.database_url))
    except OperatorError as error:
        sys.stderr.write(f"osteon deliveries: {error}\n")
        sys.exit(error.exit_code)


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
    main()

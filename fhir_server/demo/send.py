"""Sends a network through the front doors: several patients at a time, each patient in order."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

import httpx2

from fhir_server.demo.bundles import centres_bundle
from fhir_server.demo.centres import Centre
from fhir_server.demo.deliveries import Transaction, deliveries
from fhir_server.demo.front_doors import Doors, FrontDoors, http_client, knock
from fhir_server.demo.journal import Journal
from fhir_server.demo.records import DemoPatient
from fhir_server.demo.report import Network, Tally

CONNECTIONS = 8
"""Patients on their way at the same time; each has an HTTP and an MLLP connection."""

Progress = Callable[[int], None]


def send_network(
    patients: Iterator[DemoPatient],
    centres: Mapping[str, Centre],
    doors: Doors,
    progress: Progress = lambda _: None,
) -> tuple[Network, Tally]:
    """Send the centres, then every patient; wait until the messages are mapped.

    Shape: `progress` is told of each patient.
    Errors: UnreachableServerError where a front door does not answer, at the beginning or for long;
    StandstillError where messages are not worked off.
    """
    return asyncio.run(_send(patients, centres, doors, progress))


async def _send(
    patients: Iterator[DemoPatient],
    centres: Mapping[str, Centre],
    doors: Doors,
    progress: Progress,
) -> tuple[Network, Tally]:
    network, tally = Network(), Tally()
    async with http_client(CONNECTIONS) as http:
        await knock(doors, http)
        await _send_centres(centres, doors, http, tally)

        async def carry() -> None:
            async with FrontDoors(doors, http) as door:
                for person in patients:
                    network.add(person)
                    for delivery in deliveries(person, centres):
                        tally.add(delivery.kind, await door.deliver(delivery))
                    progress(1)

        journal = await Journal.open(doors.base, http)
        await _together(carry() for _ in range(CONNECTIONS))
        if journal is not None:
            await journal.settle()
            async for kind, reason in journal.held():
                tally.hold(kind, reason)
    return network, tally


async def _send_centres(
    centres: Mapping[str, Centre], doors: Doors, http: httpx2.AsyncClient, tally: Tally
) -> None:
    delivery = Transaction("centres", centres_bundle(centres))
    async with FrontDoors(doors, http) as door:
        tally.add(delivery.kind, await door.deliver(delivery))


async def _together(carriers: Iterator[object]) -> None:
    """Run the carriers; the first fault ends them all and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for carrier in carriers:
                group.create_task(carrier)  # type: ignore[arg-type] # coroutines of `carry`
    except* Exception as faults:
        raise faults.exceptions[0] from None

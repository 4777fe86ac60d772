"""The bytes that all connections together may hold."""

import asyncio
import dataclasses

from fhir_server.store.database import Database
from ingest.transport.mllp import READ_SIZE
from ingest.transport.room import Room, Share
from tests.ingest.conftest import LIMITS, MllpThread
from tests.ingest.journal_rows import rows
from tests.ingest.mllp_client import MllpClient, adt

ROOM = 2_000_000
SENDERS = 16
MEGABYTE = 1_000_000


def large(control_id: str, size: int = MEGABYTE) -> bytes:
    return adt(control_id) + b"NTE|1||" + b"x" * size + b"\r"


def test_room__one_that_has_begun_goes_beyond_and_then_the_next() -> None:
    async def run() -> None:
        room = Room(100)
        first, second = Share(room), Share(room)
        first.hold(60)
        second.hold(60)
        await asyncio.wait_for(first.wait(), 1)
        waiting = asyncio.create_task(second.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        first.hold(0)
        await asyncio.wait_for(waiting, 1)

    asyncio.run(run())


def test_room__nobody_who_has_begun_nothing_goes_beyond() -> None:
    room = Room(100)
    idle, begun = Share(room), Share(room)
    begun.hold(100)
    assert not room.may_read(idle)
    assert room.may_read(begun)


def test_room__the_one_beyond_makes_way_by_leaving() -> None:
    room = Room(100)
    first, second = Share(room), Share(room)
    first.hold(100)
    second.hold(10)
    assert room.may_read(first)
    assert not room.may_read(second)
    first.hold(0)
    second.hold(100)
    assert room.may_read(second)


def test_room__many_large_messages_at_once_are_all_taken_within_it(
    database: Database,
) -> None:
    """Sixteen times a megabyte into room for two: each sender has sent half before any has sent all."""
    limits = dataclasses.replace(
        LIMITS, max_frame_bytes=2 * MEGABYTE, frame_timeout_s=30, ack_deadline_s=60
    )
    with MllpThread(database.url, limits, room_bytes=ROOM) as server:
        most = 0
        count = server.room.count

        def counted(share: Share, difference: int) -> None:
            nonlocal most
            count(share, difference)
            most = max(most, server.room.held)

        server.room.count = counted  # type: ignore[method-assign]  # watched, not changed
        asyncio.run(_send_all(server.server.port, SENDERS))
    assert len(rows(database)) == SENDERS
    assert ROOM < most <= ROOM + limits.max_frame_bytes + SENDERS * READ_SIZE
    assert server.room.held == 0


async def _send_all(port: int, senders: int) -> None:
    arrived = asyncio.Barrier(senders)

    async def send(number: int) -> None:
        frame = b"\x0b" + large(f"L{number}") + b"\x1c\r"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(frame[:65_536])
        await writer.drain()
        await arrived.wait()
        writer.write(frame[65_536:])
        assert b"MSA|AA|" in await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 60)
        writer.close()

    await asyncio.gather(*(send(number) for number in range(senders)))


def test_room__a_connection_that_breaks_off_gives_its_room_back(database: Database) -> None:
    limits = dataclasses.replace(LIMITS, max_frame_bytes=2 * MEGABYTE)
    with MllpThread(database.url, limits, room_bytes=1_000) as server:
        with MllpClient("127.0.0.1", server.server.port) as client:
            client.send_bytes(b"\x0b" + large("1", 10_000))
        with server.client() as client:
            assert client.send(adt("2")).get("MSA-1") == "AA"
    assert server.room.held == 0

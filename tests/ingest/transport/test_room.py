"""The bytes that all connections together may hold."""

import asyncio
import dataclasses
import queue

from fhir_server.store.database import Database
from ingest.transport.mllp import READ_SIZE
from ingest.transport.pace import Pace
from ingest.transport.room import Room, Share
from tests.ingest.conftest import LIMITS, PATIENCE_S, MllpThread
from tests.ingest.journal_rows import issue_ids, rows
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
        await asyncio.wait_for(first.wait(), PATIENCE_S)
        waiting = asyncio.create_task(second.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        first.hold(0)
        await asyncio.wait_for(waiting, PATIENCE_S)

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
    limits = dataclasses.replace(LIMITS, max_frame_bytes=2 * MEGABYTE)
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
        assert b"MSA|AA|" in await asyncio.wait_for(reader.readuntil(b"\x1c\r"), PATIENCE_S)
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


def test_pace__grows_with_what_has_come() -> None:
    pace = Pace(patience_s=10, slowest_bytes_per_s=1000)
    assert pace.left_s(spent_s=0, size_bytes=0) == 10
    assert pace.left_s(spent_s=10, size_bytes=5000) == 5
    assert pace.left_s(spent_s=10, size_bytes=0) == 0


def test_pace__sender_that_trickles_gives_its_room_to_others(database: Database) -> None:
    """Each piece comes within the time that a sender may pause; the frame as a whole does not."""
    limits = dataclasses.replace(LIMITS, pace=Pace(0.1, MEGABYTE))
    with (
        MllpThread(database.url, limits, room_bytes=1_000) as server,
        server.client() as trickling,
        server.client() as other,
    ):
        trickling.send_bytes(b"\x0b" + large("1", 1_000))
        other.send_bytes(b"\x0b" + adt("2") + b"\x1c\r")
        assert trickling.is_closed()
        assert other.answer().get("MSA-1") == "AA"
    assert server.room.held == 0
    assert sorted(issue_ids(row) for row in rows(database)) == [[], ["mllp-truncated"]]


@dataclasses.dataclass(frozen=True)
class WatchedPace(Pace):
    """Notes how long each frame has taken when the rest of it is waited for."""

    seen: "queue.Queue[float]" = dataclasses.field(default_factory=queue.Queue)

    def left_s(self, spent_s: float, size_bytes: int) -> float:
        self.seen.put(spent_s)
        return super().left_s(spent_s, size_bytes)


def test_pace__each_frame_has_its_own_time(database: Database) -> None:
    """A long conversation of short frames is not one slow frame."""
    pace = WatchedPace(PATIENCE_S, MEGABYTE)
    limits = dataclasses.replace(LIMITS, pace=pace)
    with MllpThread(database.url, limits) as server, server.client() as client:
        for number in range(3):
            frame = b"\x0b" + adt(str(number)) + b"\x1c\r"
            client.send_bytes(frame[:40])
            assert pace.seen.get(timeout=PATIENCE_S) == 0
            client.send_bytes(frame[40:50])
            assert pace.seen.get(timeout=PATIENCE_S) > 0
            client.send_bytes(frame[50:])
            assert client.answer().get("MSA-1") == "AA"

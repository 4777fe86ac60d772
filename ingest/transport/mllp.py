"""The MLLP server: frames in, records into the journal, then, and only then, the answer.

Source: HL7 MLLP Release 1; HL7 v2.5.1 §2.9. An answer that comes too late is taken for the answer to the
next message, so past the deadline the connection is closed instead; the sender then sends again and
gets the stored answer.
"""

import asyncio
import contextlib
import dataclasses
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

import structlog

from ingest.hl7v2 import Hl7Fault
from ingest.journal.reception import OPEN, Channel, Reception, turned_away
from ingest.journal.record import Journalled, Record
from ingest.journal.writer import JournalUnavailableError, JournalWriter
from ingest.transport.listener import Listener
from ingest.transport.mllp_frames import END, START, FaultKind, Frame, MllpDecoder
from ingest.transport.mllp_tls import MllpTls
from ingest.transport.pace import Pace
from ingest.transport.room import Room, Share

READ_SIZE = 262_144
_LARGE = 262_144
_LINGER_S = 2.0
_MOST_TOGETHER = 32
"""Frames of one connection that are read before others have their turn."""

_FAULTS: Mapping[FaultKind, Hl7Fault] = {
    "garbage": Hl7Fault("mllp-garbage", 100),
    "truncated": Hl7Fault("mllp-truncated", 100),
    "too-large": Hl7Fault("mllp-too-large", 104),
}
_UNAVAILABLE = Hl7Fault("ingest-journal-unavailable", 207)

_UnderWay = tuple[Frame, Record, "asyncio.Future[Journalled]"]

log = structlog.stdlib.get_logger("osteon.mllp")


@dataclasses.dataclass(frozen=True, slots=True)
class MllpLimits:
    """What a sender may do.

    Shape: `idle_timeout_s` between frames, `frame_timeout_s` between two pieces of one frame, `pace` for
    all of it; `ack_deadline_per_mb_s` is added to the deadline for each megabyte.
    """

    max_frame_bytes: int
    ack_deadline_s: float
    ack_deadline_per_mb_s: float
    idle_timeout_s: float
    frame_timeout_s: float
    pace: Pace
    max_connections: int


def _open() -> Channel:
    """What a connection without TLS proves: nothing."""
    return OPEN


class MllpServer:
    """Serves connections; each is worked off in order, all of them at the same time."""

    def __init__(
        self,
        reception: Reception,
        journal: JournalWriter,
        limits: MllpLimits,
        room: Room,
        tls: MllpTls | None = None,
    ) -> None:
        self._room = room
        self._tls = tls
        self._reception = reception
        self._journal = journal
        self._limits = limits
        self._numbers = itertools.count(1)
        self._connections: set[_Connection] = set()
        self._listener: Listener | None = None
        self._ending = False

    async def start(self, host: str, port: int) -> None:
        """Listen. Errors: OSError where the address is taken."""
        context = self._tls.context if self._tls else None
        self._listener = await Listener.open(host, port, self._serve, context)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._listener is not None, "not started"  # noqa: S101 — a fault of the caller
        return self._listener.port

    async def stop(self, grace_s: float) -> None:
        """Take no more; let messages under way be answered, close all connections."""
        self._ending = True
        if self._listener is not None:
            self._listener.close()
            for connection in self._connections:
                connection.end()
            await self._listener.drain(grace_s)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port, *_ = writer.get_extra_info("peername") or ("?", 0)
        name = f"mllp {host}:{port} #{next(self._numbers)}"
        if self._ending:
            return
        if len(self._connections) >= self._limits.max_connections:
            log.warning("connection refused, too many are open", connection=name)
            return
        channel = self._tls.channel(writer) if self._tls else _open
        connection = _Connection(
            name,
            reader,
            writer,
            self._reception,
            self._journal,
            self._limits,
            Share(self._room),
            channel,
        )
        self._connections.add(connection)
        log.info("connection opened", connection=name)
        try:
            reason = await connection.run()
        except (ConnectionError, TimeoutError) as error:
            reason = type(error).__name__
        except asyncio.CancelledError:
            reason = "the server ends"
        finally:
            self._connections.discard(connection)
        log.info("connection closed", connection=name, reason=reason)


class _Connection:
    def __init__(  # noqa: PLR0917 — made in one place, in the order of the fields
        self,
        name: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        reception: Reception,
        journal: JournalWriter,
        limits: MllpLimits,
        share: Share,
        channel: Callable[[], Channel],
    ) -> None:
        self._share = share
        self._channel = channel
        self._name = name
        self._reader = reader
        self._writer = writer
        self._reception = reception
        self._journal = journal
        self._limits = limits
        self._decoder = MllpDecoder(limits.max_frame_bytes)
        self._spent_s = 0.0
        self._task = asyncio.current_task()
        self._busy = False
        self._ending = False

    def end(self) -> None:
        """Answer what is under way, then stop."""
        assert self._task is not None, "made inside a task"  # noqa: S101 — a fault of the caller
        self._ending = True
        if not self._busy:
            self._task.cancel()

    async def run(self) -> str:
        """Serve the connection until it ends. Shape: the reason why it did."""
        try:
            return await self._serve()
        finally:
            self._share.hold(0)

    async def _serve(self) -> str:
        while not self._ending:
            await self._share.wait()
            try:
                data = await self._read()
            except TimeoutError:
                await self._take_all(self._decoder.close())
                return "idle for too long"
            if not data:
                await self._take_all(self._decoder.close())
                return "closed by the sender"
            held = self._decoder.held + len(data)
            self._share.hold(held)
            if reason := await self._take_all(self._decoder.feed(data)):
                return reason
            self._share.hold(self._decoder.held)
            if self._decoder.held != held:
                self._spent_s = 0.0  # another frame has begun
        return "the server ends"

    async def _read(self) -> bytes:
        """What comes next. Errors: TimeoutError where the sender takes too long for it, or for its frame."""
        limits = self._limits
        if self._decoder.is_idle:
            async with asyncio.timeout(limits.idle_timeout_s):
                return await self._reader.read(READ_SIZE)
        time = asyncio.get_running_loop().time
        began = time()
        left_s = limits.pace.left_s(self._spent_s, self._decoder.held)
        async with asyncio.timeout(min(limits.frame_timeout_s, left_s)):
            data = await self._reader.read(READ_SIZE)
        self._spent_s += time() - began
        return data

    async def _take_all(self, frames: Iterator[Frame]) -> str | None:
        """Journal frames and answer them in order. Shape: why the connection has to be closed, if so."""
        self._busy = True
        try:
            while together := list(itertools.islice(frames, _MOST_TOGETHER)):
                if reason := await self._take(together):
                    return reason
        except TimeoutError:
            log.warning("not answered within the deadline", connection=self._name)
            # What its buffer holds would be read late too, and be taken for the answer to something else.
            self._writer.transport.abort()
            return "the deadline of an answer passed"
        finally:
            self._busy = False
        return None

    async def _take(self, frames: Sequence[Frame]) -> str | None:
        """Put frames on their way to the journal together; answer one after the other.

        Errors: TimeoutError where they are not all answered within the deadline.
        """
        under_way: deque[_UnderWay] = deque()
        try:
            async with asyncio.timeout(self._deadline_s(frames)):
                for frame in frames:
                    under_way.append(await self._journalled(frame))
                while under_way:
                    if reason := await self._settle(*under_way.popleft()):
                        return reason
        finally:
            for _, _, left in under_way:
                if not left.cancel():
                    left.exception()  # nobody else asks for it
        return None

    def _deadline_s(self, frames: Sequence[Frame]) -> float:
        megabytes = sum(len(frame.content) for frame in frames) / 1e6
        return self._limits.ack_deadline_s + megabytes * self._limits.ack_deadline_per_mb_s

    async def _journalled(self, frame: Frame) -> _UnderWay:
        """Put a frame on its way to the journal. A large one is read in a thread: others do not wait."""
        if len(frame.content) < _LARGE:
            record = self._record(frame)
        else:
            record = await asyncio.to_thread(self._record, frame)
        return frame, record, self._journal.append(record)

    def _record(self, frame: Frame) -> Record:
        if frame.fault is None:
            return self._reception.receive(frame.content, self._name, self._channel())
        log.warning("framing fault", connection=self._name, fault=frame.fault)
        record = self._reception.refuse(frame.content, self._name, [_FAULTS[frame.fault]])
        # Nobody waits for an answer to half a frame; one would be taken for the answer to the next message.
        unanswered = frame.fault in {"garbage", "truncated"}
        return dataclasses.replace(record, ack=None) if unanswered else record

    async def _settle(
        self, frame: Frame, record: Record, journalled: "asyncio.Future[Journalled]"
    ) -> str | None:
        """Answer a frame once it is durable."""
        try:
            answer = (await journalled).ack
        except JournalUnavailableError:
            log.warning("the journal cannot be written", connection=self._name)
            answer = turned_away(frame.content, [_UNAVAILABLE]) if record.ack else None
        if answer is not None:
            await self._answer(answer)
        if frame.fault == "too-large":
            await self._linger()
        unusable = frame.fault in {"truncated", "too-large"} or self._decoder.lost
        return f"framing fault: {frame.fault}" if unusable else None

    async def _answer(self, ack: bytes) -> None:
        self._writer.write(START + ack + END + b"\r")
        await self._writer.drain()

    async def _linger(self) -> None:
        """Read on for a moment: closing with unread bytes would reset the connection under the answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while await self._reader.read(READ_SIZE):
                    pass

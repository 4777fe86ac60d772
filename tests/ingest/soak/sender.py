"""A centre that sends as badly as real ones do, until each message is acknowledged."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Awaitable, Callable

from fhir_server.demo.messages import V2Message
from fhir_server.demo.mllp import END, frame, read_acknowledgement

ANSWER_TIMEOUT_S = 60.0
PAUSE_S = 0.05
HABITS = (
    ("send", 0.86),
    ("send twice", 0.04),
    ("drop without reading the answer", 0.04),
    ("cut a frame off", 0.02),
    ("answer late to the answer", 0.015),
    ("read slowly", 0.005),
    ("write in pieces", 0.02),
)
"""What a sender does with a message, and how often."""

UNREAD = 40
"""How often a slow reader has sent its message before it reads the first answer."""

SIP = 64
SIP_EVERY_S = 0.002
RECEIVE_BUFFER = 4096
"""A slow reader takes so many bytes at a time, so often, into a buffer as small as the system allows."""


class Sender:
    """One centre with one connection at a time, which it opens again whenever it breaks.

    Shape: `acknowledged` gets each message once it was answered with AA; `counts` tells what happened.
    """

    def __init__(self, port: Callable[[], int], seed: object, counts: Counter[str]) -> None:
        self._port = port
        self._random = random.Random(f"{seed}")  # noqa: S311 — a repeatable disorder
        self._counts = counts
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, message: V2Message) -> None:
        """Send until it is acknowledged. Errors: AssertionError for an answer that must not be."""
        names, weights = zip(*HABITS, strict=True)
        (habit,) = self._random.choices(names, weights)
        self._counts[habit] += 1
        first = True
        while True:
            try:
                if first and habit in _MISBEHAVIOURS:
                    first = False
                    await _MISBEHAVIOURS[habit](self, message)
                pause_s = 0.3 if habit == "answer late to the answer" else 0.0
                answer = await self._exchange(message, pause_s)
                if habit == "send twice":
                    again = await self._exchange(message)
                    assert again == answer, "a duplicate gets the stored answer"
            except (OSError, EOFError, TimeoutError):
                self._counts["connection lost"] += 1
                self._lose()
                await asyncio.sleep(PAUSE_S)
                continue
            acknowledgement = read_acknowledgement(answer)
            assert acknowledgement.control_id == message.control_id, "the answer to this message"
            if acknowledgement.accepted:
                return
            assert acknowledgement.may_be_repeated, f"{acknowledgement} for {message.kind}"
            self._counts["turned away"] += 1
            await asyncio.sleep(PAUSE_S)

    def close(self) -> None:
        """Give the connection up."""
        self._lose()

    async def _exchange(self, message: V2Message, pause_s: float = 0.0) -> bytes:
        reader, writer = await self._opened()
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            writer.write(frame(message.content))
            await writer.drain()
            await asyncio.sleep(pause_s)
            return await reader.readuntil(END)

    async def _drop(self, message: V2Message) -> None:
        _, writer = await self._opened()
        writer.write(frame(message.content))
        await writer.drain()
        await asyncio.sleep(self._random.random() * 0.02)
        self._lose()

    async def _cut_off(self, message: V2Message) -> None:
        _, writer = await self._opened()
        writer.write(frame(message.content)[: len(message.content) // 2])
        await writer.drain()
        self._lose()

    async def _write_in_pieces(self, message: V2Message) -> None:
        reader, writer = await self._opened()
        content = frame(message.content)
        for start in range(0, len(content), 700):
            writer.write(content[start : start + 700])
            await writer.drain()
            await asyncio.sleep(0.005)
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await reader.readuntil(END)

    async def _read_slowly(self, message: V2Message) -> None:
        """Send and send before reading anything; then read in sips. Each answer is the same one."""
        self._lose()
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        plain.setblocking(False)
        loop = asyncio.get_running_loop()
        answers = b""
        with plain:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await loop.sock_connect(plain, ("127.0.0.1", self._port()))
                await loop.sock_sendall(plain, frame(message.content) * UNREAD)
                while answers.count(END) < UNREAD:
                    sip = await loop.sock_recv(plain, SIP)
                    if not sip:
                        raise EOFError
                    answers += sip
                    await asyncio.sleep(SIP_EVERY_S)
        assert len(set(answers.split(END)[:-1])) == 1, "each duplicate gets the stored answer"

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._connection is None:
            self._connection = await asyncio.open_connection("127.0.0.1", self._port())
        return self._connection

    def _lose(self) -> None:
        if self._connection is not None:
            self._connection[1].close()
            self._connection = None


_MISBEHAVIOURS: dict[str, Callable[[Sender, V2Message], Awaitable[None]]] = {
    "drop without reading the answer": Sender._drop,
    "cut a frame off": Sender._cut_off,
    "read slowly": Sender._read_slowly,
    "write in pieces": Sender._write_in_pieces,
}

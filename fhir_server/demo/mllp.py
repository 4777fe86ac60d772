"""A client of the minimal lower layer protocol: one message in flight per connection.

Source: HL7 v2 MLLP release 1 (0x0B message 0x1C 0x0D); HL7 v2.5.1 §2.9 (acknowledgement codes).
"""

import asyncio
from dataclasses import dataclass
from typing import Self

START, END = b"\x0b", b"\x1c\r"
LONGEST_ACKNOWLEDGEMENT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """MSA-1 and MSA-2, and the text of the first ERR segment."""

    code: str
    control_id: str
    error: str

    @property
    def accepted(self) -> bool:
        """The receiver has taken responsibility."""
        return self.code in {"AA", "CA"}

    @property
    def may_be_repeated(self) -> bool:
        """A circumstance on the receiver's side: the same message may be sent again later."""
        return self.code in {"AR", "CR"}


def frame(content: bytes) -> bytes:
    """The message between its start and end bytes."""
    return START + content + END


class MllpConnection:
    """A connection on which messages are exchanged one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        """Connect. Errors: OSError."""
        return cls(*await asyncio.open_connection(host, port, limit=LONGEST_ACKNOWLEDGEMENT))

    async def exchange(self, content: bytes, timeout_s: float) -> Acknowledgement:
        """Send a message and wait for its acknowledgement.

        Errors: OSError where the connection is lost, closed or silent; it is of no use afterwards.
        """
        try:
            async with asyncio.timeout(timeout_s):
                self._writer.write(frame(content))
                await self._writer.drain()
                answer = await self._reader.readuntil(END)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ConnectionResetError("closed before an acknowledgement came") from error
        return read_acknowledgement(answer)

    async def close(self) -> None:
        """Close the connection, whatever state it is in."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return


def read_acknowledgement(framed: bytes) -> Acknowledgement:
    """MSA and ERR of an acknowledgement; an answer without MSA counts as a rejection."""
    text = framed.removeprefix(START).removesuffix(END).decode("utf-8", errors="replace")
    segments = {line[:3]: line.split("|") for line in reversed(text.split("\r"))}
    _, code, control_id, *_ = (*segments.get("MSA", ["MSA", "AR", ""]), "", "")
    error = segments.get("ERR", [])
    said = [field for field in error[2:] if field]
    return Acknowledgement(code, control_id, " ".join(said))

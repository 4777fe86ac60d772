"""MLLP framing: bytes as they arrive in, frames and framing faults out.

Source: HL7 MLLP Release 1: a block is `0x0B content 0x1C 0x0D`. Content holds neither 0x0B nor 0x1C, so a
block ends at 0x1C even where the CR is missing, and one that begins inside another one means that the
outer one was cut off. Some senders wrap twice; empty layers vanish.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal

START = b"\x0b"
END = b"\x1c"
PADDING = b"\x1c\r\n"
"""What may stand between frames: the CR of a block's end, line ends, the end of an outer layer."""

MOST_GARBAGE = 65_536
FaultKind = Literal["garbage", "truncated", "too-large"]


@dataclass(frozen=True, slots=True)
class Frame:
    """The content of a whole block; `fault` says what is wrong with bytes that are none."""

    content: bytes
    fault: FaultKind | None = None


class MllpDecoder:
    """Cuts a stream into frames.

    Shape: `feed` gives what became whole; after a frame that is too large nothing more can be told
    apart, `lost` is then true. `close` gives what is left at the end of the stream.
    Cost: every byte is looked at once; memory is bound by `max_frame_bytes`.
    """

    def __init__(self, max_frame_bytes: int) -> None:
        self._max = max_frame_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._inside = False
        self.lost = False

    @property
    def is_idle(self) -> bool:
        """Whether no block is under way."""
        return not self._inside and not self._pieces

    @property
    def held(self) -> int:
        """The bytes of what is not whole yet."""
        return self._size

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes in; give the frames that they complete."""
        while data and not self.lost:
            if self._inside:
                data = yield from self._feed_block(data)
            else:
                data = yield from self._feed_between(data)

    def close(self) -> Iterator[Frame]:
        """The end of the stream: a block under way was cut off."""
        yield from self._flush("truncated" if self._inside else "garbage")

    def _feed_block(self, data: bytes) -> Generator[Frame, None, bytes]:
        end, start = data.find(END), data.find(START)
        cut_off = start >= 0 and (end < 0 or start < end)
        stop = start if cut_off else end
        if stop < 0:
            self._keep(data)
        else:
            self._keep(data[:stop])
        if self._size > self._max:
            self.lost = True
            yield from self._flush("too-large")
            return b""
        if stop < 0:
            return b""
        yield from self._flush("truncated" if cut_off else None)
        self._inside = cut_off
        return data[stop + 1 :]

    def _feed_between(self, data: bytes) -> Generator[Frame, None, bytes]:
        start = data.find(START)
        before = data if start < 0 else data[:start]
        # Inside garbage every byte counts; before it the padding between frames does not.
        self._keep(before if self._pieces else before.lstrip(PADDING))
        if self._size > MOST_GARBAGE:
            self.lost = True
        if start >= 0 or self.lost:
            yield from self._flush("garbage")
        self._inside = start >= 0
        return b"" if start < 0 else data[start + 1 :]

    def _keep(self, data: bytes) -> None:
        if data:
            self._pieces.append(data)
            self._size += len(data)

    def _flush(self, fault: FaultKind | None) -> Iterator[Frame]:
        content = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._inside = False
        if content.strip(PADDING):
            yield Frame(content[: self._max], fault)

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.transport.mllp_frames import MOST_GARBAGE, Frame, MllpDecoder


def decode(*pieces: bytes, limit: int = 1000) -> list[tuple[bytes, str | None]]:
    decoder = MllpDecoder(limit)
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    return [(frame.content, frame.fault) for frame in [*frames, *decoder.close()]]


@pytest.mark.parametrize(
    ("stream", "frames"),
    [
        (b"", []),
        (b"\r\n\x1c\r", []),
        (b"\x0bA\x1c\r", [(b"A", None)]),
        (b"\x0bA\x1c\r\x0bB\x1c\r", [(b"A", None), (b"B", None)]),
        (b"\x0bA\x1c\x0bB\x1c", [(b"A", None), (b"B", None)]),
        (b"\r\n\x0bA\x1c\r\n\x0bB\x1c\r\n", [(b"A", None), (b"B", None)]),
        (b"\x0b\x0bA\x1c\r\x1c\r", [(b"A", None)]),
        (b"\x0b\x1c\r", []),
        (b"junk\x0bA\x1c\r", [(b"junk", "garbage"), (b"A", None)]),
        (b"\x0bA\x1c\rju\rnk\x0bB\x1c\r", [(b"A", None), (b"ju\rnk", "garbage"), (b"B", None)]),
        (b"\x0bA\x0bB\x1c\r", [(b"A", "truncated"), (b"B", None)]),
        (b"\x0bA", [(b"A", "truncated")]),
        (b"junk", [(b"junk", "garbage")]),
    ],
)
def test_decoder__finds_frames_and_faults(
    stream: bytes, frames: list[tuple[bytes, str | None]]
) -> None:
    assert decode(stream) == frames
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == frames


def test_decoder__frame_over_the_limit_ends_the_stream() -> None:
    decoder = MllpDecoder(10)
    frames = [*decoder.feed(b"\x0b12345"), *decoder.feed(b"678901234\x1c\r\x0bA\x1c\r")]
    assert frames == [Frame(b"1234567890", "too-large")]
    assert decoder.lost


def test_decoder__frame_of_the_limit_is_whole() -> None:
    assert decode(b"\x0b1234567890\x1c\r", limit=10) == [(b"1234567890", None)]


def test_decoder__endless_garbage_ends_the_stream() -> None:
    decoder = MllpDecoder(10 * MOST_GARBAGE)
    (frame,) = [f for _ in range(3) for f in decoder.feed(b"x" * (MOST_GARBAGE // 2))]
    assert frame.fault == "garbage"
    assert decoder.lost


_content = st.binary(min_size=1, max_size=50).filter(
    lambda b: b.strip(b"\x1c\r\n") and not {0x0B, 0x1C} & {*b}
)


@given(st.lists(_content), st.data())
def test_decoder__frames_come_out_whole_however_they_are_cut(
    contents: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(b"\x0b" + content + b"\x1c\r" for content in contents)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    places = [0, *cuts, len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert decode(*pieces) == [(content, None) for content in contents]

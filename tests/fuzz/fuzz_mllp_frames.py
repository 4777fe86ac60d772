"""Atheris target: a stream cut anywhere gives the same frames, and memory stays bound."""

from ingest.transport.mllp_frames import END, START, MllpDecoder
from tests.fuzz.target import fuzz

LARGEST = 512


def frames(pieces: list[bytes]) -> list[tuple[bytes, str | None]]:
    decoder = MllpDecoder(LARGEST)
    found = [frame for piece in pieces for frame in decoder.feed(piece)]
    found += decoder.close()
    return [(frame.content, frame.fault) for frame in found]


def one_input(data: bytes) -> None:
    """The first byte says how long the pieces are."""
    size, stream = (data[0] % 7 + 1 if data else 1), data[1:]
    whole = frames([stream])
    for content, fault in whole:
        assert len(content) <= LARGEST
        assert fault is not None or not {START[0], END[0]} & set(content)
    if all(fault != "too-large" for _, fault in whole) and len(stream) < LARGEST:
        assert frames([stream[at : at + size] for at in range(0, len(stream), size)]) == whole


if __name__ == "__main__":
    fuzz(one_input)

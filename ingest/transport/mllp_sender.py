"""A sender over MLLP: one message at a time, each with its answer."""

import socket
from types import TracebackType

from ingest.transport.mllp_frames import END, START, MllpDecoder

_LARGEST_ANSWER = 1024 * 1024


class NoAnswerError(Exception):
    """The other side cannot be reached, closed the connection, or did not answer in time."""


class MllpSender:
    """One connection. Errors: NoAnswerError, with the reason."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        try:
            self._socket = socket.create_connection((host, port), timeout=timeout_s)
        except OSError as error:
            raise NoAnswerError(f"cannot be reached: {error.strerror or error}") from None
        self._decoder = MllpDecoder(_LARGEST_ANSWER)

    def __enter__(self) -> "MllpSender":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send_only(self, message: bytes) -> None:
        """Send a message that asks for no answer."""
        try:
            self._socket.sendall(START + message + END + b"\r")
        except OSError as error:
            raise NoAnswerError(error.strerror or str(error)) from None

    def send(self, message: bytes) -> bytes:
        """Send a message and wait for its answer. Shape: the content of the answer's frame.

        An answer that comes later would be taken for that of the next message, so after a time-out the
        connection cannot be used any more.
        """
        self.send_only(message)
        try:
            while data := self._socket.recv(65_536):
                for frame in self._decoder.feed(data):
                    if frame.fault is None:
                        return frame.content
        except TimeoutError:
            raise NoAnswerError("no answer in time") from None
        except OSError as error:
            raise NoAnswerError(error.strerror or str(error)) from None
        raise NoAnswerError("the connection was closed without an answer")

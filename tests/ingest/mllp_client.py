"""A sender for tests: as blunt as senders are, able to break every rule."""

import socket
from types import TracebackType

from ingest.hl7v2 import Message

WITHIN_S = 120.0
"""Far more than any answer takes."""


class MllpClient:
    """One connection."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=WITHIN_S)
        self._rest = b""

    def __enter__(self) -> "MllpClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send_bytes(self, data: bytes) -> None:
        self.socket.sendall(data)

    def break_off(self, data: bytes) -> None:
        """Send these bytes as the last ones; answers can still be read."""
        self.send_bytes(data)
        self.socket.shutdown(socket.SHUT_WR)

    def send(self, message: bytes) -> Message:
        """Send a whole frame, wait for its answer."""
        self.send_bytes(b"\x0b" + message + b"\x1c\r")
        return self.answer()

    def answer(self) -> Message:
        return Message.parse(self.answer_bytes())

    def answer_bytes(self) -> bytes:
        while b"\x1c\r" not in self._rest:
            data = self.socket.recv(65_536)
            if not data:
                raise ConnectionError("closed without an answer")
            self._rest += data
        frame, _, self._rest = self._rest.partition(b"\x1c\r")
        assert frame.startswith(b"\x0b")
        return frame[1:]

    def is_closed(self) -> bool:
        """Wait until the server closes the connection; False where an answer comes instead."""
        try:
            return self._rest == b"" and self.socket.recv(65_536) == b""
        except ConnectionResetError:
            return True


def adt(
    control_id: str = "1",
    *,
    patient: str = "P1",
    name: str = "ESSAI",
    application: str = "LAB",
    event: str = "ADT^A01^ADT_A01",
    more: str = "",
) -> bytes:
    """An invented message."""
    return (
        f"MSH|^~\\&|{application}|CHU|OSTEON|NET|20260105||{event}|{control_id}|T|2.5{more}\r"
        f"PID|1||{patient}^^^CHU^PI||{name}^ANNE\r"
    ).encode("iso8859-15")

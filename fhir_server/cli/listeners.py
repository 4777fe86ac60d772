"""The ports that the server listens on, opened before anything else starts."""

import errno
import socket
import time

from fhir_server.operator_error import OperatorError

BACKLOG = 1024
PATIENCE_S = 1.5
"""How long a taken port is tried again: processes of a killed server need a moment to end."""


def open_listener(address: str, port: int, variable: str) -> socket.socket:
    """A listening socket. Errors: OperatorError, naming the variable and the port."""
    family, kind, protocol, _, place = _resolve(address, port)
    give_up = time.monotonic() + PATIENCE_S
    while True:
        listener = socket.socket(family, kind, protocol)
        # A port in TIME_WAIT, after a restart, is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE and time.monotonic() < give_up:
                time.sleep(0.1)
                continue
            raise OperatorError(f"{variable}: port {port} on {address} {_reason(error)}") from None
        return listener


def check_free(address: str, port: int, variable: str) -> None:
    """Errors: OperatorError where the port cannot be had."""
    open_listener(address, port, variable).close()


def _resolve(
    address: str, port: int
) -> tuple[
    socket.AddressFamily,
    socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]:
    try:
        return socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise OperatorError(f"OSTEON_BIND: {address}: {error.strerror}") from None


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is taken by another program; stop it or choose another port"
    if error.errno == errno.EACCES:
        return "may not be used by this user; choose one above 1023"
    return f"cannot be opened: {error.strerror}"

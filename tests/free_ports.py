"""Ports for servers that a test starts as processes of their own."""

import socket

_reserved: list[socket.socket] = []


def free_port() -> int:
    """A port on loopback that nobody else gets as long as this test process lives.

    It stays bound to a socket that does not listen: the system gives it to no other `bind` and to no
    outgoing connection, while a server that names it (with SO_REUSEADDR, as servers do) may listen on it,
    end, and listen again. Until then a connection is refused.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    _reserved.append(reserved)
    port: int = reserved.getsockname()[1]
    return port

"""A listening socket whose connections are all accounted for, from the moment they are accepted.

`asyncio.start_server` hands a connection over some turns of the event loop after it accepted it, and a
server that stops in between never closes it: the sender waits until its own time-out. Here each accepted
socket belongs to a task at once, and ending means that each task has ended and each socket is closed.
"""

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import Awaitable, Callable

import structlog

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What works a connection off; the listener closes the connection when it returns."""

_BACKLOG = 128
_FLUSH_S = 2.0
"""How long a connection that was served may take to read what was answered last: some never do."""

_PAUSE_S = 0.5
"""How long no connection is taken after the system had no room for one."""

log = structlog.stdlib.get_logger("osteon.listener")


class Listener:
    """Takes connections on one address. Shape: made by `open`, ended by `close` and then `drain`."""

    def __init__(
        self, sockets: list[socket.socket], serve: Serve, tls: ssl.SSLContext | None
    ) -> None:
        self._sockets = sockets
        self._serve = serve
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(
        cls, host: str, port: int, serve: Serve, tls: ssl.SSLContext | None = None
    ) -> "Listener":
        """Listen on all addresses of a host name. Errors: OSError where one is taken."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        sockets: list[socket.socket] = []
        try:
            for family, address in sorted({(family, address) for family, *_, address in found}):
                made = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
                sockets.append(made)
                made.setblocking(False)  # noqa: FBT003 — the signature is Python's
        except OSError:
            for made in sockets:
                made.close()
            raise
        listener = cls(sockets, serve, tls)
        for made in sockets:
            listener._resume(made)
        return listener

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Take no more connections; those taken go on."""
        for listening in self._sockets:
            self._loop.remove_reader(listening)
            listening.close()

    async def drain(self, grace_s: float) -> None:
        """Wait for the connections that are open; after the grace they are ended."""
        if not self._tasks:
            return
        tasks = set(self._tasks)
        _, late = await asyncio.wait(tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _resume(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:
            self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        try:
            accepted, _ = listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            log.warning("no connection can be taken for a moment", reason=type(error).__name__)
            self._loop.remove_reader(listening)
            self._loop.call_later(_PAUSE_S, self._resume, listening)
            return
        accepted.setblocking(False)  # noqa: FBT003 — the signature is Python's
        task = self._loop.create_task(self._own(accepted))
        self._tasks.add(task)
        task.add_done_callback(functools.partial(self._ended, accepted))

    def _ended(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        accepted.close()  # a task that was cancelled before its first step closed nothing
        self._tasks.discard(task)

    async def _own(self, accepted: socket.socket) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: protocol, accepted, ssl=self._tls
            )
        except (OSError, TimeoutError) as error:
            log.warning("connection not made", reason=type(error).__name__)
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        try:
            await self._serve(reader, writer)
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(_FLUSH_S):
                    await writer.wait_closed()
        finally:
            transport.abort()

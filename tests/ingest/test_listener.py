"""A listener closes what it accepted, however early it ends."""

import asyncio
import contextlib
import socket

import pytest

from ingest.transport.listener import Listener


async def _wait_forever(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("turns", range(6))
def test_listener__that_ends_just_after_accepting_leaves_no_connection_open(turns: int) -> None:
    async def run() -> bytes:
        listener = await Listener.open("127.0.0.1", 0, _wait_forever)
        with socket.create_connection(("127.0.0.1", listener.port), timeout=120) as client:
            for _ in range(turns):
                await asyncio.sleep(0)
            listener.close()
            await listener.drain(grace_s=0)
            return client.recv(1)

    with contextlib.suppress(
        ConnectionResetError
    ):  # still waiting to be accepted: the system's answer
        assert asyncio.run(run()) == b""


def test_listener__connection_is_closed_when_it_was_served() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"done")

    async def run() -> bytes:
        listener = await Listener.open("127.0.0.1", 0, greet)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        received = await asyncio.wait_for(reader.read(), 120)
        writer.close()
        listener.close()
        await listener.drain(grace_s=1)
        return received

    assert asyncio.run(run()) == b"done"


def test_listener__taken_port_is_an_error() -> None:
    async def run() -> None:
        listener = await Listener.open("127.0.0.1", 0, _wait_forever)
        try:
            await Listener.open("127.0.0.1", listener.port, _wait_forever)
        finally:
            listener.close()

    with pytest.raises(OSError, match="in use"):
        asyncio.run(run())

"""How many bytes all connections together hold, and who has to wait before it reads on.

What is not read stays with the sender: TCP tells it to pause. Where messages that have begun fill all the
room, one of them goes beyond it until it is whole and answered, then the next: nobody waits for ever, and no
more is held than the room, one message, and one piece for each connection that was reading.
"""

import asyncio


class Room:
    """Room for bytes; connections have a `Share` of it. Shape: belongs to one event loop."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self.held = 0
        self._beyond: Share | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def may_read(self, share: "Share") -> bool:
        """Whether a connection may read on now."""
        if self.held < self._most or self._beyond is share:
            return True
        # One that has begun nothing might hold the place of honour, and send nothing for an hour.
        if self._beyond is not None or not share.held:
            return False
        self._beyond = share
        return True

    async def change(self) -> None:
        """Wait until there may be room again."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def count(self, share: "Share", difference: int) -> None:
        """A share grew or shrank."""
        self.held += difference
        if difference >= 0:
            return
        if self._beyond is share and not share.held:
            self._beyond = None
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)


class Share:
    """What one connection holds: bytes that were read and are not yet answered.

    Cost: two comparisons for each piece that is read, while there is room.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self.held = 0

    async def wait(self) -> None:
        """Wait until this connection may read on."""
        while not self._room.may_read(self):
            await self._room.change()

    def hold(self, size: int) -> None:
        """So many bytes are held from now on."""
        difference, self.held = size - self.held, size
        if difference:
            self._room.count(self, difference)

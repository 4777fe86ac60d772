"""Plain creates, carried out on the event loop; those that arrive while some are written travel together.

What is small is checked and indexed quicker than it is handed to a thread and back. The statement is sent
by a connection of its own (`store/create_line.py`), and the event loop goes on meanwhile. All that wait
when it is answered are one transaction: they share a way to the database and a sync of its log.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.http.call import Call
from fhir_server.http.packing import packed
from fhir_server.http.parameters import check_parameters
from fhir_server.http.reply import Reply, resource_reply
from fhir_server.interactions.plain_create import answer_of, plan_plain_create, write_of
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import refuse
from fhir_server.store.create_line import CreateLine, Written
from fhir_server.store.database import DatabaseUnavailableError
from fhir_server.store.single_create import SingleCreate

LARGEST_BYTES = 8192
"""What is larger would keep the event loop from others for milliseconds."""
MOST_TOGETHER = 64
MOST_WAITING = 256
MOST_KINDS = 1000
PAUSE_S = 1.0
"""How long creates go the way of all writes once one was not written, as where a Subscription is on."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A create that is to be written, and who waits to hear whether it was."""

    create: SingleCreate
    is_written: asyncio.Future[bool]


class GroupedCreates:
    """The plain creates of one process. Belongs to one event loop."""

    def __init__(self, server: FhirServer) -> None:
        self._server = server
        self._line: CreateLine | None = None
        self._opening: asyncio.Task[CreateLine | None] | None = None
        self._before_line = 0
        self._waiting: list[_Waiting] = []
        self._is_writing = False
        self._kinds: set[tuple[str, ...]] = set()
        self._not_before = float("-inf")

    def takes(self, interaction: str, call: Call) -> bool:
        """Whether this may be a plain create."""
        return (
            interaction == "create"
            and "if-none-exist" not in call.headers
            and call.type != "Binary"
            and len(call.content) <= LARGEST_BYTES
            and len(self._waiting) + self._before_line < MOST_WAITING
            # Another server would be asked for codes while everyone waits.
            and self._server.settings.terminology_server is None
            and asyncio.get_running_loop().time() >= self._not_before
        )

    async def reply(self, call: Call) -> Reply | None:
        """The reply; None where the create is to go the way of all writes.

        Errors: as `interactions.create`; Refused 504 where the time is over.
        """
        call.check_format()
        check_parameters("create", call)
        if not self._is_known(call.type, call.resource):
            return None
        change = plan_plain_create(self._server, call.type, call.resource)
        line = await self._open_line()
        if change is None or line is None:
            return None
        try:
            version, create = write_of(self._server, change, line.known_codes)
        except Exception:
            # It fails alone, on the way of all writes.
            return None
        is_written = self._write(create, line)
        # Made while PostgreSQL writes.
        answer = answer_of(change, version)
        reply = packed(resource_reply(call, answer), call.headers.get("accept-encoding"))
        return reply if await is_written else None

    def _is_known(self, resource_type: str, resource: Any) -> bool:
        """Whether one alike was created before: the first compiles what checks and indexes it, which takes
        long enough to be done in a thread.
        """
        meta = resource.get("meta") if isinstance(resource, dict) else None
        profiles = meta.get("profile") if isinstance(meta, dict) else None
        kind = (resource_type, *map(str, profiles if isinstance(profiles, list) else ()))
        if kind in self._kinds:
            return True
        if len(self._kinds) < MOST_KINDS:
            self._kinds.add(kind)
        return False

    def _write(self, create: SingleCreate, line: CreateLine) -> asyncio.Future[bool]:
        waiting = _Waiting(create, line.loop.create_future())
        self._waiting.append(waiting)
        if not self._is_writing:
            self._write_group(line)
        return waiting.is_written

    def _write_group(self, line: CreateLine) -> None:
        """Write for all who wait, and again for those who have come meanwhile, until nobody waits."""
        group = self._waiting[:MOST_TOGETHER]
        del self._waiting[:MOST_TOGETHER]
        self._is_writing = True
        seconds = self._server.settings.request_timeout_s

        def tell(written: Written) -> None:
            self._is_writing = False
            if self._waiting:
                self._write_group(line)
            self._tell(group, written)

        line.write([one.create for one in group], seconds).add_done_callback(tell)

    def _tell(self, group: Sequence[_Waiting], written: Written) -> None:
        failure = written.exception()
        if isinstance(failure, TimeoutError):
            seconds = self._server.settings.request_timeout_s
            failure = refuse(504, "request-timeout", "timeout", seconds=f"{seconds:g}")
        outcomes = (None if failure else written.result()) or []
        if not all(outcome.is_written for outcome in outcomes):
            self._server.database.clock.learn(outcomes[-1].time)
            self._not_before = asyncio.get_running_loop().time() + PAUSE_S
        told = [outcome.is_written for outcome in outcomes] or [False] * len(group)
        for one, is_written in zip(group, told, strict=True):
            if one.is_written.done():
                # Its client has gone.
                continue
            if failure is None:
                one.is_written.set_result(is_written)
            else:
                one.is_written.set_exception(failure)

    async def _open_line(self) -> CreateLine | None:
        line = self._line
        if line is not None and line.is_open and line.loop is asyncio.get_running_loop():
            return line
        if self._opening is None:
            self._opening = asyncio.create_task(self._opened())
        self._before_line += 1
        try:
            # It is there for all who wait, whoever of them goes.
            return await asyncio.shield(self._opening)
        finally:
            self._before_line -= 1

    async def _opened(self) -> CreateLine | None:
        loop = asyncio.get_running_loop()
        try:
            connection = await loop.run_in_executor(None, self._server.database.connect)
            self._line = CreateLine(connection, loop)
        except DatabaseUnavailableError:
            return None
        finally:
            self._opening = None
        return self._line

    def close(self) -> None:
        """Give the connection back."""
        if self._line is not None:
            self._line.close()
            self._line = None

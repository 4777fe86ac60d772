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
from fhir_server.interactions.answer import Answer
from fhir_server.interactions.plain_create import answer_of, plan_plain_create, write_of
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.model.issues import refuse
from fhir_server.store.create_line import CreateLine
from fhir_server.store.database import DatabaseUnavailableError
from fhir_server.store.resources import NewVersion
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
    """A create that is checked, and who waits for its answer: None where it was not written."""

    change: Change
    answer: asyncio.Future[Answer | None]


class GroupedCreates:
    """The plain creates of one process. Belongs to one event loop."""

    def __init__(self, server: FhirServer) -> None:
        self._server = server
        self._line: CreateLine | None = None
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._kinds: set[tuple[str, ...]] = set()
        self._not_before = float("-inf")

    def takes(self, interaction: str, call: Call) -> bool:
        """Whether this may be a plain create."""
        return (
            interaction == "create"
            and "if-none-exist" not in call.headers
            and call.type != "Binary"
            and len(call.content) <= LARGEST_BYTES
            and len(self._waiting) < MOST_WAITING
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
        answer = None if change is None else await self._written(change)
        if answer is None:
            return None
        return packed(resource_reply(call, answer), call.headers.get("accept-encoding"))

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

    async def _written(self, change: Change) -> Answer | None:
        answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(change, answer))
        if self._writing is None:
            # A task of its own: whoever comes first must not wait for all who follow.
            self._writing = asyncio.create_task(self._write_waiting())
        return await answer

    async def _write_waiting(self) -> None:
        """Write for all who wait, and for those who have come meanwhile, until nobody waits."""
        try:
            while self._waiting:
                group = self._waiting[:MOST_TOGETHER]
                del self._waiting[:MOST_TOGETHER]
                await self._write(group)
        finally:
            self._writing = None

    async def _write(self, group: Sequence[_Waiting]) -> None:
        try:
            answers = await self._answers([one.change for one in group])
        except Exception as failure:
            for one in group:
                if not one.answer.done():
                    one.answer.set_exception(failure)
            return
        for one, answer in zip(group, answers, strict=True):
            if not one.answer.done():
                one.answer.set_result(answer)

    async def _answers(self, changes: Sequence[Change]) -> list[Answer | None]:
        line = await self._open_line()
        if line is None:
            return [None] * len(changes)
        planned = {
            at: write
            for at, change in enumerate(changes)
            if (write := self._write_of(change, line)) is not None
        }
        seconds = self._server.settings.request_timeout_s
        try:
            async with asyncio.timeout(seconds):
                outcomes = await line.write([statement for _, statement in planned.values()])
        except TimeoutError:
            line.close()
            raise refuse(504, "request-timeout", "timeout", seconds=f"{seconds:g}") from None
        if outcomes is None:
            return [None] * len(changes)
        if not all(outcome.is_written for outcome in outcomes):
            self._server.database.clock.learn(outcomes[-1].time)
            self._not_before = line.loop.time() + PAUSE_S
        answers: list[Answer | None] = [None] * len(changes)
        for (at, (version, _)), outcome in zip(planned.items(), outcomes, strict=True):
            if outcome.is_written:
                answers[at] = answer_of(changes[at], version)
        return answers

    def _write_of(self, change: Change, line: CreateLine) -> tuple[NewVersion, SingleCreate] | None:
        """What is written; None where that cannot be made. It then fails alone, on the way of all writes."""
        try:
            return write_of(self._server, change, line.known_codes)
        except Exception:
            return None

    async def _open_line(self) -> CreateLine | None:
        loop = asyncio.get_running_loop()
        if self._line is None or not self._line.is_open or self._line.loop is not loop:
            try:
                connection = await loop.run_in_executor(None, self._server.database.connect)
            except DatabaseUnavailableError:
                return None
            self._line = CreateLine(connection, loop)
        return self._line

    def close(self) -> None:
        """Give the connection back."""
        if self._line is not None:
            self._line.close()
            self._line = None

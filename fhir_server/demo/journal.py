"""What became of messages after they were acknowledged, as the server's journal tells it.

A message is acknowledged once it is committed and mapped to resources soon after; what cannot be mapped
is held with its reason. Another server may have no such journal: then nothing is waited for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from typing import Any

import httpx2

from fhir_server.demo.front_doors import UnreachableServerError, unreachable
from fhir_server.model.json_source import parse_json
from fhir_server.operator_error import OperatorError

PAGE = 100
LOOK_EVERY_S = 0.5
STANDSTILL_S = 120.0
"""Seconds without any message worked off after which nobody seems to be at work."""


class StandstillError(OperatorError):
    """Messages are committed, but nobody works them off."""


class Journal:
    """The journal of the server with this FHIR base, from the moment of `open` on."""

    def __init__(self, url: str, http: httpx2.AsyncClient, newest: int) -> None:
        self._url, self._http, self._newest = url, http, newest

    @classmethod
    async def open(cls, base: str, http: httpx2.AsyncClient) -> "Journal | None":
        """The journal, ready to tell of later messages; None where the server has none.

        Errors: UnreachableServerError, as of every question to it.
        """
        url = f"{base.rpartition('/')[0]}/ingest/messages"
        try:
            answer = await http.get(url, params={"count": 1})
        except httpx2.TransportError as error:
            raise UnreachableServerError(unreachable(url, error)) from error
        if answer.status_code != HTTPStatus.OK:
            return None
        rows = parse_json(answer.content)["messages"]
        return cls(url, http, rows[0]["id"] if rows else 0)

    async def settle(self, told: Callable[[int], None] = lambda _: None) -> None:
        """Wait until no message is left to be worked off; `told` hears how many are, up to a page.

        Errors: StandstillError.
        """
        seen: list[int] = []
        clock = asyncio.get_running_loop().time
        moved = clock()
        while waiting := [row["id"] for row in await self._page("received")]:
            told(len(waiting))
            if waiting != seen:
                seen, moved = waiting, clock()
            if clock() - moved > STANDSTILL_S:
                raise StandstillError(
                    f"messages wait to be worked off ({self._url}?state=received); is a worker running?"
                )
            await asyncio.sleep(LOOK_EVERY_S)

    async def held(self) -> AsyncIterator[tuple[str, str]]:
        """Type and reason of each later message that could not be mapped."""
        before: int | None = None
        while rows := await self._page("held,rejected", before):
            for row in rows:
                yield row["type"] or "unknown", _reason(row)
            before = rows[-1]["id"]

    async def _page(self, states: str, before: int | None = None) -> list[Mapping[str, Any]]:
        query = {"state": states, "count": str(PAGE)}
        if before is not None:
            query["before"] = str(before)
        try:
            answer = (await self._http.get(self._url, params=query)).raise_for_status()
        except httpx2.HTTPError as error:
            raise UnreachableServerError(unreachable(self._url, error)) from error
        rows = parse_json(answer.content)["messages"]
        return [row for row in rows if row["id"] > self._newest]


def _reason(row: Mapping[str, Any]) -> str:
    issues = row["issues"]
    return str(issues[0].get("text", "")) if issues else ""

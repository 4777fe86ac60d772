"""The two front doors of a server: FHIR over HTTP, HL7 v2 over MLLP."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

import httpx2

from fhir_server.demo.deliveries import Delivery, Transaction
from fhir_server.demo.messages import V2Message
from fhir_server.demo.mllp import MllpConnection
from fhir_server.model.json_source import JsonSyntaxError, encode_json, parse_json
from fhir_server.operator_error import OperatorError

ATTEMPTS = 4
ANSWER_WITHIN_S = 60.0
_AGAIN = frozenset(
    {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
)


class UnreachableServerError(OperatorError):
    """A front door does not answer."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the server is: its FHIR base, and host and port of MLLP."""

    base: str
    mllp_host: str
    mllp_port: int

    @property
    def mllp(self) -> str:
        """The MLLP address as users write it."""
        return f"{self.mllp_host}:{self.mllp_port}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery.

    Shape: `created` and `known` count the entries of a Bundle by resource type; `reason` is empty
    unless it was refused.
    """

    accepted: bool
    reason: str = ""
    created: Mapping[str, int] | None = None
    known: Mapping[str, int] | None = None


class FrontDoors:
    """One client's way in: an HTTP connection and an MLLP connection, both kept open."""

    def __init__(self, doors: Doors, http: httpx2.AsyncClient) -> None:
        self._doors, self._http = doors, http
        self._mllp: MllpConnection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._drop_mllp()

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Send it, again where the server asks for that or the connection was lost.

        Everything sent is safe to repeat: Bundles are conditional, messages keep their control id.
        Errors: UnreachableServerError.
        """
        send = self._post if isinstance(delivery, Transaction) else self._exchange
        for attempt in range(1, ATTEMPTS + 1):
            outcome, again = await send(delivery, last=attempt == ATTEMPTS)  # type: ignore[arg-type] # chosen by its type
            if not again:
                return outcome
            await asyncio.sleep(0.2 * 2**attempt)
        return outcome

    async def _post(self, delivery: Transaction, *, last: bool) -> tuple[Outcome, bool]:
        try:
            answer = await self._http.post(
                self._doors.base,
                content=encode_json(delivery.bundle),
                headers={
                    "Content-Type": "application/fhir+json",
                    "Accept": "application/fhir+json",
                },
            )
        except httpx2.TransportError as error:
            if last:
                raise UnreachableServerError(unreachable(self._doors.base, error)) from error
            return Outcome(accepted=False), True
        if answer.status_code in _AGAIN and not last:
            return Outcome(accepted=False), True
        return _bundle_outcome(answer.status_code, answer.content), False

    async def _exchange(self, delivery: V2Message, *, last: bool) -> tuple[Outcome, bool]:
        try:
            if self._mllp is None:
                self._mllp = await MllpConnection.open(self._doors.mllp_host, self._doors.mllp_port)
            answer = await self._mllp.exchange(delivery.content, ANSWER_WITHIN_S)
        except OSError as error:
            await self._drop_mllp()
            if last:
                raise UnreachableServerError(unreachable(self._doors.mllp, error)) from error
            return Outcome(accepted=False), True
        if answer.control_id != delivery.control_id and answer.accepted:
            await self._drop_mllp()
            return Outcome(accepted=False, reason="an acknowledgement of another message"), False
        reason = "" if answer.accepted else f"{answer.code} {answer.error}".strip()
        return Outcome(answer.accepted, reason), answer.may_be_repeated and not last

    async def _drop_mllp(self) -> None:
        if self._mllp is not None:
            await self._mllp.close()
            self._mllp = None


def http_client(connections: int) -> httpx2.AsyncClient:
    """A client that keeps its connections open."""
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx2.AsyncClient(limits=limits, timeout=ANSWER_WITHIN_S)


async def knock(doors: Doors, http: httpx2.AsyncClient) -> None:
    """Make sure that both doors answer before anything is sent.

    Errors: UnreachableServerError, with the address and what to do.
    """
    try:
        answer = await http.get(f"{doors.base}/metadata")
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        raise UnreachableServerError(unreachable(doors.base, error)) from error
    if answer.status_code != HTTPStatus.OK:
        raise UnreachableServerError(
            f"{doors.base}/metadata answers {answer.status_code}; is it a FHIR base?"
        )
    try:
        connection = await MllpConnection.open(doors.mllp_host, doors.mllp_port)
    except OSError as error:
        raise UnreachableServerError(unreachable(doors.mllp, error)) from error
    await connection.close()


def unreachable(address: str, error: Exception) -> str:
    """The line that tells that nobody answers at an address, and why."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"cannot reach {address} ({reason}); `make serve` starts a server there by default"


def _bundle_outcome(status: int, body: bytes) -> Outcome:
    try:
        answer = parse_json(body)
    except JsonSyntaxError:
        return Outcome(accepted=False, reason=f"{status}, an answer that is no JSON")
    if status != HTTPStatus.OK:
        return Outcome(accepted=False, reason=f"{status} {_diagnosis(answer)}")
    created: dict[str, int] = {}
    known: dict[str, int] = {}
    for response in _responses(answer):
        code = str(response.get("status", ""))
        if not code.startswith("2"):
            return Outcome(accepted=False, reason=f"an entry answered {code}")
        counts = created if code.startswith("201") else known
        resource_type = _type_of(str(response.get("location", "")))
        counts[resource_type] = counts.get(resource_type, 0) + 1
    return Outcome(accepted=True, created=created, known=known)


def _responses(answer: Any) -> Iterator[Mapping[str, Any]]:
    return (entry.get("response", {}) for entry in answer.get("entry", ()))


def _type_of(location: str) -> str:
    """The resource type of `[base/]Type/id[/_history/version]`."""
    steps = location.partition("/_history")[0].rstrip("/").split("/")
    return steps[-2] if len(steps) > 1 else ""


def _diagnosis(answer: Any) -> str:
    """The first error of an OperationOutcome: where and what."""
    issues = answer.get("issue", ()) if isinstance(answer, dict) else ()
    for issue in issues:
        if issue.get("severity") in {"fatal", "error"}:
            text = issue.get("diagnostics") or issue.get("details", {}).get("text", "")
            return " ".join((*issue.get("expression", ()), text))
    return "without an explanation"

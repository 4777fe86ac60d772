"""The client side of both front doors, against stand-ins that answer as a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime

import httpx2
import pytest

from fhir_server.demo.deliveries import Transaction
from fhir_server.demo.front_doors import Doors, FrontDoors, Outcome, UnreachableServerError, knock
from fhir_server.demo.messages import V2Message
from fhir_server.demo.mllp import END, START, frame, read_acknowledgement
from ingest.transport.listener import Listener

MESSAGE = V2Message("ADT^A28", "C01", "C01-1-A28", datetime(2024, 1, 2, 8, 5), b"MSH|^~\\&|\r")  # noqa: DTZ001 - local time
TRANSACTION = Transaction("clinical", {"resourceType": "Bundle", "type": "transaction"})

Answer = Callable[[bytes], bytes | None]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: float) -> None:
        return None

    monkeypatch.setattr("fhir_server.demo.front_doors.asyncio.sleep", at_once)


@asynccontextmanager
async def _receiver(answers: Iterable[bytes | None]) -> AsyncIterator[tuple[int, list[bytes]]]:
    """An MLLP server that gives these answers in turn; None closes the connection instead."""
    left, received = iter(answers), list[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                received.append(await reader.readuntil(END))
                answer = next(left)
                if answer is None:
                    break
                writer.write(START + answer + END)
        except asyncio.IncompleteReadError:
            pass

    listener = await Listener.open("127.0.0.1", 0, serve)
    try:
        yield listener.port, received
    finally:
        listener.close()
        await listener.drain(grace_s=1)


def _ack(code: str, control_id: str = MESSAGE.control_id, error: str = "") -> bytes:
    return f"MSH|^~\\&|\rMSA|{code}|{control_id}\r{error}".encode()


def _deliver_message(*answers: bytes | None) -> tuple[Outcome, list[bytes]]:
    async def run() -> tuple[Outcome, list[bytes]]:
        async with (
            _receiver(answers) as (port, received),
            httpx2.AsyncClient() as http,
            FrontDoors(Doors("http://unused", "127.0.0.1", port), http) as door,
        ):
            return await door.deliver(MESSAGE), received

    return asyncio.run(run())


def _deliver_bundle(*answers: tuple[int, object]) -> Outcome:
    left = iter(answers)

    def respond(_: httpx2.Request) -> httpx2.Response:
        status, body = next(left)
        return httpx2.Response(status, content=json.dumps(body).encode())

    async def run() -> Outcome:
        async with (
            httpx2.AsyncClient(transport=httpx2.MockTransport(respond)) as http,
            FrontDoors(Doors("http://server/fhir", "unused", 1), http) as door,
        ):
            return await door.deliver(TRANSACTION)

    return asyncio.run(run())


def _response(*entries: tuple[str, str]) -> object:
    return {"entry": [{"response": {"status": s, "location": at}} for s, at in entries]}


def test_message__is_accepted_with_aa() -> None:
    outcome, received = _deliver_message(_ack("AA"))

    assert outcome == Outcome(accepted=True)
    assert received == [frame(MESSAGE.content)]


def test_message__is_refused_with_ae_and_its_error() -> None:
    outcome, received = _deliver_message(_ack("AE", error="ERR||PID^1^7|102^no date^HL70357|E\r"))

    assert not outcome.accepted
    assert outcome.reason == "AE PID^1^7 102^no date^HL70357 E"
    assert len(received) == 1


def test_message__is_sent_again_after_ar() -> None:
    outcome, received = _deliver_message(_ack("AR"), _ack("AA"))

    assert outcome.accepted
    assert len(received) == 2


def test_message__is_sent_again_when_the_connection_was_lost() -> None:
    outcome, received = _deliver_message(None, _ack("AA"))

    assert outcome.accepted
    assert len(received) == 2


def test_message__is_not_taken_for_accepted_by_the_answer_to_another() -> None:
    outcome, _ = _deliver_message(_ack("AA", control_id="another"))

    assert not outcome.accepted


def test_message__ends_the_run_where_nobody_listens() -> None:
    with pytest.raises(UnreachableServerError, match=r"cannot reach 127\.0\.0\.1"):
        _deliver_message(None, None, None, None)


def test_acknowledgement__without_msa_counts_as_rejected() -> None:
    assert read_acknowledgement(frame(b"HELLO\r")).code == "AR"


def test_bundle__counts_what_was_created_and_what_was_known() -> None:
    outcome = _deliver_bundle(
        (
            200,
            _response(
                ("201 Created", "Patient/1/_history/1"), ("200 OK", "Condition/2/_history/3")
            ),
        )
    )

    assert outcome == Outcome(accepted=True, created={"Patient": 1}, known={"Condition": 1})


def test_bundle__is_refused_with_the_first_error_of_the_outcome() -> None:
    issue = {"severity": "error", "expression": ["Bundle.entry[1]"], "diagnostics": "no subject"}
    outcome = _deliver_bundle((422, {"resourceType": "OperationOutcome", "issue": [issue]}))

    assert outcome == Outcome(accepted=False, reason="422 Bundle.entry[1] no subject")


def test_bundle__is_sent_again_after_a_conflict() -> None:
    assert _deliver_bundle((409, {}), (200, _response(("201", "Patient/1")))).accepted


def test_knock__says_which_door_is_closed() -> None:
    async def run() -> None:
        async with httpx2.AsyncClient() as http:
            await knock(Doors("http://127.0.0.1:9/fhir", "127.0.0.1", 9), http)

    with pytest.raises(UnreachableServerError, match=r"cannot reach http://127\.0\.0\.1:9/fhir"):
        asyncio.run(run())

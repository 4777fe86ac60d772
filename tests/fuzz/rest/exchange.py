"""One request on a connection of its own, and what is wrong with its answer."""

import json
import re
import socket

from tests.fuzz.rest.requests import Request

HANGS_AFTER_S = 60.0
BELOW_FHIR = re.compile(rb"^\S+ /fhir[/? ]")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def exchange(port: int, request: Request) -> bytes:
    """What comes until the server closes the connection. Errors: TimeoutError where it never does."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=HANGS_AFTER_S) as client:
        try:
            client.sendall(request.content)
            if request.is_broken:
                # Else the server waits, rightly, for what was announced.
                client.shutdown(socket.SHUT_WR)
            while chunk := client.recv(65536):
                received += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
    return received


def fault_of(request: Request, answer: bytes) -> str | None:
    """What is wrong with an answer; None where it is as it must be.

    Shape: nothing at all is a right answer to a request that breaks off.
    """
    if not answer.removeprefix(CONTINUE):
        return None
    head, _, content = answer.removeprefix(CONTINUE).partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if status >= 500:
        return f"status {status}"
    if b"Traceback" in content:
        return "a traceback"
    if status >= 400 and request.method != "HEAD" and BELOW_FHIR.search(request.content):
        return None if _is_outcome(content) else f"status {status} without an OperationOutcome"
    return None


def _is_outcome(content: bytes) -> bool:
    if content.startswith(b"<"):
        return b"<OperationOutcome" in content
    try:
        return bool(json.loads(content)["resourceType"] == "OperationOutcome")
    except (ValueError, KeyError, TypeError):
        return False

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.terminology import Terminology
from fhir_server.terminology.remote import RemoteTerminology
from tests.free_ports import free_port

SNOMED = "http://snomed.info/sct"
CONDITIONS = "http://hl7.org/fhir/ValueSet/condition-code"


@contextmanager
def served(status: int = 200, answer: Any = None) -> Iterator[tuple[str, list[str]]]:
    """A server that knows the code 1 of every system, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            code = parse_qs(urlsplit(self.path).query)["code"][0]
            result = {"resourceType": "Parameters",
                      "parameter": [{"name": "result", "valueBoolean": code == "1"}]}  # fmt: skip
            content = json.dumps(result if answer is None else answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def terminology(base: str) -> Iterator[Terminology]:
    remote = RemoteTerminology(base, timeout_s=120)
    try:
        yield Terminology(core_definitions(), remote=remote)
    finally:
        remote.close()


@pytest.mark.parametrize(("code", "answer"), [("1", True), ("2", False)])
def test_remote__tells_what_is_not_available_here(code: str, answer: bool) -> None:
    with served() as (base, asked), terminology(base) as both:
        assert both.knows_code(SNOMED, code) is answer
        assert both.check(CONDITIONS, code, SNOMED).answer is answer
        assert len(asked) == 2


def test_remote__is_asked_once() -> None:
    with served() as (base, asked), terminology(base) as both:
        assert [both.knows_code(SNOMED, "1") for _ in range(3)] == [True] * 3
        assert len(asked) == 1


def test_remote__is_not_asked_for_what_is_here() -> None:
    with served() as (base, asked), terminology(base) as both:
        assert both.knows_code("http://hl7.org/fhir/administrative-gender", "x") is False
        assert both.check("http://hl7.org/fhir/ValueSet/administrative-gender", "x").answer is False
        assert asked == []


def test_remote__that_fails_is_left_alone() -> None:
    with served(503) as (base, asked), terminology(base) as both:
        assert [both.knows_code(SNOMED, str(code)) for code in range(5)] == [None] * 5
        assert len(asked) == 1


def test_remote__that_is_not_there_tells_nothing() -> None:
    with terminology(f"http://127.0.0.1:{free_port()}") as both:
        assert both.knows_code(SNOMED, "1") is None


@pytest.mark.parametrize(
    "answer",
    [[], {"parameter": 1}, {"parameter": [{"name": "result", "valueBoolean": "yes"}]},
     {"parameter": [{"name": "result", "valueBoolean": False}, {"name": "x-unknown-system"}]}],
)  # fmt: skip
def test_remote__answer_that_says_nothing_is_none(answer: Any) -> None:
    with served(answer=answer) as (base, _), terminology(base) as both:
        assert both.knows_code(SNOMED, "1") is None

"""A subscriber on a loopback socket that can be told to fail: refuse, drop, dawdle."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_S = 300.0


@dataclass(frozen=True)
class Received:
    """One request: how it was answered is up to the receiver at that moment."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    def parameters(self) -> dict[str, Any]:
        """The status that leads a notification Bundle, by name."""
        listed = self.json["entry"][0]["resource"]["parameter"]
        return {
            one["name"]: next((v for k, v in one.items() if k != "name"), None) for one in listed
        }

    def event_numbers(self) -> list[int]:
        listed = self.json["entry"][0]["resource"]["parameter"]
        return [
            int(one["part"][0]["valueString"])
            for one in listed
            if one["name"] == "notification-event"
        ]


@dataclass
class Receiver:
    """What came and how to answer; `answer` gives a status, 0 to drop the connection."""

    port: int = 0
    answer: Callable[[Received], int] = lambda _: 200
    received: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def wait(self, is_met: Callable[[], object], what: str = "") -> None:
        """Wait until something holds; it is looked at after each request, and now and then."""
        give_up = time.monotonic() + WAIT_S
        with self.changed:
            while not is_met():
                assert time.monotonic() < give_up, f"not met: {what}; {len(self.received)} received"
                self.changed.wait(0.05)

    def wait_taken(self, count: int) -> list[Received]:
        self.wait(lambda: len(self.taken) >= count, f"{count} taken")
        return self.taken


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that listens."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            one = Received(self.command, self.path, headers, content)
            with state.changed:
                state.received.append(one)
            status = state.answer(one)
            with state.changed:
                # Before it is answered: then another sender may follow at once.
                if 200 <= status < 300:
                    state.taken.append(one)
                state.changed.notify_all()
            if status:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            self.close_connection = True

        do_POST = do_PUT = handle_any  # noqa: N815 — the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

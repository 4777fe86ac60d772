"""A remote terminology server, asked only for what is not available here.

Only codes leave: no display, no text, nothing of a record. Answers are kept; a server that does not answer
is left alone for a while, so that a thousand codes do not wait a thousand times.

Source: https://hl7.org/fhir/R4/terminology-service.html
"""

import time
from collections import OrderedDict
from threading import Lock
from typing import Any

import httpx2
import structlog

from fhir_server.model.json_source import JsonSyntaxError, parse_json

KEPT_ANSWERS = 20_000
KEPT_S = 86_400.0
REST_AFTER_FAILURE_S = 60.0
MAX_ANSWER_BYTES = 1024 * 1024

log = structlog.get_logger("osteon.terminology")
Key = tuple[str, str, str]


class RemoteTerminology:
    """A terminology server at a FHIR base. Safe to share between threads.

    Shape: each question is answered by True, False, or None where the server cannot tell or be reached.
    """

    def __init__(self, base: str, *, timeout_s: float) -> None:
        self._base = base.rstrip("/")
        self._client = httpx2.Client(timeout=timeout_s, headers={"Accept": "application/fhir+json"})
        self._kept: OrderedDict[Key, tuple[float, bool | None]] = OrderedDict()
        self._lock = Lock()
        self._resting_until = 0.0

    def has_code(self, system: str, code: str) -> bool | None:
        """Whether a code exists in a system."""
        return self._answer("CodeSystem", system, {"url": system, "code": code})

    def holds(self, value_set: str, system: str, code: str) -> bool | None:
        """Whether a value set holds a code of a system."""
        asked = {"url": value_set, "system": system, "code": code}
        return self._answer("ValueSet", f"{value_set} {system}", asked)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _answer(self, kind: str, subject: str, asked: dict[str, str]) -> bool | None:
        key = (kind, subject, asked["code"])
        now = time.monotonic()
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] > now:
                self._kept.move_to_end(key)
                return kept[1]
            if now < self._resting_until:
                return None
        reached, answer = self._ask(kind, asked)
        with self._lock:
            if not reached:
                self._resting_until = time.monotonic() + REST_AFTER_FAILURE_S
                return None
            self._kept[key] = (now + KEPT_S, answer)
            while len(self._kept) > KEPT_ANSWERS:
                self._kept.popitem(last=False)
        return answer

    def _ask(self, kind: str, asked: dict[str, str]) -> tuple[bool, bool | None]:
        """Whether the server was reached, and what it says."""
        url, _, version = asked["url"].partition("|")
        named = {"ValueSet": "valueSetVersion", "CodeSystem": "version"}
        pairs = {**asked, "url": url} | ({named[kind]: version} if version else {})
        try:
            with self._client.stream(
                "GET", f"{self._base}/{kind}/$validate-code", params=pairs
            ) as reply:
                if reply.status_code >= 500:
                    raise httpx2.HTTPError(f"status {reply.status_code}")
                content = b""
                for chunk in reply.iter_bytes():
                    content += chunk
                    if len(content) > MAX_ANSWER_BYTES:
                        raise httpx2.HTTPError("the answer is too large")
                return True, _result(content) if reply.status_code == 200 else None
        except (httpx2.HTTPError, httpx2.InvalidURL) as fault:
            log.warning("terminology server gives no answer", kind=type(fault).__name__,
                        rests_s=REST_AFTER_FAILURE_S)  # fmt: skip
            return False, None


def _result(content: bytes) -> bool | None:
    """The `result` of a $validate-code; None where it is about a system that the server lacks too."""
    try:
        answer = parse_json(content)
    except JsonSyntaxError:
        return None
    listed = answer.get("parameter") if isinstance(answer, dict) else None
    entries = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    values: dict[str, Any] = {str(e.get("name")): e for e in entries}
    if "x-caused-by-unknown-system" in values or "x-unknown-system" in values:
        return None
    result = values.get("result", {}).get("valueBoolean")
    return result if isinstance(result, bool) else None

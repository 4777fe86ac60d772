"""HL7 v2: parsing a message and reading every field of it, beside hl7apy and python-hl7."""

import time
from collections.abc import Callable
from typing import Any

import hl7
from hl7apy.parser import parse_message

from benchmarks.hl7v2_messages import adt_a01, oru_r01
from ingest.hl7v2 import Message


def read_all_fields() -> None:
    """Print the times for an admission and a report of 60 OBX."""
    for name, message in (("ADT A01", adt_a01()), ("ORU 60 OBX", oru_r01())):
        _reading(name, message)


def _reading(name: str, message: bytes) -> None:
    ours = _time(lambda: _read_ours(message), 0.5)
    text = message.decode()
    python_hl7 = _time(lambda: _read_nested(hl7.parse(text)), 0.5)
    hl7apy = _time(lambda: _read_hl7apy(text), 0.5)
    print(f"{name} ({len(message)} bytes), parse and read all fields")
    print(f"  ours        {ours * 1e6:10.0f} µs")
    print(f"  python-hl7  {python_hl7 * 1e6:10.0f} µs   {python_hl7 / ours:6.1f}×  (goal 10×)")
    print(f"  hl7apy      {hl7apy * 1e6:10.0f} µs   {hl7apy / ours:6.1f}×  (goal 200×)")


def _read_ours(raw: bytes) -> int:
    return sum(len(value[4]) for s in Message.parse(raw).segments for value in s.values())


def _read_nested(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return sum(_read_nested(child) for child in value)


def _read_hl7apy(text: str) -> int:
    parsed = parse_message(text, find_groups=False)
    return sum(len(field.to_er7()) for segment in parsed.children for field in segment.children)


def _time(work: Callable[[], object], seconds: float) -> float:
    """The best of several runs, in seconds."""
    runs: list[float] = []
    give_up = time.perf_counter() + seconds
    while len(runs) < 3 or time.perf_counter() < give_up:
        began = time.perf_counter()
        work()
        runs.append(time.perf_counter() - began)
    return min(runs)

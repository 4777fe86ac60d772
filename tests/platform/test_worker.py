import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_server.cli import worker
from fhir_server.cli.worker import Worker
from fhir_server.operator_error import OperatorError


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "FIRST_PAUSE_S", 0.001)


def _python(code: str) -> Worker:
    return Worker("test", [sys.executable, "-c", code], {})


@pytest.fixture
def endless() -> Iterator[Worker]:
    one = _python("import time; time.sleep(3600)")
    one.start()
    yield one
    one.wait_or_kill(0)


def _lines_until_alive(one: Worker, appeared: Path) -> list[str]:
    lines: list[str] = []
    while not appeared.exists():
        lines += filter(None, [one.watch()])
        time.sleep(0.01)
    return lines


def test_watch__process_that_ended_starts_again(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    one = _python(
        "import pathlib, time\n"
        f"first = pathlib.Path({str(first)!r})\n"
        "if first.exists():\n"
        f"    pathlib.Path({str(second)!r}).touch(); time.sleep(3600)\n"
        "first.touch(); raise SystemExit(7)"
    )
    one.start()
    lines = _lines_until_alive(one, second)
    one.wait_or_kill(0)
    assert lines == ["the test process ended with exit code 7; starting it again"]


def test_watch__process_that_keeps_ending_is_given_up() -> None:
    one = _python("raise SystemExit(7)")
    one.start()
    with pytest.raises(OperatorError, match="the test process keeps ending, with exit code 7"):
        _lines_until_alive(one, Path("/nonexistent"))


def test_watch__living_process_is_left_alone(endless: Worker) -> None:
    assert endless.watch() is None
    assert endless.exit_code() is None


def test_wait_or_kill__kills_after_the_deadline(endless: Worker) -> None:
    endless.wait_or_kill(time.monotonic())
    assert endless.exit_code() == -9


def test_ask_to_end__is_sigterm(endless: Worker) -> None:
    endless.ask_to_end()
    endless.wait_or_kill(time.monotonic() + 3600)
    assert endless.exit_code() == -15


def test_listens_on__no_port_is_open(endless: Worker) -> None:
    assert not endless.listens_on(80)

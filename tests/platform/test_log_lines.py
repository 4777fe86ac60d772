import json
import subprocess
import sys

import pytest

BEGIN = """
import logging, structlog
from fhir_server.log_lines import configure_logging
from fhir_server.settings import load_settings
configure_logging(load_settings(log_format="json"))
"""
FAULT = """
def handle():
    raise KeyError("Dupont")
try:
    handle()
except KeyError:
    {log}
"""


def _logged(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=True
    )
    return done.stderr


def test_log__is_one_json_object() -> None:
    shown = _logged("structlog.stdlib.get_logger('osteon').warning('request', status=404)")
    line = json.loads(shown)
    assert (line["event"], line["status"], line["level"]) == ("request", 404, "warning")


@pytest.mark.parametrize(
    "log",
    [
        "structlog.stdlib.get_logger('osteon').exception('failed')",
        "logging.getLogger('psycopg.pool').warning('failed', exc_info=True)",
    ],
)
def test_log__fault_is_told_without_its_message(log: str) -> None:
    shown = _logged(FAULT.format(log=log))
    assert "Dupont" not in shown
    line = json.loads(shown)
    assert line["fault"] == "KeyError"
    assert line["passed"][-1].endswith("handle")


def test_log__line_that_cannot_be_written_is_lost_silently() -> None:
    broken = (
        "import sys; sys.stderr.close(); logging.getLogger('osteon').warning('%s Dupont', 1, 2)"
    )
    assert _logged(broken) == ""

"""Every process that works beside the web process tells a fault of its set-up in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("ingest", "ingest"),
        ("ingest.worker", "ingest"),
        ("fhir_server.jobs", "jobs"),
        ("fhir_server.delivery", "deliveries"),
    ],
)
def test_background_process__without_database_is_one_clear_line(
    tmp_path: Path, module: str, name: str
) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "OSTEON_DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={**environment, "OSTEON_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith(f"osteon {name}: no database: start `osteon serve`")
    assert done.stderr.count("\n") == 1

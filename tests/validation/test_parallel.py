"""Several processes give what one gives, in the same order."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from fhir_server.cli.validate import _validator
from fhir_server.validation.parallel import validate_all
from fhir_server.validation.sources import Record, Result


def _validate(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "fhir_server.cli.main", "validate", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_validate_all__processes_keep_the_order(tmp_path: Path) -> None:
    path = tmp_path / "p.ndjson"
    genders = ["male", "x", "female"] * 100
    path.write_text("".join(f'{{"resourceType":"Patient","gender":"{g}"}}\n' for g in genders))
    alone = _validate(str(path), "--format", "json", "--jobs", "1")
    assert _validate(str(path), "--format", "json", "--jobs", "3") == alone
    assert alone[0] == 1
    assert [row["valid"] for row in json.loads(alone[1])] == [g != "x" for g in genders]


def test_validate_all__reads_no_further_than_needed() -> None:
    read: list[int] = []

    def endless() -> Iterator[Record | Result]:
        number = 0
        while True:
            number += 1
            read.append(number)
            yield Record(str(number), b'{"resourceType":"Patient"}')

    results = validate_all(endless(), lambda: _validator(()), (), 1)
    assert [next(results).file for _ in range(3)] == ["1", "2", "3"]
    assert len(read) == 3

"""Files of 200 MB: one resource is refused with its reason, lines are read past."""

from pathlib import Path

from tests.hostile.bounded import osteon

SIZE = 200 * 1024 * 1024


def test_file__of_200_mb_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "big.json"
    with file.open("wb") as out:
        out.write(b'{"resourceType":"Patient","id":"')
        out.truncate(SIZE)
    assert osteon("validate", "--format", "json", file).errors == {"input-too-large"}


def test_line__of_200_mb_is_refused_and_the_next_read(tmp_path: Path) -> None:
    file = tmp_path / "big.ndjson"
    with file.open("wb") as out:
        out.truncate(SIZE)
        out.seek(SIZE)
        out.write(b'\n{"resourceType":"Patient"}\n')
    ended = osteon("validate", "--format", "json", "--jobs", "1", file)
    assert ended.errors == {"input-too-large"}
    assert b'big.ndjson:2","valid":true' in ended.out

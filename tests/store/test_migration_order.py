"""The migrations form one line, numbered without gaps: two branches cannot both be the next step."""

from pathlib import Path

from fhir_server.store.migrations import versions

FOLDER = Path(versions.__file__).parent


def test_migrations__are_numbered_in_one_line() -> None:
    numbers = [path.name[1:5] for path in sorted(FOLDER.glob("v*.py"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]

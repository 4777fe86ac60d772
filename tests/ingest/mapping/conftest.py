from pathlib import Path
from typing import Any

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import MappingResult, map_message

MESSAGES = Path(__file__).parent / "messages"


def read_message(name: str, *replacements: tuple[str, str]) -> Message:
    """An invented message, with texts replaced for the case at hand."""
    text = (MESSAGES / f"{name}.hl7").read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return Message.parse(text.encode())


def resources(result: MappingResult, resource_type: str) -> list[dict[str, Any]]:
    """The resources of a type in a mapping's Bundle."""
    assert result.bundle is not None, result.held
    entries = result.bundle["entry"]
    return [e["resource"] for e in entries if e["resource"]["resourceType"] == resource_type]


def only(result: MappingResult, resource_type: str) -> dict[str, Any]:
    """The one resource of a type."""
    (found,) = resources(result, resource_type)
    return found


@pytest.fixture
def adt() -> MappingResult:
    return map_message(read_message("adt_a01_pam_fr"))


@pytest.fixture
def narrative() -> MappingResult:
    return map_message(read_message("oru_r01_narrative"))


@pytest.fixture
def synoptic() -> MappingResult:
    return map_message(read_message("oru_r01_synoptic"))

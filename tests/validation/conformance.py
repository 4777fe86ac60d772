"""Where the public conformance data lies; tests over it are skipped where it is not."""

from pathlib import Path

FOLDER = Path(__file__).parents[3] / "shared" / "conformance"
"""Beside the repository, never in it."""


def has(name: str) -> bool:
    """Whether a part of the data is there."""
    return (FOLDER / name).exists()

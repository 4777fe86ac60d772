"""Figures: values at this moment that `GET /metrics` shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """A value. Shape: all figures of a name have the same labels; no label tells of a patient."""

    name: str
    documentation: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)

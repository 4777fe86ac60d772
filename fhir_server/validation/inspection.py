"""What the detailed rules are handed: whom they ask, where they look, what they fill."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import Report
from fhir_server.validation.scope import Scope

Conforms = Callable[[Any, str, Scope], bool]
"""Whether a value conforms to a profile."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """One resource under the detailed path."""

    knowledge: Knowledge
    scope: Scope
    report: Report
    conforms: Conforms

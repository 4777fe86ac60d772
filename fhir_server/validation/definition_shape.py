"""The JSON shape of what a profile says of an element, checked once when its plan is made: profiles may be
loaded that nobody has validated, and rules trust what they read.

Source: FHIR R4 ElementDefinition, https://hl7.org/fhir/R4/elementdefinition-definitions.html
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from fhir_server.validation.snapshot import SnapshotError

_MAX = re.compile(r"\*|[0-9]{1,9}")


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


_SHAPES: Mapping[str, Callable[[Any], bool]] = {
    "min": _is_count,
    "max": lambda value: isinstance(value, str) and _MAX.fullmatch(value) is not None,
    "maxLength": _is_count,
    "base": _is_object,
    "slicing": _is_object,
    "binding": _is_object,
    "type": _is_list_of_objects,
    "constraint": _is_list_of_objects,
    "extension": _is_list_of_objects,
}


def check_definition(definition: Mapping[str, Any], profile: str) -> None:
    """Errors: SnapshotError for a member that has not the shape it must have."""
    for name, holds in _SHAPES.items():
        if name in definition and not holds(definition[name]):
            element = str(definition.get("id", ""))[:80]
            raise SnapshotError("profile-broken", profile=profile, reason=f"{name} of {element}")

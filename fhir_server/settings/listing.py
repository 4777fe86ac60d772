"""What the settings mean, for `osteon settings` and `docs/settings.md`, and variables that are none."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from fhir_server.settings.kinds import PREFIX, SettingGroup, without_password
from fhir_server.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class DocumentedSetting:
    """One line of `osteon settings`."""

    group: str
    variable: str
    default: str
    value: str
    description: str


def documented_settings(settings: Settings | None = None) -> Iterator[DocumentedSetting]:
    """Every setting with its default and documentation, and its value in given settings.

    Shape: by group; passwords are hidden; without settings the values are the defaults.
    """
    for group in Settings.__bases__:
        if not issubclass(group, SettingGroup):
            continue
        for name, field in group.model_fields.items():
            yield DocumentedSetting(
                group=group.heading,
                variable=PREFIX + name.upper(),
                default=_shown(field.default),
                value=_shown(getattr(settings, name) if settings else field.default),
                description=field.description or "",
            )


def unknown_variables() -> dict[str, str | None]:
    """Variables with our prefix that are no setting, each with the setting it may have meant."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    return {
        variable: next(iter(get_close_matches(variable, known, n=1)), None)
        for variable in sorted(os.environ)
        if variable.startswith(PREFIX) and variable not in known
    }


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return without_password(str(value))

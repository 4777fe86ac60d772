"""All settings, loaded from the environment; what cannot be used is told in one line each."""

import os
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from fhir_server.operator_error import OperatorError
from fhir_server.settings.http import HttpSettings
from fhir_server.settings.ingest import IngestSettings
from fhir_server.settings.jobs import JobSettings
from fhir_server.settings.kinds import PREFIX, without_password
from fhir_server.settings.server import ServerSettings
from fhir_server.settings.subscriptions import SubscriptionSettings
from fhir_server.settings.validation import ValidationSettings


class SettingsError(OperatorError):
    """A variable has a value that cannot be used; the message names the variable."""

    exit_code: ClassVar[int] = 2


class Settings(
    ServerSettings,
    HttpSettings,
    IngestSettings,
    SubscriptionSettings,
    JobSettings,
    ValidationSettings,
    BaseSettings,
):
    """All settings. Make one with `load_settings()`, which turns faults into clear lines."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )


def load_settings(**overrides: Any) -> Settings:
    """The settings from the environment; `overrides` win. Errors: SettingsError."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError("; ".join(_fault_lines(error))) from None


def _fault_lines(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        name = str(fault["loc"][0])
        variable = PREFIX + name.upper()
        value = os.environ.get(variable, "")
        if name == "database_url":
            value = without_password(value)
        reason = fault["msg"].removeprefix("Value error, ")
        if fault["type"] != "value_error":
            reason = f"cannot be used: {reason[0].lower()}{reason[1:]}"
        yield f"{variable}: {value!r} {reason}"

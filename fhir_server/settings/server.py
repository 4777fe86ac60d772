"""Settings of the server as a whole: its database, its folder, its log."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from fhir_server.settings.kinds import Folder, Seconds, SettingGroup


class ServerSettings(SettingGroup):
    """The settings under “The server”."""

    heading: ClassVar[str] = "The server"

    database_url: str | None = Field(
        default=None,
        description="PostgreSQL 15 or newer, as `postgresql://user:password@host:5432/name`. "
        "Without it, Osteon starts its own PostgreSQL inside the data directory.",
    )
    data_dir: Folder = Field(
        default=Path("var"),
        description="The data directory: the embedded PostgreSQL and its log, installed packages and "
        "imported terminology. Made where missing; "
        "a relative path starts at the working directory.",
    )
    pool_size: Annotated[int, Field(ge=1, le=200)] = Field(
        default=10, description="The largest number of database connections of each process."
    )
    statement_timeout_s: Seconds = Field(
        default=30.0,
        description="Seconds after which the database gives up a statement.",
    )
    language: Literal["en", "fr"] = Field(
        default="en",
        description="The language of texts for clients that ask for none.",
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="How log lines look: `json`, one object a line, or `console`; `auto` takes "
        "`console` on a terminal. Log lines never hold patient data.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe log line that is written."
    )
    debug: bool = Field(
        default=False, description="Whether the command line shows the traceback of a fault."
    )

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in {"postgresql", "postgres"}:
            raise ValueError("is no PostgreSQL URL; expected postgresql://user@host:5432/name")
        return value

"""Settings: environment variables with the prefix `OSTEON_`, typed, each documented.

`osteon settings` lists them with their values; `docs/settings.md` is generated from them.
"""

import ipaddress
import os
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fhir_server.operator_error import OperatorError

PREFIX = "OSTEON_"
MEBIBYTE = 1024 * 1024

Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class SettingsError(OperatorError):
    """A variable has a value that cannot be used; the message names the variable."""

    exit_code: ClassVar[int] = 2


class Settings(BaseSettings):
    """All settings. Make one with `load_settings()`, which turns faults into clear lines."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    database_url: str | None = Field(
        default=None,
        description="PostgreSQL 15 or newer, as `postgresql://user:password@host:5432/name`. "
        "Without it, Osteon starts its own PostgreSQL inside the data directory.",
    )
    data_dir: Path = Field(
        default=Path("var"),
        description="The data directory: the embedded PostgreSQL and its log, installed packages and "
        "imported terminology. Made where missing; "
        "a relative path starts at the working directory.",
    )
    bind: str = Field(
        default="127.0.0.1",
        description="The address to listen on, for HTTP and MLLP. As long as no access control is "
        "configured, only a loopback address is taken.",
    )
    http_port: Port = Field(default=8080, description="The port for FHIR and the pages.")
    mllp_port: Port = Field(default=2575, description="The port for HL7 v2 over MLLP.")
    base_url: str | None = Field(
        default=None,
        description="The FHIR base as clients see it, when a proxy stands in front. "
        "Without it: `http://<bind>:<http port>/fhir`.",
    )
    language: Literal["en", "fr"] = Field(
        default="en",
        description="The language of texts for clients that ask for none.",
    )
    web_processes: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="How many processes answer HTTP; they share the port."
    )
    pool_size: Annotated[int, Field(ge=1, le=200)] = Field(
        default=10, description="The largest number of database connections of each process."
    )
    statement_timeout_s: Seconds = Field(
        default=30.0,
        description="Seconds after which the database gives up a statement.",
    )
    full_text: bool = Field(
        default=True,
        description="Whether the words of resources are indexed, for `_text` and `_content`. Off, writes "
        "are cheaper and the store smaller; turned on later, `osteon reindex` indexes what is stored.",
    )
    request_timeout_s: Seconds = Field(
        default=120.0,
        description="Seconds after which a request is given up: what it runs in the database is cancelled "
        "and the client is answered 504.",
    )
    max_body_bytes: Positive = Field(
        default=64 * MEBIBYTE, description="The largest HTTP request body, in bytes."
    )
    max_bundle_entries: Positive = Field(
        default=10_000, description="The largest number of entries in a batch or transaction."
    )
    referential_integrity: bool = Field(
        default=False,
        description="Whether a reference to a resource of this server must lead to one that exists, and "
        "a resource that others refer to cannot be deleted.",
    )
    expunge_secret: SecretStr | None = Field(
        default=None,
        description="The secret that `$expunge` asks for, as `Authorization: Bearer …`. Without it, "
        "nothing can be expunged.",
    )
    conditional_delete_limit: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1,
        description="The largest number of resources that one conditional delete may take; criteria "
        "that match more are refused.",
    )
    receipt_window_s: Annotated[float, Field(ge=0, le=31_536_000)] = Field(
        default=7 * 86_400,
        description="Seconds for which a transaction with unconditional creates that is sent again, "
        "alike to the last value, gets its first answer and stores nothing. 0: never.",
    )
    mllp_tls_port: Port | None = Field(
        default=None,
        description="The port for HL7 v2 over MLLP with TLS. A client certificate is asked for, and speaks "
        "for the centres whose register line names it. Without it, MLLP is plain only.",
    )
    tls_certificate: Path | None = Field(
        default=None, description="The server's certificate for TLS, with its chain, as PEM."
    )
    tls_key: Path | None = Field(
        default=None, description="The private key of the server's certificate, as PEM."
    )
    tls_client_ca: Path | None = Field(
        default=None,
        description="The certificates, as PEM, of the authorities whose client certificates are taken.",
    )
    inbox_dir: Path | None = Field(
        default=None,
        description="A folder watched for files of HL7 v2 messages, bare or as FHS/BHS batches. Files taken "
        "move to `done/`, others to `failed/` with the reason; answers stand in `answers/`.",
    )
    mllp_max_frame_bytes: Positive = Field(
        default=80 * MEBIBYTE,
        description="The largest HL7 v2 message, in bytes; a document of 50 MB fits.",
    )
    mllp_max_connections: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=256, description="How many MLLP connections may be open at the same time."
    )
    mllp_idle_timeout_s: Seconds = Field(
        default=3600.0,
        description="Seconds after which an MLLP connection on which nothing comes is closed.",
    )
    mllp_frame_timeout_s: Seconds = Field(
        default=30.0,
        description="Seconds that a sender may pause in the midst of a message.",
    )
    ack_deadline_s: Seconds = Field(
        default=10.0,
        description="Seconds within which an HL7 v2 message is journalled and acknowledged; "
        "afterwards the connection is closed, never answered late, and the sender sends again.",
    )
    ingest_workers: Annotated[int, Field(ge=0, le=64)] = Field(
        default=1,
        description="How many processes translate HL7 v2 messages and store them; 0: none here, "
        "`python -m ingest.worker` runs one elsewhere.",
    )
    journal_retention_days: Annotated[int, Field(ge=0, le=36_500)] = Field(
        default=0,
        description="Days after which settled HL7 v2 messages leave the journal; those that are held or "
        "wait stay. 0: never.",
    )
    silence_alert_s: Seconds = Field(
        default=86_400,
        description="Seconds without a message after which a centre that used to send counts as silent, "
        "unless pauses half as long are usual for it.",
    )
    mappings_dir: Path | None = Field(
        default=None,
        description="A folder with maps, code maps and the centre register, in place of those that are "
        "installed. Changes are taken up while the server runs.",
    )
    subscription_endpoints: str = Field(
        default="loopback",
        description="Where notifications of Subscriptions may go: URL prefixes, separated by commas; "
        "`loopback` for this machine's own addresses, save the ports of this server; `none`.",
    )
    subscription_workers: Annotated[int, Field(ge=0, le=16)] = Field(
        default=1, description="How many processes deliver notifications; 0: none here."
    )
    subscription_timeout_s: Seconds = Field(
        default=10.0,
        description="Seconds that the receiver of a notification may take to answer; a Subscription may "
        "ask for fewer.",
    )
    subscription_longest_pause_s: Seconds = Field(
        default=300.0,
        description="The longest pause, in seconds, before a notification that was not taken is sent "
        "again; pauses double from one second up to it, and never end.",
    )
    subscription_events_kept_s: Annotated[float, Field(ge=0, le=315_360_000)] = Field(
        default=30 * 86_400,
        description="Seconds for which delivered events stay, for `Subscription/[id]/$events`.",
    )
    job_workers: Annotated[int, Field(ge=0, le=16)] = Field(
        default=1,
        description="How many processes carry out requests with `Prefer: respond-async`; 0: none here, "
        "`python -m fhir_server.jobs` runs one elsewhere.",
    )
    job_queue: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=100,
        description="How many such requests may wait or run at the same time; further ones are answered 429.",
    )
    job_timeout_s: Annotated[float, Field(gt=0, le=604_800)] = Field(
        default=3600.0, description="Seconds that such a request may take; then it is given up."
    )
    job_kept_s: Annotated[float, Field(gt=0, le=31_536_000)] = Field(
        default=86_400.0,
        description="Seconds for which the answer to such a request stays to be fetched.",
    )
    terminology_server: str | None = Field(
        default=None,
        description="The FHIR base of a terminology server that is asked for codes of systems which are not "
        "available here. Only codes are sent. Without it, such codes are reported as not checked.",
    )
    terminology_timeout_s: Seconds = Field(
        default=5.0,
        description="Seconds that the terminology server may take; one that gives no answer is left alone "
        "for a minute.",
    )
    wrong_displays: Literal["error", "warning"] = Field(
        default="error",
        description="What validation makes of a display that the code system does not have. It is a warning "
        "in any case where the resource is in a language that the code system does not speak.",
    )
    wrong_units: Literal["error", "warning"] = Field(
        default="error",
        description="What validation makes of a unit code that its system, UCUM for example, does not have. "
        "For what HL7 v2 messages send it is always a warning.",
    )
    unknown_profiles: Literal["error", "warning"] = Field(
        default="warning",
        description="What validation makes of a profile that a resource claims and that is not loaded. One "
        "that is asked for is an error in any case.",
    )
    package_registry: str | None = Field(
        default=None,
        description="The base URL of the FHIR package registry that `osteon package install NAME@VERSION` "
        "and the dependencies of packages are fetched from. Without it, packages come from files only.",
    )
    package_timeout_s: Seconds = Field(
        default=30.0,
        description="Seconds that the package registry may take for an answer, and between parts of it.",
    )
    allowed_hosts: str = Field(
        default="",
        description="The host names that requests may be addressed to, separated by commas, beside "
        "`localhost`, `127.0.0.1`, `[::1]`, `OSTEON_BIND` and the host of `OSTEON_BASE_URL`; others are "
        "answered 400, so that no other site's page reaches this server by a name of its own.",
    )
    access_log: bool = Field(
        default=False,
        description="Whether each HTTP request leaves a log line: its id, method, interaction, resource "
        "type, status, time and sizes, and the names of its parameters. Never an id of a path or a value.",
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

    @field_validator("bind")
    @classmethod
    def _check_bind(cls, value: str) -> str:
        if not _is_loopback(value):
            raise ValueError(
                "is not a loopback address; without access control Osteon listens on loopback "
                "only, for example 127.0.0.1"
            )
        return value

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in {"postgresql", "postgres"}:
            raise ValueError("is no PostgreSQL URL; expected postgresql://user@host:5432/name")
        return value

    @field_validator("base_url", "package_registry", "terminology_server")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("is no web address; expected, for example, https://host.example/fhir")
        return value.rstrip("/")

    @field_validator("subscription_endpoints")
    @classmethod
    def _check_endpoints(cls, value: str) -> str:
        for part in (each.strip() for each in value.split(",")):
            parts = urlsplit(part)
            is_prefix = parts.scheme in {"http", "https"} and parts.hostname and not parts.query
            if part not in {"loopback", "none"} and not is_prefix:
                raise ValueError(
                    "is no list of places; expected `none`, `loopback` or web addresses such as "
                    "https://host.example/hooks, separated by commas"
                )
        return value

    @field_validator("data_dir", "mappings_dir", "inbox_dir")
    @classmethod
    def _resolve_folder(cls, value: Path | None) -> Path | None:
        return value.expanduser().resolve() if value else None

    @property
    def origin(self) -> str:
        """Where this server itself answers HTTP, without a path."""
        host = f"[{self.bind}]" if ":" in self.bind else self.bind
        return f"http://{host}:{self.http_port}"

    @property
    def allowed_host_names(self) -> frozenset[str]:
        """The hosts that requests may be addressed to, in lower case, IPv6 addresses in brackets."""
        own = urlsplit(self.origin).netloc, urlsplit(self.fhir_base).netloc
        named = [part.strip() for part in self.allowed_hosts.split(",") if part.strip()]
        hosts = ("localhost", "127.0.0.1", "[::1]", *map(_without_port, own), *named)
        return frozenset(host.lower() for host in hosts)

    @property
    def subscription_endpoint_list(self) -> list[str]:
        """The places that notifications may go to: `loopback` and URL prefixes."""
        parts = [part.strip() for part in self.subscription_endpoints.split(",")]
        return [part for part in parts if part != "none"]

    @property
    def fhir_base(self) -> str:
        """The FHIR base as clients see it, without a closing slash."""
        return self.base_url or f"{self.origin}/fhir"


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() else host


@dataclass(frozen=True, slots=True)
class DocumentedSetting:
    """One line of `osteon settings`."""

    variable: str
    default: str
    value: str
    description: str


def load_settings(**overrides: Any) -> Settings:
    """The settings from the environment; `overrides` win. Errors: SettingsError."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError("; ".join(_fault_lines(error))) from None


def documented_settings(settings: Settings | None = None) -> Iterator[DocumentedSetting]:
    """Every setting with its default and documentation, and its value in given settings.

    Shape: passwords are hidden; without settings the values are the defaults.
    """
    for name, field in Settings.model_fields.items():
        yield DocumentedSetting(
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


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return without_password(str(value))


def without_password(url: str) -> str:
    """The URL with its password, if it has one, as dots."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return "(not readable)"
    if not parts.scheme or password is None:
        return url
    netloc = parts.netloc.replace(f":{password}@", ":…@")
    return urlunsplit(parts._replace(netloc=netloc))


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

"""Settings of the FHIR interface and the pages."""

from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from fhir_server.settings.kinds import (
    MEBIBYTE,
    Port,
    Positive,
    Seconds,
    SettingGroup,
    WebAddress,
    is_loopback,
)


class HttpSettings(SettingGroup):
    """The settings under “FHIR over HTTP”."""

    heading: ClassVar[str] = "FHIR over HTTP"

    bind: str = Field(
        default="127.0.0.1",
        description="The address to listen on, for HTTP and MLLP. As long as no access control is "
        "configured, only a loopback address is taken.",
    )
    http_port: Port = Field(default=8080, description="The port for FHIR and the pages.")
    web_processes: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="How many processes answer HTTP; they share the port."
    )
    base_url: WebAddress | None = Field(
        default=None,
        description="The FHIR base as clients see it, when a proxy stands in front. "
        "Without it: `http://<bind>:<http port>/fhir`.",
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
    operator_secret: SecretStr | None = Field(
        default=None,
        description="The secret that `$expunge` and `$reindex` ask for, as `Authorization: Bearer …`. "
        "Without it, both are off over HTTP.",
    )
    full_text: bool = Field(
        default=True,
        description="Whether the words of resources are indexed, for `_text` and `_content`. Off, writes "
        "are cheaper and the store smaller; turned on later, `osteon reindex` indexes what is stored.",
    )

    @field_validator("bind")
    @classmethod
    def _check_bind(cls, value: str) -> str:
        if not is_loopback(value):
            raise ValueError(
                "is not a loopback address; without access control Osteon listens on loopback "
                "only, for example 127.0.0.1"
            )
        return value

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
    def fhir_base(self) -> str:
        """The FHIR base as clients see it, without a closing slash."""
        return self.base_url or f"{self.origin}/fhir"


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() else host

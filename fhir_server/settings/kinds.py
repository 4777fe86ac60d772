"""What settings are made of: their prefix, the kinds of their values, and how an address is read."""

import ipaddress
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, Field

PREFIX = "OSTEON_"
MEBIBYTE = 1024 * 1024

Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class SettingGroup(BaseModel):
    """The settings of one room, and the heading they stand under."""

    heading: ClassVar[str]


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is no web address; expected, for example, https://host.example/fhir")
    return value.rstrip("/")


WebAddress = Annotated[str, AfterValidator(_web_address)]
Folder = Annotated[Path, AfterValidator(lambda folder: folder.expanduser().resolve())]


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


def is_loopback(address: str) -> bool:
    """Whether an address, or the name `localhost`, is this machine's own."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

"""MLLP over TLS: client certificates, and the centres that they speak for.

Source: IHE ATNA (ITI-19): both sides show a certificate. HL7 itself defines no TLS beyond TCP's.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings
from ingest.journal.reception import Channel


class Certificates(Protocol):
    """The centre register: which centres a client certificate speaks for."""

    def of_certificate(self, names: Collection[str]) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class MllpTls:
    """What makes a server speak TLS: its own certificate, and the register of the clients'."""

    context: ssl.SSLContext
    register: Certificates

    def channel(self, writer: asyncio.StreamWriter) -> Callable[[], Channel]:
        """What a connection has proven: the centres of its client certificate, perhaps none.

        Shape: asked for each message, since the register may change while the connection stays.
        """
        names = list(_names(writer))
        return lambda: Channel(centres=self.register.of_certificate(names))


def _names(writer: asyncio.StreamWriter) -> Iterator[str]:
    """The SHA-256 fingerprint of the client's certificate, and the common name of its subject."""
    connection = writer.get_extra_info("ssl_object")
    content = connection.getpeercert(binary_form=True)
    if content is not None:
        yield hashlib.sha256(content).hexdigest()
    for part in (connection.getpeercert() or {}).get("subject", ()):
        yield from (value for name, value in part if name == "commonName")


def server_tls(settings: Settings, register: Certificates) -> MllpTls:
    """TLS as the settings say. Errors: OperatorError where a file is missing or cannot be used."""
    files = {
        "OSTEON_TLS_CERTIFICATE": settings.tls_certificate,
        "OSTEON_TLS_KEY": settings.tls_key,
        "OSTEON_TLS_CLIENT_CA": settings.tls_client_ca,
    }
    if missing := [name for name, path in files.items() if path is None]:
        raise OperatorError(f"OSTEON_MLLP_TLS_PORT needs {', '.join(missing)} too")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_cert_chain(str(settings.tls_certificate), settings.tls_key)
        context.load_verify_locations(settings.tls_client_ca)
    except (OSError, ssl.SSLError) as error:
        raise OperatorError(f"{', '.join(files)}: {error.strerror or error}") from None
    return MllpTls(context, register)

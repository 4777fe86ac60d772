"""What the routes beside FHIR need of the opened server."""

from typing import Protocol

from fhir_server.settings import Settings
from fhir_server.store.database import Database


class ServerParts(Protocol):
    """The settings and the database; `FhirServer` has them."""

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        ...

    @property
    def database(self) -> Database:
        """The pool of this process."""
        ...

"""The maps in force: those of the settings, read again when a file among them changes.

A centre that is added and a code that is mapped count from the next message on, in every process, without a
restart. Maps that cannot be read leave the former ones in force.
"""

import time
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import ClassVar

import structlog

from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings
from ingest.hl7v2 import Message
from ingest.mapping import (
    CentreRegister,
    Draft,
    Library,
    MapError,
    draft_message,
    load_library,
)
from ingest.mapping.centres import Centre
from ingest.mapping.library import mappings_folder

LOOK_EVERY_S = 1.0
"""How often the files are looked at, at most."""

Fingerprint = frozenset[tuple[str, int, int]]

log = structlog.stdlib.get_logger("osteon.maps")


class MapFaultError(OperatorError):
    """A map cannot be read: the file, the line and what was expected there."""

    exit_code: ClassVar[int] = 2


class CurrentMaps:
    """The library of a folder, as the folder is now.

    Errors: MapError from the first reading only.
    Cost: a look at the files at most once a second; 0.3 s where one has changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._fingerprint = fingerprint(folder)
        self._library = load_library(folder)
        self._looked = time.monotonic()
        self.register = LiveRegister(self)

    @property
    def library(self) -> Library:
        """The library in force."""
        if time.monotonic() - self._looked > LOOK_EVERY_S:
            with self._lock:
                self._look()
        return self._library

    def draft_message(self, message: Message) -> Draft:
        """Translate a message by the library in force, as far as it goes without the store."""
        return draft_message(message, library=self.library)

    def _look(self) -> None:
        self._looked = time.monotonic()
        try:
            found = fingerprint(self.folder)
            if found == self._fingerprint:
                return
            self._fingerprint = found
            self._library = load_library(self.folder)
        except (MapError, OSError) as fault:
            log.error(  # noqa: TRY400 — the fault names the file and line; a traceback tells no more
                "changed maps cannot be read; the former ones stay", fault=str(fault)
            )
        else:
            log.info("maps read again", folder=str(self.folder))


class LiveRegister:
    """The centre register as it is now; it stands where a `CentreRegister` is asked for senders."""

    def __init__(self, maps: CurrentMaps) -> None:
        self._maps = maps

    @property
    def current(self) -> CentreRegister:
        """The register itself."""
        return self._maps.library.register

    @property
    def centres(self) -> Mapping[str, Centre]:
        """All centres by id."""
        return self.current.centres

    def of_sender(self, application: str | None, facility: str | None) -> Centre | None:
        """The centre that sends as MSH-3 and MSH-4."""
        return self.current.of_sender(application, facility)

    def of_certificate(self, names: Collection[str]) -> frozenset[str]:
        """The centres that a client certificate speaks for."""
        return self.current.of_certificate(names)


def fingerprint(folder: Path) -> Fingerprint:
    """Name, time and size of each file among the maps."""
    return frozenset(
        (str(path), found.st_mtime_ns, found.st_size)
        for path in folder.rglob("*")
        if path.suffix in {".yaml", ".csv"} and (found := path.stat())
    )


def maps_folder(settings: Settings) -> Path:
    """The folder of the settings, else the installed one."""
    return settings.mappings_dir or mappings_folder()


def current_maps(settings: Settings) -> CurrentMaps:
    """The maps of the settings; one per folder and process. Errors: MapFaultError."""
    return _maps_of(maps_folder(settings))


@cache
def _maps_of(folder: Path) -> CurrentMaps:
    try:
        return CurrentMaps(folder)
    except (MapError, OSError) as fault:
        raise MapFaultError(str(fault)) from None

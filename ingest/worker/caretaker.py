"""What workers see to between messages: changed maps, released messages, the journal's upkeep.

Every worker does it; locks of the database and the states of the messages keep it from being done twice.
"""

import gc
import time
from datetime import UTC, datetime, timedelta

import structlog

from fhir_server.collector import spare_what_stays
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.transaction import transaction
from fhir_server.model.issues import Refused
from ingest.journal.upkeep import expire_messages, sum_up_tally
from ingest.journal.work_items import WorkItem, release_resolved
from ingest.mapping import organizations_bundle
from ingest.maps import LOOK_EVERY_S, CurrentMaps
from ingest.resolution import resolves
from ingest.worker.queue import Connection

RELEASE_EVERY_S = 2.0
OTHERS_KNOW_AFTER = timedelta(seconds=5 * LOOK_EVERY_S)
"""By then every worker has read changed maps; what it held before may be released once more."""

COLLECT_EVERY_S = 10.0
"""How often what messages have left is given back. Nothing is in hand then, so that all of it is found; a
look of the collector's own in the midst of a group takes the group for what stays, and comes back to it only
after some hundred thousand messages."""

SUM_UP_EVERY_S = 60.0
EXPIRE_EVERY_S = 3600.0
WARM_AFTER = 50
"""After so many looks the profiles and maps that are in use are compiled, and stay."""

log = structlog.stdlib.get_logger("osteon.worker")


class Caretaker:
    """Sees to what is due, as often as it is asked. Shape: `look` takes a connection in autocommit."""

    def __init__(self, server: FhirServer, maps: CurrentMaps) -> None:
        self._server = server
        self._maps = maps
        self._library = maps.library
        self._changed = datetime.now(UTC)
        self._due: dict[str, float] = {}
        self._looks = 0

    def look(self, connection: Connection) -> None:
        """Do what is due. Cost: two readings of a clock where nothing is."""
        self._looks += 1
        if self._looks == WARM_AFTER:
            spare_what_stays()
        library = self._maps.library
        if library is not self._library:
            self._library, self._changed = library, datetime.now(UTC)
            self._store_register()
        if self._is_due("collect", COLLECT_EVERY_S):
            gc.collect()
        if self._is_due("release", RELEASE_EVERY_S):
            self._release(connection)
        if self._is_due("sum up", SUM_UP_EVERY_S):
            sum_up_tally(connection)
        if self._is_due("expire", EXPIRE_EVERY_S):
            deleted = expire_messages(connection, self._server.settings.journal_retention_days)
            if deleted:
                log.info("messages left the journal", messages=deleted)

    def _is_due(self, name: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(name, 0.0):
            return False
        self._due[name] = now + every_s
        return True

    def _store_register(self) -> None:
        """Bring the centres into the store as Organizations; resources of their messages name them."""
        try:
            transaction(self._server, organizations_bundle(self._library.register.centres.values()))
        except Refused as refused:
            ids = [issue.id for issue in refused.issues]
            log.warning("the centres cannot be stored", status=refused.status, issues=ids)

    def _release(self, connection: Connection) -> None:
        """Release what was held for a reason that the maps have taken away."""
        edge = self._changed + OTHERS_KNOW_AFTER
        if datetime.now(UTC) > edge + 2 * OTHERS_KNOW_AFTER:
            return

        def is_resolved(item: WorkItem) -> bool:
            return resolves(self._library, item)

        released = release_resolved(connection, is_resolved, before=edge)
        if released:
            log.info("held messages are replayed under the maps in force", messages=released)

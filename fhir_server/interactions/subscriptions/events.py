"""Events of writes: which Subscriptions a transaction's new versions are of interest to.

The criteria are evaluated by the search itself, on the rows as the transaction has written them, so that
a notification and a search never disagree. Deletions are matched before they are carried out.
"""

from collections import defaultdict
from collections.abc import Sequence

import structlog

from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subscriptions.definition import (
    has_ended,
    parse_trigger,
    read_definition,
)
from fhir_server.interactions.subscriptions.status import current_of, is_same
from fhir_server.interactions.writing.change import Change
from fhir_server.model.issues import Refused
from fhir_server.model.json_source import parse_stored
from fhir_server.search.match import matching_keys
from fhir_server.search.request import SearchRequest
from fhir_server.store.resources import Connection, NewVersion
from fhir_server.store.subscriptions import (
    Method,
    NewEvent,
    store_events,
    subscriptions_about,
    switch_off,
    switch_on,
)

log = structlog.stdlib.get_logger("osteon.subscriptions")


class EventCollector:
    """Gathers what one transaction writes, and puts its events into the outbox at the end."""

    def __init__(self, server: FhirServer, connection: Connection) -> None:
        self._server = server
        self._connection = connection
        self._is_watched = False
        self._written: dict[Method, list[NewVersion]] = {"create": [], "update": []}
        self._changed: list[tuple[Change, NewVersion]] = []
        self._events: defaultdict[int, dict[int, NewEvent]] = defaultdict(dict)

    def before_write(
        self, changes: Sequence[Change], versions: Sequence[NewVersion], *, is_watched: bool
    ) -> None:
        """Take note of versions that are about to be written; `is_watched` where a Subscription is on.

        Cost: two statements where some delete and are watched.
        """
        self._is_watched = self._is_watched or is_watched
        for version in versions:
            if not version.resource.deleted:
                is_new = version.replaces is None or version.replaces.deleted
                self._written["create" if is_new else "update"].append(version)
        self._match("delete", [version for version in versions if version.resource.deleted])
        own = {v.resource.id: v for v in versions if v.resource.type == "Subscription"}
        self._changed += [
            (change, own[change.id])
            for change in changes
            if change.type == "Subscription" and change.id in own
        ]

    def record(self) -> None:
        """Write the events. Cost: none where no Subscription is on, a statement where none is about these
        types.
        """
        for method, versions in self._written.items():
            self._match(method, versions)
        if any(self._events.values()):
            gathered = {
                key: list(events.values()) for key, events in self._events.items() if events
            }
            store_events(self._connection, gathered)
        for change, version in sorted(self._changed, key=lambda pair: pair[1].resource.key):
            self._switch(change, version)

    def _match(self, method: Method, versions: Sequence[NewVersion]) -> None:
        watched = {
            v.resource.key: v.resource for v in versions if v.resource.type != "Subscription"
        }
        if not watched or not self._is_watched:
            return
        types = {resource.type for resource in watched.values()}
        asked: list[tuple[int, SearchRequest]] = []
        for subscription in subscriptions_about(self._connection, types):
            for trigger in subscription.triggers:
                if method in trigger.methods and trigger.type in types:
                    try:
                        asked.append((subscription.key, parse_trigger(self._server, trigger.query)))
                    except Refused:
                        log.warning("criteria no longer readable", subscription=subscription.key)
        found = matching_keys(self._connection, [request for _, request in asked], watched)
        for (subscription_key, _), keys in zip(asked, found, strict=True):
            events = self._events[subscription_key]
            events.update({key: NewEvent(watched[key], method) for key in sorted(keys)})

    def _switch(self, change: Change, version: NewVersion) -> None:
        stored = version.resource
        resource = {} if stored.body is None else parse_stored(stored.body)
        if resource.get("status", "off") == "off" or has_ended(resource):
            switch_off(self._connection, stored.key)
            return
        definition, _ = read_definition(self._server, resource)
        current = current_of(change)
        asks_anew = resource["status"] == "requested" or not is_same(current, resource)
        is_renewed = not change.by_server and asks_anew
        switch_on(self._connection, stored, definition.triggers, definition.ends,
                  is_renewed=is_renewed)  # fmt: skip

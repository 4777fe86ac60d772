"""The journal in numbers, per centre: counts, rates, the last message, the oldest that is held, silence.

All of it is read from the tally and from indexes; nothing grows with the journal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg

UNKNOWN = "unknown"
"""How messages of unknown senders are told."""

HABIT = timedelta(days=28)
"""How far back the pauses between a centre's messages are looked at."""

_TALLY = """
SELECT centre, state, hour, sum(messages)
FROM ingest_tally GROUP BY centre, state, hour HAVING sum(messages) <> 0
"""
# `state <> 'stored'` is what the partial index asks for; `centre` alone would walk the centre's messages.
_ENDS = """
SELECT asked.centre,
    (SELECT received FROM ingest_message WHERE centre = asked.centre ORDER BY id DESC LIMIT 1),
    (SELECT min(received) FROM ingest_message
     WHERE state = 'held' AND state <> 'stored' AND centre = asked.centre),
    (SELECT min(received) FROM ingest_message
     WHERE state = 'received' AND state <> 'stored' AND centre = asked.centre)
FROM unnest(%s::text[]) AS asked (centre)
"""
_UNKNOWN_ENDS = """
SELECT '',
    max(received), min(received) FILTER (WHERE state = 'held'),
    min(received) FILTER (WHERE state = 'received')
FROM ingest_message WHERE centre IS NULL AND state <> 'stored'
"""


@dataclass(slots=True)
class CentreStatistics:
    """One centre.

    Shape: `states` the messages now in each state; `last_hour` those received in the hour under way and
    the one before, `last_day` in 24 hours and the one under way; `longest_pause` between the hours in
    which messages came, within `HABIT`; `silent` whether the pause since the last message is longer
    than the alert's, and more than twice the longest one.
    """

    centre: str
    states: dict[str, int] = field(default_factory=dict)
    hours: dict[datetime, int] = field(default_factory=dict)
    last: datetime | None = None
    oldest_held: datetime | None = None
    oldest_waiting: datetime | None = None
    silent: bool = False

    def received_since(self, moment: datetime) -> int:
        """Messages of the hours that begin at a moment or later."""
        return sum(messages for hour, messages in self.hours.items() if hour >= moment)

    def longest_pause(self, now: datetime) -> timedelta:
        """The longest pause between two hours with messages, as far as habits are looked at."""
        hours = sorted(hour for hour in self.hours if hour >= now - HABIT)
        pauses = (later - earlier for earlier, later in pairwise(hours))
        return max(pauses, default=timedelta(0))


def centre_statistics(
    connection: psycopg.Connection[Any],
    centres: Iterable[str],
    *,
    silence_alert_s: float,
    now: datetime | None = None,
) -> Sequence[CentreStatistics]:
    """The numbers of the given centres and of all others in the journal, by id, unknown senders last.

    Cost: one pass over the tally, which `upkeep` keeps at a row per centre, state and hour of four
    weeks; two index look-ups per centre.
    """
    moment = now or datetime.now(UTC)
    found = {centre: CentreStatistics(centre) for centre in centres}
    for centre, state, hour, messages in connection.execute(_TALLY).fetchall():
        one = found.setdefault(centre, CentreStatistics(centre))
        one.states[state] = one.states.get(state, 0) + int(messages)
        one.hours[hour] = one.hours.get(hour, 0) + int(messages)
    for centre, *ends in _ends(connection, found):
        one = found[centre]
        one.last, one.oldest_held, one.oldest_waiting = ends
    for one in found.values():
        one.silent = is_silent(one, moment, timedelta(seconds=silence_alert_s))
    return sorted(found.values(), key=lambda one: (not one.centre, one.centre))


def _ends(
    connection: psycopg.Connection[Any], found: Mapping[str, CentreStatistics]
) -> list[tuple[Any, ...]]:
    known = [centre for centre in found if centre]
    rows = connection.execute(_ENDS, (known,)).fetchall()
    return rows + (connection.execute(_UNKNOWN_ENDS).fetchall() if "" in found else [])


def is_silent(one: CentreStatistics, now: datetime, alert: timedelta) -> bool:
    """Whether a centre that used to send has fallen silent. Unknown senders and those that never sent
    are not.
    """
    if not one.centre or one.last is None:
        return False
    pause = now - one.last
    return pause > alert and pause > 2 * one.longest_pause(now)

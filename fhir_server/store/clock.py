"""The database's clock, the one clock of all processes, as far as a process can tell it without asking."""

from datetime import UTC, datetime, timedelta

_MARGIN = timedelta(milliseconds=5)
"""How far to stay behind another machine's clock, so that their drift does not tell at once."""


class DatabaseClock:
    """The clock of the process, and how far the database's is ahead of it. Shared between threads."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """The time in whole milliseconds, as versions carry it."""
        now = datetime.now(UTC) + self._ahead
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def learn(self, told: datetime) -> None:
        """Follow what the database has just told."""
        self._ahead = told - datetime.now(UTC) - _MARGIN

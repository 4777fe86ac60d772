"""A limit to the time that messages may take, which ends the worker: nothing else stops whatever it does.

The time is that of the processor, so that neither a slow database nor a busy machine counts. Where it has
run out, the worker writes down which message it was and ends, and its successor holds the message. Code that
never returns to Python, and so to the handler, is ended by the system a little later; that counts as a death.

Source: setitimer(2). The interpreter calls the handler between two of its instructions, and the `re` module
while it backtracks.
"""

import os
import signal
from collections.abc import Callable
from typing import Protocol

import structlog

GRACE_S = 10.0
"""How much longer code that does not return to Python may take."""

EXIT_CODE = 75
"""As EX_TEMPFAIL in sysexits.h: another attempt is in order."""

log = structlog.stdlib.get_logger("osteon.worker")


class Limit(Protocol):
    """A limit to what happens between `begin` and the next `begin` or `end`."""

    def begin(self) -> None: ...
    def end(self) -> None: ...


class _NoLimit:
    def begin(self) -> None:
        """See Limit."""

    def end(self) -> None:
        """See Limit."""


NO_LIMIT: Limit = _NoLimit()


class TimeLimit:
    """A limit in seconds of processor time, for the main thread of a process.

    Cost: two system calls for each beginning.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s

    def on_overdue(self, note: Callable[[], None]) -> None:
        """Note what ran out of time by this, then end the process."""

        def overdue(*_: object) -> None:
            # As if killed: whoever was interrupted holds locks and connections in an unknown state.
            try:
                note()
                log.error("worker ends, its time limit has passed", limit_s=self._limit_s)
            finally:
                os._exit(EXIT_CODE)

        signal.signal(signal.SIGPROF, overdue)
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)

    def begin(self) -> None:
        """The time counts from now on."""
        signal.setitimer(signal.ITIMER_PROF, self._limit_s)
        signal.setitimer(signal.ITIMER_VIRTUAL, self._limit_s + GRACE_S)

    def end(self) -> None:
        """It counts no longer."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)

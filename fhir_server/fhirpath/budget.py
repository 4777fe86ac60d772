"""How much work one evaluation may do.

An expression comes from a profile, a SearchParameter or a request, and a short one can double what it holds
with every step. Whatever multiplies spends here: items gone through or gathered, comparisons of each with
each, characters made.
"""

from time import thread_time

from fhir_server.fhirpath.errors import execution_error

MAX_WORK = 5_000_000
"""Units of one evaluation: an item gone through or gathered each. Checks of resources of several megabytes
stay below a tenth."""

PAIRS_SHIFT = 1
"""Binary logarithm of the comparisons to a unit."""

TEXT_SHIFT = 4
"""Binary logarithm of the characters to a unit."""

FREE = 64
"""Items of one step, or characters of one text, that are not counted: most have fewer, and each loop
around them counts."""

MAX_PROCESSOR_S = 5.0
"""Processor time of one evaluation: what a unit costs depends on the data."""

STRETCH = 1_000
"""Units between two looks at the clock; nearly all evaluations end before the first."""


class Budget:
    """What is left of the work and the time of one evaluation.

    Cost: 40 ns each time something is spent.
    """

    __slots__ = ("_ends", "_left", "_until_look")

    def __init__(self) -> None:
        self._until_look = STRETCH
        self._left = MAX_WORK

    def spend(self, units: int) -> None:
        """Take units off. Errors: FHIRPathError where the work or the time is used up."""
        self._until_look -= units
        if self._until_look < 0:
            self._look()

    def _look(self) -> None:
        now = thread_time()
        if self._left == MAX_WORK:
            self._ends = now + MAX_PROCESSOR_S
        self._left -= STRETCH - self._until_look
        self._until_look = STRETCH
        if self._left < 0 or now > self._ends:
            raise execution_error("fhirpath-too-costly")

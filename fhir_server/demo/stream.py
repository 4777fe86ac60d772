"""Random values that depend on their key alone.

Each patient draws from its own stream, keyed by the seed and the patient's index, so that patient 17
is the same person in a network of twenty and of twenty thousand.
"""

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from typing import TypeVar

Value = TypeVar("Value")


class Stream:
    """A reproducible source of choices.

    Only `Random.random` is promised to give the same sequence in every Python version, so everything
    here is drawn from it.
    Source: https://docs.python.org/3/library/random.html#notes-on-reproducibility
    """

    __slots__ = ("_draw",)

    def __init__(self, *key: object) -> None:
        text = "/".join(str(part) for part in key)
        self._draw = Random(text).random  # noqa: S311 - invented patients, no secrets

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._draw() < probability

    def between(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included, all alike."""
        return low + int(self._draw() * (high - low + 1))

    def around(self, low: int, mode: int, high: int) -> int:
        """An integer of a triangular distribution with its peak at `mode`."""
        share, peak = self._draw(), (mode - low) / max(high - low, 1)
        span = high - low
        if share < peak:
            return low + round(span * math.sqrt(share * peak))
        return high - round(span * math.sqrt((1 - share) * (1 - peak)))

    def pick(self, values: Sequence[Value]) -> Value:
        """One of the values, all alike."""
        return values[int(self._draw() * len(values))]

    def weighted(self, choices: Sequence[tuple[Value, float]]) -> Value:
        """One of the values, by weight; weights need not add up to one."""
        left = self._draw() * sum(weight for _, weight in choices)
        for value, weight in choices:
            left -= weight
            if left < 0:
                return value
        return choices[-1][0]

    def moment(self, day: date) -> datetime:
        """A moment of the working hours of `day`, or of the Monday after it at a weekend."""
        weekend = max(0, day.weekday() - 4)
        working_day = day + timedelta(days=(0, 2, 1)[weekend])
        return datetime.combine(working_day, time(self.between(8, 17), self.between(0, 59)))

    def days_after(self, start: date, low: int, high: int) -> date:
        """A day `low` to `high` days after `start`."""
        return start + timedelta(days=self.between(low, high))

"""What the centres send: the messages of the synthetic network, by centre, out of order within a window."""

import random
from collections import deque
from collections.abc import Iterator

from fhir_server.demo.adt import adt_messages
from fhir_server.demo.centres import load_centres
from fhir_server.demo.messages import V2Message
from fhir_server.demo.network import patient
from fhir_server.demo.oru import pathology_messages

WINDOW = 6
"""How far a message may come before or after its turn."""


class Feed:
    """Messages without end, for each centre those that it sends. Shape: the same for the same seed."""

    def __init__(self, seed: int, most: int | None = None) -> None:
        self._centres = load_centres()
        self._seed = seed
        self._patients = 0
        self._left = most
        self._random = random.Random(seed)  # noqa: S311 — a repeatable disorder
        self._waiting: dict[str, deque[V2Message]] = {centre: deque() for centre in self._centres}

    @property
    def centres(self) -> list[str]:
        """The ids of all centres."""
        return list(self._centres)

    def next_of(self, centre: str) -> V2Message | None:
        """The next message of a centre, one of its next few; None once the feed has given all."""
        if self._left is not None and self._left <= 0:
            return None
        waiting = self._waiting[centre]
        while len(waiting) < WINDOW:
            self._add_patient()
        place = self._random.randrange(WINDOW)
        found = waiting[place]
        del waiting[place]
        if self._left is not None:
            self._left -= 1
        return found

    def _add_patient(self) -> None:
        self._patients += 1
        for message in self._messages(self._patients):
            self._waiting[message.centre].append(message)

    def _messages(self, index: int) -> Iterator[V2Message]:
        person = patient(self._seed, index, self._centres)
        home = self._centres[person.centre]
        messages = (*adt_messages(person, home), *pathology_messages(person, self._centres))
        yield from sorted(messages, key=lambda one: one.at)

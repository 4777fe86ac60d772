"""A message translated without a look at the store, and what has to be asked of it to finish.

The questions of many messages can be answered together; each message is then finished by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ingest.mapping.result import MappingResult, Resource, Stored

Question = tuple[str, tuple[tuple[str, str], ...]]
"""A resource type and search parameters, as they are given to `Stored`."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message on its way.

    Shape: `questions` gives those that `finish` is sure to ask; it may ask others that follow from the
    answers. `finish` is called once: the Bundle takes over the resources of the draft.
    """

    finish: Callable[[Stored | None], MappingResult]
    questions: Callable[[], Sequence[Question]] = tuple


@dataclass(frozen=True, slots=True)
class Answered:
    """What the store holds, with the answers to some questions at hand. Shape: a `Stored`."""

    answers: Mapping[Question, Sequence[Resource]]
    stored: Stored

    def __call__(self, resource_type: str, parameters: Mapping[str, str]) -> Sequence[Resource]:
        found = self.answers.get((resource_type, tuple(parameters.items())))
        return self.stored(resource_type, parameters) if found is None else found

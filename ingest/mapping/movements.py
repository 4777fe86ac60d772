"""Where a patient is, and in which state a stay is, by the movements of the stay that stand (PAM.fr).

A movement that is only added counts by its time (ZBE-2), like any element by its key. One that is cancelled
or changed makes an earlier one count again, which the message does not tell: then the stay follows from all
its movements, in whatever order they were told.

Source: PAM.fr 2.11, ZBE; IHE PAM (ITI-31), historic movements.
"""

from collections.abc import Sequence
from typing import Any

from ingest.mapping.assembly import Built
from ingest.mapping.events import V2_0003
from ingest.mapping.merge import Resource, key_of, settled
from ingest.mapping.movement_key import MovementKey
from ingest.mapping.timestamps import sortable

MOVED = ("location", "status", "class")
"""What the movements of a stay tell of it."""

CANCELLED, UNDER_WAY = "cancelled", "in-progress"
NEVER = "0"
"""Before every time."""

CANCELLED_ADMISSIONS = frozenset({"A11", "A38"})


def movement_of(stay: Built) -> Built | None:
    """The movement that the message of a stay tells."""
    found = (scope.built.get("movement") for scope in stay.scopes)
    return next((one for one in found if one is not None), None)


def movement_key(movement: Resource, message_key: str) -> str:
    """The key of what a movement tells of its stay: one that does not stand is outdone by any that does."""
    start = NEVER if movement.get("status") == CANCELLED else _start(movement)
    return MovementKey(start, message_key).written() if start else ""


def _start(movement: Resource) -> str:
    return sortable(str(movement.get("period", {}).get("start", "")))


def is_added(stay: Built) -> bool:
    """Whether the message adds a movement, changing none (ZBE-4 INSERT)."""
    segment = stay.scopes[0].visible().get("ZBE")
    return segment is not None and segment.text(4) == "INSERT"


def moved(stay: Resource, movements: Sequence[Resource]) -> Resource:
    """A stay as its movements have it.

    Shape: by the last one that stands; where none does, by what their cancellations told last.
    """
    standing = [one for one in movements if one["status"] != CANCELLED]
    if standing:
        last = max(standing, key=lambda one: (_start(one), *_order(one)))
        start, status = _start(last) or NEVER, last["status"]
    else:
        last = max(movements, key=_order)
        withdrawn = any(_events(one) & CANCELLED_ADMISSIONS for one in movements)
        start, status = NEVER, CANCELLED if withdrawn else UNDER_WAY
    told = {name: last[name] for name in MOVED if name in last}
    return settled(stay, {**told, "status": status}, MovementKey(start, key_of(last)).written())


def _order(movement: Resource) -> tuple[str, str]:
    """Which of two movements was told later; any fixed order where that does not decide."""
    return key_of(movement), str(movement["identifier"])


def _events(movement: Resource) -> set[Any]:
    codings = [one for concept in movement.get("type", ()) for one in concept.get("coding", ())]
    return {one.get("code") for one in codings if one.get("system") == V2_0003}

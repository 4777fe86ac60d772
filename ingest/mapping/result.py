"""What mapping a message gives: a transaction Bundle, or the reasons why it is held."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from fhir_server.model.issues import Issue

FateKind = Literal["mapped", "kept", "rejected"]
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one non-empty leaf of the message.

    Shape: `path` names the leaf (`OBX[3]-5[1].2`); `targets` the FHIR elements that carry its value,
    empty unless mapped; `reason` why no element takes it, or why it is rejected; `carried` whether the
    Provenance of the message keeps it (else the journal alone does). No value of the message appears
    in any of them.
    """

    path: str
    kind: FateKind
    targets: tuple[str, ...] = ()
    reason: str = ""
    carried: bool = False


class Stored(Protocol):
    """Reads what the store holds now, so that a message is merged into it rather than put over it.

    Shape: a resource type and search parameters in, the current resources (with `id` and
    `meta.versionId`) out; deleted ones are not among them.
    """

    def __call__(
        self, resource_type: str, parameters: Mapping[str, str], /
    ) -> Sequence[Resource]: ...


@dataclass(frozen=True, slots=True)
class MappingResult:
    """The outcome for one message.

    Shape: `held` non-empty means that nothing may be stored and `bundle` is None; its issues are
    the reasons, never with a value of the patient. `issues` are findings that did not stop the
    mapping. A message that asks for nothing has no bundle and no reason.
    `resources` are those made of the message, also where it is held, for whoever mends the reason.
    """

    centre: str | None
    bundle: Resource | None
    issues: tuple[Issue, ...] = ()
    held: tuple[Issue, ...] = ()
    resources: tuple[Resource, ...] = ()
    account: Callable[[], tuple[Fate, ...]] = field(default=tuple, repr=False, compare=False)

    @property
    def fates(self) -> tuple[Fate, ...]:
        """The fate of every non-empty leaf, in message order. Cost: one walk over the message."""
        return self.account()

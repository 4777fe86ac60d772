"""What a map reads from: one repetition of a field, or one component of it seen as a value of its own."""

from abc import ABC, abstractmethod

from ingest.hl7v2.segment import Part, Repetition, cut

Leaf = tuple[int, int, int, int, int]
"""Segment index, field, repetition, component, subcomponent; 0 in the last two stands for all of them."""


class View(ABC):
    """A value with components."""

    __slots__ = ()

    @property
    @abstractmethod
    def repetition(self) -> Repetition:
        """The repetition that the value is, or is a part of."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """The raw components of the value."""

    @abstractmethod
    def get(self, component: int, subcomponent: int = 1) -> str | None:
        """The text of a component; None where it is empty."""

    @abstractmethod
    def leaf(self, component: int, subcomponent: int = 1) -> Leaf:
        """Where a component stands in the message."""

    @abstractmethod
    def whole(self) -> Leaf:
        """All leaves of this value."""

    @abstractmethod
    def as_text(self) -> str | None:
        """The value as one text; delimiters that the sender forgot to escape stay in it."""

    @abstractmethod
    def inner(self, component: int) -> "View":
        """A component seen as a value: its subcomponents are then the components."""

    @property
    @abstractmethod
    def is_null(self) -> bool:
        """Whether the value is `""`: to be deleted."""

    def has(self, component: int) -> bool:
        """Whether anything stands in a component, or in the value where it is 0; `""` is nothing."""
        parts = self.parts()
        if component:
            return component <= len(parts) and bytes(parts[component - 1]) not in {b"", b'""'}
        return any(parts) and not self.is_null


class FieldView(Repetition, View):
    """One repetition of a field."""

    __slots__ = ()

    @property
    def repetition(self) -> Repetition:
        return self

    def parts(self) -> list[Part]:
        return self.components()

    def get(self, component: int, subcomponent: int = 1) -> str | None:
        parts = self._components or self.components()
        number = component or 1
        if number > len(parts):
            return None
        raw = parts[number - 1]
        if not raw:
            return None
        message = self.segment.message
        if subcomponent <= 1 and type(raw) is bytes and message.delimiters.subcomponent not in raw:
            try:
                return message.decode(raw)
            except UnicodeDecodeError:
                # The lexer tells the place.
                return self.component(number)
        return self.component(number, subcomponent or 1)

    def leaf(self, component: int, subcomponent: int = 1) -> Leaf:
        return self.segment.index, self.field, self.number, component or 1, subcomponent or 1

    def whole(self) -> Leaf:
        return self.segment.index, self.field, self.number, 0, 0

    def as_text(self) -> str | None:
        return self.text

    def inner(self, component: int) -> View:
        return ComponentView(self, component)

    @property
    def is_null(self) -> bool:
        return self.raw == b'""'


class ComponentView(View):
    """One component of a repetition."""

    __slots__ = ("_parts", "_repetition", "component")

    def __init__(self, repetition: Repetition, component: int) -> None:
        self._repetition = repetition
        self._parts: list[Part] | None = None
        self.component = component

    @property
    def repetition(self) -> Repetition:
        return self._repetition

    def parts(self) -> list[Part]:
        found = self._parts
        if found is None:
            found = self._parts = self._cut()
        return found

    def _cut(self) -> list[Part]:
        components = self._repetition.components()
        if self.component > len(components):
            return []
        delimiter = self._repetition.segment.message.delimiters.subcomponent
        return cut(components[self.component - 1], delimiter)

    def get(self, component: int, subcomponent: int = 1) -> str | None:
        """The text of a subcomponent. There is no deeper level in HL7 v2."""
        return (
            self._repetition.component(self.component, component or 1)
            if subcomponent <= 1
            else None
        )

    def leaf(self, component: int, subcomponent: int = 1) -> Leaf:  # noqa: ARG002 — overrides
        found = self._repetition
        return found.segment.index, found.field, found.number, self.component, component or 1

    def whole(self) -> Leaf:
        found = self._repetition
        return found.segment.index, found.field, found.number, self.component, 0

    def as_text(self) -> str | None:
        return self._repetition.component(self.component)

    def inner(self, component: int) -> View:
        return SubcomponentView(self._repetition, self.component, component)

    @property
    def is_null(self) -> bool:
        return self.parts() == [b'""']


class SubcomponentView(ComponentView):
    """One subcomponent: the deepest level, a value of one part."""

    __slots__ = ("subcomponent",)

    def __init__(self, repetition: Repetition, component: int, subcomponent: int) -> None:
        super().__init__(repetition, component)
        self.subcomponent = subcomponent

    def _cut(self) -> list[Part]:
        return super()._cut()[self.subcomponent - 1 : self.subcomponent]

    def get(self, component: int, subcomponent: int = 1) -> str | None:
        """The text of the subcomponent; it has no further parts."""
        if component > 1 or subcomponent > 1:
            return None
        return self._repetition.component(self.component, self.subcomponent)

    def leaf(self, component: int, subcomponent: int = 1) -> Leaf:  # noqa: ARG002 — overrides
        found = self._repetition
        return found.segment.index, found.field, found.number, self.component, self.subcomponent

    def whole(self) -> Leaf:
        return self.leaf(1)

    def as_text(self) -> str | None:
        return self.get(1)

    def inner(self, component: int) -> View:  # noqa: ARG002 — overrides
        return self

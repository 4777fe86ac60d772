"""What every rule may ask: definitions, plans, terminology, FHIRPath."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from fhir_server.definitions import Definitions, TypeModel
from fhir_server.fhirpath.scope import ConformsTo
from fhir_server.terminology import Terminology
from fhir_server.validation.element import Element
from fhir_server.validation.expressions import Expressions
from fhir_server.validation.plans import Plans
from fhir_server.validation.strictness import Strictness


class Knowledge:
    """Shared and immutable to its users; each part fills itself when first asked."""

    def __init__(
        self,
        definitions: Definitions,
        terminology: Terminology | None = None,
        strictness: Strictness | None = None,
        conforms_to: ConformsTo | None = None,
    ) -> None:
        self.strictness = strictness or Strictness()
        self.definitions = definitions
        self.plans = Plans(definitions)
        self.types: TypeModel = definitions.type_model
        self.terminology = terminology or Terminology(definitions)
        self.places: dict[Element, frozenset[str]] = {}
        """By what names the contexts of extensions may mean an element; kept as they are worked out."""
        self.constraints: dict[Element, tuple[Mapping[str, Any], ...]] = {}
        """The constraints of an element that FHIRPath evaluates; kept as they are sorted out."""
        self.expressions = Expressions(self.types, self.terminology, conforms_to)

    @cached_property
    def resource_types(self) -> frozenset[str]:
        """The concrete resource types, to look up."""
        return frozenset(self.definitions.resource_types)

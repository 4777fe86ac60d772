"""Rules that belong to one resource type as a whole.

Source: FHIR R4 §2.1.0, each resource page, https://hl7.org/fhir/R4/resourcelist.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from fhir_server.validation.inspection import Inspection
from fhir_server.validation.rules.bundles import explain_bundle
from fhir_server.validation.rules.code_systems import explain_code_system
from fhir_server.validation.rules.concept_maps import explain_concept_map
from fhir_server.validation.rules.questionnaire_definitions import explain_questionnaire
from fhir_server.validation.rules.questionnaires import explain_questionnaire_response
from fhir_server.validation.rules.search_parameters import explain_search_parameter
from fhir_server.validation.rules.structure_definitions import explain_structure_definition
from fhir_server.validation.rules.value_sets import explain_value_set

ResourceRule = Callable[[dict[str, Any], str, Inspection], None]


def _of_any_shape(rule: ResourceRule) -> ResourceRule:
    """The rule, which ends where a resource has not the structure that the rule reads."""

    def explain(resource: dict[str, Any], location: str, case: Inspection) -> None:
        try:
            rule(resource, location, case)
        except (TypeError, AttributeError, KeyError, ValueError):
            # The structure is judged first: where nothing was wrong with it, the rule is at fault.
            if not case.report.has_errors:
                raise

    return explain


RESOURCE_RULES: Mapping[str, ResourceRule] = {
    kind: _of_any_shape(rule)
    for kind, rule in {
        "Bundle": explain_bundle,
        "CodeSystem": explain_code_system,
        "ConceptMap": explain_concept_map,
        "Questionnaire": explain_questionnaire,
        "QuestionnaireResponse": explain_questionnaire_response,
        "SearchParameter": explain_search_parameter,
        "StructureDefinition": explain_structure_definition,
        "ValueSet": explain_value_set,
    }.items()
}
"""The rule of each resource type that has one. The fast path runs it on a report that it throws away."""

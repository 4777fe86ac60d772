"""Rules that belong to one resource type as a whole."""

from collections.abc import Callable, Mapping
from typing import Any

from fhir_server.validation.inspection import Inspection
from fhir_server.validation.rules.bundles import explain_bundle
from fhir_server.validation.rules.questionnaire_definitions import explain_questionnaire
from fhir_server.validation.rules.questionnaires import explain_questionnaire_response

ResourceRule = Callable[[dict[str, Any], str, Inspection], None]

RESOURCE_RULES: Mapping[str, ResourceRule] = {
    "Bundle": explain_bundle,
    "Questionnaire": explain_questionnaire,
    "QuestionnaireResponse": explain_questionnaire_response,
}
"""The rule of each resource type that has one. The fast path runs it on a report that it throws away."""

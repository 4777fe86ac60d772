"""Profiles that are claimed or asked for: known, and themselves free of faults.

Source: FHIR R4 Meta.profile, https://hl7.org/fhir/R4/resource.html#Meta
"""

from fhir_server.validation.plans import Plans
from fhir_server.validation.report import Report


def explain_missing(url: str, location: str, profile: str, plans: Plans, report: Report) -> None:
    """Says why there is no plan for a profile: it is not known, or it is broken."""
    fault = plans.fault(url)
    if fault is not None:
        report.error(fault.reason, "processing", location, profile, **fault.parameters)
    else:
        report.error("profile-unknown", "not-found", location, profile, profile=url)

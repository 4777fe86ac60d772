"""`date`: what was known at a time, where that time is now or to come; definitions are held as they are now.

Source: https://hl7.org/fhir/R4/valueset-operation-expand.html,
https://hl7.org/fhir/R4/valueset-operation-validate-code.html,
https://hl7.org/fhir/R4/codesystem-operation-lookup.html (date)
"""

from datetime import UTC, datetime, timedelta

from fhir_server.model.dates import instant_range, instant_us
from fhir_server.model.issues import refuse
from fhir_server.terminology.operations.parameters import OperationParameters, invalid


def present_date(asked: OperationParameters) -> str | None:
    """The date that a call asks about. Errors: Refused 400 for none, 422 for one that is past."""
    text = asked.text("date")
    if text is None:
        return None
    try:
        until = instant_range(text).high
    except ValueError:
        raise invalid("date", "2026, 2026-11, 2026-11-22, 2026-11-22T10:00:00Z") from None
    # A client that asks for now may be behind by its clock, or by its zone.
    if until < instant_us(datetime.now(UTC) - timedelta(days=1)):
        raise refuse(422, "expansion-of-the-past", "not-supported", date=text)
    return text

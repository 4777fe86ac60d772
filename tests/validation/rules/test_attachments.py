"""The rules of `validation/rules/attachments.py`: what keeps them, and what breaks them.

Source: FHIR R4 Attachment.size, https://hl7.org/fhir/R4/datatypes.html#Attachment
"""

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import patient


def test_attachments__stated_size_is_that_of_the_data(judge: Judge) -> None:
    assert (
        judge(
            patient(photo=[{"contentType": "text/plain", "data": "QUJD", "size": 3}, {"size": 9}])
        )
        == set()
    )
    assert judge(patient(photo=[{"contentType": "text/plain", "data": "QUJD", "size": 4}])) == {
        ("attachment-size", "Patient.photo[0]")
    }

"""vread: one version of a resource.

Source: https://hl7.org/fhir/R4/http.html#vread
"""

import re

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.writing.check import check_id
from fhir_server.model.issues import refuse
from fhir_server.store.resources import Connection, read_version

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def vread(connection: Connection, resource_type: str, resource_id: str, version: str) -> Answer:
    """The version, as the bytes it was stored in.

    Errors: Refused 404 where there is no such version, 410 where the version is a deletion.
    """
    check_id(resource_id, resource_type)
    reference = f"{resource_type}/{resource_id}"
    number = int(version) if _NUMBER.fullmatch(version) else 0
    stored = read_version(connection, resource_type, resource_id, number) if number else None
    if stored is None:
        raise refuse(404, "version-not-found", "not-found", resource_type, reference=reference)
    if stored.deleted:
        raise refuse(410, "resource-deleted", "deleted", resource_type,
                     reference=reference, version=stored.version)  # fmt: skip
    return Answer(200, stored=stored)

"""history of an instance: its versions, newest first, in pages.

Source: https://hl7.org/fhir/R4/http.html#history
"""

import uuid
from urllib.parse import urlencode

from fhir_server.interactions.answer import Answer, instant
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.check import check_id
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import encode_json
from fhir_server.store.resources import (
    Connection,
    StoredResource,
    count_versions,
    read_instance_history,
)

MAX_PAGE = 1000
DEFAULT_PAGE = 50


def history(
    server: FhirServer,
    connection: Connection,
    resource_type: str,
    resource_id: str,
    *,
    count: int = DEFAULT_PAGE,
    before: int | None = None,
) -> Answer:
    """A page of versions as a history Bundle, those below version `before`, if given.

    Errors: Refused 404 where the id was never used.
    """
    check_id(resource_id, resource_type)
    limit = min(count, MAX_PAGE)
    versions = read_instance_history(
        connection, resource_type, resource_id, before=before, limit=limit + 1
    )
    if not versions and before is None:
        raise refuse(404, "resource-not-found", "not-found", resource_type,
                     reference=f"{resource_type}/{resource_id}")  # fmt: skip
    total = count_versions(connection, resource_type, resource_id)
    base = f"{server.base_url}/{resource_type}/{resource_id}/_history"
    links = [{"relation": "self", "url": _page(base, count, before)}]
    if len(versions) > limit:
        versions = versions[:limit]
        links.append({"relation": "next", "url": _page(base, count, versions[-1].version)})
    entries = b",".join(_entry(server.base_url, version) for version in versions)
    body = (
        b'{"resourceType":"Bundle","id":"' + str(uuid.uuid4()).encode() + b'","type":"history","total":'
        + str(total).encode() + b',"link":' + encode_json(links)
        + (b',"entry":[' + entries + b"]" if versions else b"") + b"}"
    )  # fmt: skip
    return Answer(200, body=body)


def _page(base: str, count: int, before: int | None) -> str:
    query: dict[str, int] = {} if count == DEFAULT_PAGE else {"_count": count}
    if before is not None:
        query["_before"] = before
    return f"{base}?{urlencode(query)}" if query else base


def _entry(base_url: str, version: StoredResource) -> bytes:
    reference = f"{version.type}/{version.id}"
    if version.deleted:
        method, status = "DELETE", "204 No Content"
    elif version.version == 1:
        method, status = "POST", "201 Created"
    else:
        method, status = "PUT", "200 OK"
    url = version.type if method == "POST" else reference
    response = {
        "status": status,
        "etag": f'W/"{version.version}"',
        "lastModified": instant(version.updated),
    }
    resource = b"" if version.body is None else b',"resource":' + version.body
    return (
        b'{"fullUrl":' + encode_json(f"{base_url}/{reference}") + resource
        + b',"request":' + encode_json({"method": method, "url": url})
        + b',"response":' + encode_json(response) + b"}"
    )  # fmt: skip

"""Requests to a served server, and the faults that may lose them."""

import http.client
import json
from typing import Any

from tests.platform.served import Served

Json = dict[str, Any]
TIMEOUT_S = 400


class Unanswered(Exception):  # noqa: N818 — what happened, not a fault of the test
    """The connection ended before an answer came: what was asked may have been done or not."""


def send(
    server: Served, method: str, path: str, content: Any = None, **headers: str
) -> tuple[int, Json]:
    """One request below the FHIR base; its status and its JSON. Errors: Unanswered."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=TIMEOUT_S)
    try:
        body = None if content is None else json.dumps(content)
        kind = {"Content-Type": "application/fhir+json"}
        connection.request(method, f"/fhir/{path}", body, {**kind, **headers})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}
    except (OSError, http.client.HTTPException) as fault:
        raise Unanswered from fault
    finally:
        connection.close()


def patient(resource_id: str, **content: Any) -> Json:
    """A Patient of the test's own making."""
    identifier = [{"system": "urn:soak", "value": resource_id}]
    return {"resourceType": "Patient", "id": resource_id, "identifier": identifier, **content}


def put_entry(resource: Json) -> Json:
    """The entry of a Bundle that stores a resource under its id."""
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url}}


def transaction(entries: list[Json]) -> Json:
    """A transaction Bundle."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def version_numbers(server: Served, resource_id: str) -> list[int]:
    """The versions in a Patient's history, newest first, all pages of it."""
    found: list[int] = []
    path = f"Patient/{resource_id}/_history?_count=1000"
    while path:
        _, page = send(server, "GET", path)
        found += [int(entry["response"]["etag"][3:-1]) for entry in page.get("entry", ())]
        path = next_path(page)
    return found


def next_path(page: Json) -> str:
    """The path of the next page below the FHIR base; empty on the last page."""
    for link in page["link"]:
        if link["relation"] == "next":
            return str(link["url"]).partition("/fhir/")[2]
    return ""

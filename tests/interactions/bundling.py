"""Bundles and their entries as a client sends them."""

from typing import Any

from starlette.testclient import TestClient

from tests.interactions.test_create_update_delete import patient

Json = dict[str, Any]


def entry(method: str, url: str, resource: Json | None = None, **more: Any) -> Json:
    request = {"method": method, "url": url}
    conditions = ("ifNoneExist", "ifMatch", "ifNoneMatch", "ifModifiedSince")
    request |= {n: more.pop(n) for n in conditions if n in more}
    return {**more, "request": request, **({"resource": resource} if resource else {})}


def bundle(*entries: Json, kind: str = "transaction") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def condition(subject: str, **elements: Any) -> Json:
    return {"resourceType": "Condition", "subject": {"reference": subject}, **elements}


def identified(value: str) -> Json:
    return patient(identifier=[{"system": "urn:x", "value": value}])


def statuses(response: Any) -> list[str]:
    return [e["response"]["status"].split()[0] for e in response.json()["entry"]]


def total(client: TestClient, search: str) -> int:
    found: int = client.get(f"/fhir/{search}&_total=accurate").json()["total"]
    return found

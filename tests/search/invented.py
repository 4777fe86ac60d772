"""Invented resources, of which only what a test searches for is filled in."""

from typing import Any


def patient(resource_id: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": resource_id, **elements}


def condition(resource_id: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": resource_id, **elements}


def observation(resource_id: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": resource_id, **elements}


def coded(system: str | None, code: str, **more: str) -> dict[str, Any]:
    coding = {"code": code, **more} if system is None else {"system": system, "code": code, **more}
    return {"coding": [coding]}

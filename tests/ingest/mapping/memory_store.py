"""A store in memory that carries out the transactions of a mapping: enough to see what they amount to."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote

Resource = dict[str, Any]


class MemoryStore:
    """Resources by type and id; ids count up. It answers the searches that the mapping asks."""

    def __init__(self) -> None:
        self.resources: dict[tuple[str, str], Resource] = {}
        self.writes = 0
        self.searches = 0

    def __call__(self, resource_type: str, parameters: Mapping[str, str]) -> Sequence[Resource]:
        self.searches += 1
        return [
            json.loads(json.dumps(resource))
            for (kind, _), resource in self.resources.items()
            if kind == resource_type and _matches(resource, parameters)
        ]

    def of_type(self, resource_type: str) -> list[Resource]:
        return [r for (kind, _), r in self.resources.items() if kind == resource_type]

    def apply(self, bundle: Resource | None) -> None:
        """Carry out a transaction; each entry is written or found, then references are resolved."""
        references: dict[str, str] = {}
        written: list[tuple[str, str]] = []
        for entry in (bundle or {}).get("entry", ()):
            key, write = self._place(entry)
            references[entry["fullUrl"]] = "/".join(key)
            if write:
                self._write(key, entry["resource"])
                written.append(key)
        for key in written:
            self.resources[key] = _resolved(self.resources[key], references)

    def _place(self, entry: Resource) -> tuple[tuple[str, str], bool]:
        kind, request = entry["resource"]["resourceType"], entry["request"]
        criteria = request.get("ifNoneExist") or request["url"].partition("?")[2]
        if not criteria:
            key = (kind, request["url"].partition("/")[2])
            if "ifMatch" in request:
                version = self.resources[key]["meta"]["versionId"]
                assert request["ifMatch"] == f'W/"{version}"'
            return key, True
        (token,) = parse_qs(criteria)["identifier"]
        matches = [
            key
            for key, resource in self.resources.items()
            if key[0] == kind and _matches(resource, {"identifier": unquote(token)})
        ]
        assert len(matches) < 2
        if matches:
            return matches[0], request["method"] == "PUT"
        return (kind, f"{kind.lower()}-{len(self.resources) + 1}"), True

    def _write(self, key: tuple[str, str], resource: Resource) -> None:
        self.writes += 1
        version = int(self.resources.get(key, {}).get("meta", {}).get("versionId", "0")) + 1
        copy = json.loads(json.dumps(resource))
        copy["id"] = key[1]
        copy.setdefault("meta", {})["versionId"] = str(version)
        self.resources[key] = copy


def _matches(resource: Resource, parameters: Mapping[str, str]) -> bool:
    for name, value in parameters.items():
        wanted = value.split(",")
        if name == "_id" and resource["id"] not in wanted:
            return False
        if name == "subject" and resource["subject"]["reference"] not in wanted:
            return False
        if name == "part-of" and resource.get("partOf", {}).get("reference") not in wanted:
            return False
        if name == "patient" and not _is_about(resource, wanted):
            return False
        if name == "identifier":
            tokens = {f"{i.get('system')}|{i.get('value')}" for i in resource.get("identifier", ())}
            if not tokens & set(wanted):
                return False
    return True


def _is_about(resource: Resource, wanted: Sequence[str]) -> bool:
    actors = [one.get("actor", {}) for one in resource.get("participant", ())]
    about = [resource.get("subject", {}), resource.get("patient", {}), *actors]
    return any(one.get("reference") in wanted for one in about)


def _resolved(value: Any, references: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name: references.get(part, part) if name == "reference" else _resolved(part, references)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_resolved(part, references) for part in value]
    return value

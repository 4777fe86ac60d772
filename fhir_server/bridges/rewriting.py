"""Bridges to other FHIR profiles: elements are kept, extensions renamed, codes translated, the rest lost."""

import re
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from fhir_server.bridges.building import Building, address_as
from fhir_server.bridges.definition import BASE, Bridge, Rewriting
from fhir_server.bridges.expressions import evaluated
from fhir_server.bridges.records import Records, Resource
from fhir_server.bridges.translation import maps_system, translated
from fhir_server.model.json_source import pretty_json

_ALWAYS = ("resourceType", "id", "status", "contained")
_NOT_COUNTED = frozenset({"meta", "extension", "text"})


def write_resources(bridge: Bridge, records: Records) -> tuple[dict[str, bytes], Counter[str]]:
    """A collection Bundle of the rewritten resources, and what each profile lost, by element."""
    lost: Counter[str] = Counter()
    entries = []
    crossing: set[int] = set()
    for rule in bridge.resources:
        for resource in records.of_profile(rule.each):
            if rule.when and evaluated(rule.when, resource, {}, records) != [True]:
                continue
            crossing.add(id(resource))
            made = rewritten(rule, resource, records, lost)
            entries.append(
                {"fullUrl": _full_url(_address(rule, resource, records)), "resource": made}
            )
    for profile in {rule.each for rule in bridge.resources}:
        lost[profile] += sum(id(each) not in crossing for each in records.of_profile(profile))
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return {f"{bridge.name}.json": pretty_json(bundle)}, lost


def _address(rule: Rewriting, resource: Resource, records: Records) -> str:
    address = records.address(resource)
    return address_as(address, rule.type) if rule.type else address


def _full_url(address: str) -> str:
    return address if address.startswith("urn:") else f"{BASE}/{address}"


def rewritten(
    rule: Rewriting, resource: Resource, records: Records, lost: Counter[str]
) -> Resource:
    """One resource on the other side; `lost` counts what stays behind."""
    kept = {name for name in resource if name in _ALWAYS or any(_is(name, k) for k in rule.keep)}
    found: Resource = {name: deepcopy(resource[name]) for name in resource if name in kept}
    found["meta"] = {"profile": [rule.profile]}
    found["resourceType"] = rule.type or found["resourceType"]
    put = Building(resource, records).put(rule.put)
    if not rule.type:
        for name in resource.keys() - kept - put.keys() - _NOT_COUNTED:
            lost[f"{rule.each}.{name}"] += 1
    extensions = deepcopy(resource.get("extension", [])) if not rule.type else []
    for extension in [each for each in extensions if each["url"] in rule.nested]:
        extensions.remove(extension)
        goal = rule.nested[extension["url"]]
        moved = {**extension, "url": goal["url"]}
        found.setdefault(goal["below"], []).append({"extension": [moved]})
    if extensions:
        found["extension"] = extensions
    for name, value in put.items():
        found[name] = [*found.get(name, ()), *value] if isinstance(value, list) else value
    _rename(found, rule, lost)
    for place, concept in _concepts(found):
        _translate(concept, rule, f"{rule.each}.{place}", lost)
    return found


def _is(name: str, kept: str) -> bool:
    """Whether an element is meant by a name, that of a choice (`onset[x]`) among them."""
    if kept.endswith("[x]"):
        return bool(re.fullmatch(rf"{kept[:-3]}[A-Z]\w*", name))
    return name == kept


def _rename(node: Any, rule: Rewriting, lost: Counter[str]) -> None:
    """Our extensions get the URL they have on the other side; those that have none are left out."""
    if isinstance(node, list):
        for each in node:
            _rename(each, rule, lost)
        return
    if not isinstance(node, dict):
        return
    if "extension" in node:
        renamed = []
        for each in node["extension"]:
            url = rule.extensions.get(each["url"], each["url"])
            if not url:
                continue
            if url.startswith(BASE):
                lost[f"{rule.each}.extension({url.rpartition('/')[2]})"] += 1
            else:
                renamed.append({**each, "url": url})
        node["extension"] = renamed
        if not renamed:
            del node["extension"]
    for value in node.values():
        _rename(value, rule, lost)


def _concepts(node: Any, place: str = "") -> Iterator[tuple[str, Resource]]:
    """Every CodeableConcept with the element it stands in."""
    if isinstance(node, dict):
        if isinstance(node.get("coding"), list):
            yield place, node
        for name, value in node.items():
            yield from _concepts(value, name if name != "extension" else place or name)
    elif isinstance(node, list):
        for each in node:
            yield from _concepts(each, place)


def _translate(concept: Resource, rule: Rewriting, place: str, lost: Counter[str]) -> None:
    """Codes of the network are replaced by those of the other side, or left out with their text kept."""
    codings = []
    for coding in concept["coding"]:
        found = translated(coding, rule.maps)
        if found:
            codings.append(found)
        elif maps_system(coding.get("system"), rule.maps):
            lost[f"{place}={coding.get('code')}"] += 1
            concept.setdefault("text", str(coding.get("code")))
        else:
            codings.append(coding)
    if codings:
        concept["coding"] = codings
    else:
        del concept["coding"]

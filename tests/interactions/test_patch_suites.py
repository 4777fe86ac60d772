"""The official patch suites, case by case."""

import json
from typing import Any

import pytest
from lxml import etree

from fhir_server.definitions import core_definitions
from fhir_server.fhirpath import FHIRPath
from fhir_server.interactions.patching.fhirpath_patch import FHIRPathPatch, parse_fhirpath_patch
from fhir_server.interactions.patching.json_patch import apply_json_patch, check_json_patch
from fhir_server.interactions.patching.xml_patch import apply_xml_patch, parse_xml_patch
from fhir_server.model.issues import Refused
from fhir_server.model.json_source import encode_json, parse_json
from fhir_server.model.xml_source import parse_xml
from tests.conformance import FOLDER, needs_conformance_data

pytestmark = needs_conformance_data
SUITES = FOLDER / "patch"
EXPECTED_FAILURES: dict[str, str] = {}
"""Cases that are not passed: the case, and the reason."""


def _cases(name: str) -> list[Any]:
    if not SUITES.is_dir():
        return []
    if name.endswith(".json"):
        found = [(case["comment"], case) for case in json.loads((SUITES / name).read_bytes())]
    else:
        found = [(case.get("name"), case) for case in etree.parse(SUITES / name).iter("case")]
    return [pytest.param(case, id=label, marks=_marks(label)) for label, case in found]


def _marks(label: str) -> list[pytest.MarkDecorator]:
    reason = EXPECTED_FAILURES.get(label)
    return [pytest.mark.xfail(reason=reason, strict=True)] if reason else []


@pytest.mark.parametrize("case", _cases("json-patch-tests.json"))
def test_json_patch__official_case(case: dict[str, Any]) -> None:
    def run() -> Any:
        patch = parse_json(json.dumps(case["patch"]).encode())
        check_json_patch(patch)
        return apply_json_patch(case["doc"], patch)

    if "expected" in case:
        assert run() == case["expected"]
    else:
        with pytest.raises(Refused):
            run()


def _inner(case: Any, name: str) -> Any:
    return next(iter(case.find(name).iterchildren(tag=etree.Element)), None)


def _resource(element: Any) -> dict[str, Any]:
    return parse_xml(etree.tostring(element, with_tail=False), core_definitions().type_model)


@pytest.mark.parametrize("case", _cases("fhir-patch-tests.xml"))
def test_fhirpath_patch__official_case(case: Any) -> None:
    types = core_definitions().type_model

    def run() -> Any:
        operations = parse_fhirpath_patch(_resource(_inner(case, "diff")))
        return FHIRPathPatch(types, FHIRPath(types)).apply(
            _resource(_inner(case, "input")), operations
        )

    if case.find("error") is None:
        assert encode_json(_sorted(run())) == encode_json(
            _sorted(_resource(_inner(case, "output")))
        )
    else:
        with pytest.raises(Refused):
            run()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(member) for name, member in sorted(value.items())}
    if isinstance(value, str) and value.startswith("<div"):
        return etree.canonicalize(value)
    return [_sorted(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", _cases("xml-patch-tests.xml"))
def test_xml_patch__official_case(case: Any) -> None:
    def run() -> bytes:
        target = _inner(case, "target")
        if target is None:
            pytest.skip("a resource that is patched always exists")
        patch = parse_xml_patch(etree.tostring(_inner_patch(case), with_tail=False))
        return apply_xml_patch(etree.tostring(target, with_tail=False), patch)

    if case.find("error") is None:
        assert _canonical(run()) == _canonical(
            etree.tostring(_inner(case, "patched"), with_tail=False)
        )
    else:
        with pytest.raises(Refused):
            run()


def _inner_patch(case: Any) -> Any:
    return case.find("{*}patch")


def _canonical(source: bytes) -> str:
    return str(etree.canonicalize(source.decode(), strip_text=True, with_comments=True))

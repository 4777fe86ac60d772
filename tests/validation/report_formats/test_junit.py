"""The rules of the schema that build servers share (junit-10.xsd): names, attributes, order, counts."""

from typing import Any

import pytest
from lxml import etree

from tests.validation.report_formats.conftest import Write

_CHILDREN = {"testsuites": {"testsuite"}, "testsuite": {"testcase"},
             "testcase": {"failure", "system-out"},
             "failure": set[str](), "system-out": set[str]()}  # fmt: skip
_ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "time"}, "failure": {"type", "message"}, "system-out": set[str](),
}  # fmt: skip


@pytest.fixture
def root(write: Write) -> Any:
    return etree.fromstring(write("junit"))


def test_junit__elements_and_attributes_are_those_of_the_schema(root: Any) -> None:
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) == _ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= _CHILDREN[element.tag]


def test_junit__suites_count_their_cases(root: Any) -> None:
    for suite in root:
        assert int(suite.get("tests")) == len(suite)
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
    assert int(root.get("tests")) == sum(int(suite.get("tests")) for suite in root) == 5
    assert int(root.get("failures")) == sum(int(suite.get("failures")) for suite in root) == 3


def test_junit__one_failure_holds_the_errors_of_a_record(root: Any) -> None:
    case = root.find("testsuite/testcase[@name='in/b c.ndjson:2']")
    assert case.find("failure").get("type") == "unknown-element"
    assert "primitive-blank" in case.find("system-out").text


def test_junit__what_xml_cannot_hold_is_replaced(root: Any) -> None:
    case = root.find("testsuite/testcase[@name='in/b c.ndjson:2']")
    assert "<script>\ufffd&" in case.find("failure").text


def test_junit__nothing_is_a_report_too(write: Write) -> None:
    assert etree.fromstring(write("junit", results=())).get("tests") == "0"

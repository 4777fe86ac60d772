"""Which patterns are matched with short texts without a look at the clock."""

import pytest

from fhir_server.fhirpath.regex import is_harmless


@pytest.mark.parametrize("pattern", [
    r"^[0-9]{4}/[0-9]$",
    r"^C[0-9]{2}[.][0-9]$",
    r"^[0-9]{6}[0-9AB][0-9]{6}([0-9]{2})?$",
    r"^9([6-8][0-9]{2}|59[0-9]|9[0-9]{2})/",
    r"^\d+$",
    r"\[a\]",
    r"[]a-z]",
])  # fmt: skip
def test_is_harmless__plain_forms_are(pattern: str) -> None:
    assert is_harmless(pattern)


@pytest.mark.parametrize("pattern", [
    "(a+)+b",
    "(a|aa)*",
    "(a{1,9}){1,9}b",
    ".*.*x",
    "a?" * 20 + "a" * 20,
    "(a|b)" * 20,
    "(a|aa)" * 9 + "()" * 1300 + "[xy]",
    "(?:a)",
    "(?i)a",
    r"(a)\1",
    r"(?P<x>a)(?P=x)",
    r"\p{L}",
    "[[:alpha:]]",
    "(?:a){e<=3}",
])  # fmt: skip
def test_is_harmless__what_may_take_long_or_is_not_plain_is_not(pattern: str) -> None:
    assert not is_harmless(pattern)

"""What one evaluation may do: short expressions that double or nest are stopped, the others are not."""

from typing import Any

import pytest

from fhir_server.fhirpath import FHIRPath, FHIRPathError

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"family": f"F{at}", "given": ["A", "B"]} for at in range(100)],
}
_BELOW = "%resource.descendants()"


@pytest.mark.parametrize("expression", [
    "'aaaaaaaaaa'" + ".select($this & $this)" * 40,
    "'aaaaaaaaaa'" + ".select($this + $this)" * 40,
    "1" + ".select($this.combine($this))" * 40,
    f"{_BELOW}.aggregate($total.combine($total), 1)",
    f"{_BELOW}.where({_BELOW}.where({_BELOW}.where(false).exists()).exists())",
    f"{_BELOW}.aggregate($total.combine({_BELOW})).combine({_BELOW}).select({_BELOW}) ~ 1",
    "%resource" + ".select($this.combine($this))" * 14 + ".select(%resource.name.given)",
    "%resource" + ".select($this.combine($this))" * 14 + ".children().children()",
    "%resource" + ".select($this.combine($this))" * 14 + ".name.given",
    f"{_BELOW}.select('{'a' * 1000}'.toChars()).select($this.toChars()).select('{'b' * 1000}'.toChars())",
    "'<<<<'" + ".encode('hex')" * 60,
])  # fmt: skip
def test_budget__what_multiplies_is_stopped(lenient: FHIRPath, expression: str) -> None:
    with pytest.raises(FHIRPathError) as caught:
        lenient.compile(expression, "Patient").evaluate(PATIENT)
    assert caught.value.issue.id == "fhirpath-too-costly"


@pytest.mark.parametrize("expression", [
    "'aaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaa')" * 9,
    "'aaaaaaaaaa'" + ".replaceMatches('a', 'aaaaaaaaaa')" * 9,
    "'aaaaaaaaaa'" + ".replaceMatches('.*', '$0$0$0$0$0$0$0$0$0$0')" * 9,
    f"'{'a' * 1000}'" + ".select($this.toChars().join($this))" * 3,
])  # fmt: skip
def test_budget__a_text_stays_below_a_million_characters(
    lenient: FHIRPath, expression: str
) -> None:
    with pytest.raises(FHIRPathError) as caught:
        lenient.compile(expression).evaluate(PATIENT)
    assert caught.value.issue.id == "fhirpath-too-many"


@pytest.mark.parametrize(("expression", "expected"), [
    (f"{_BELOW}.count()", [400]),
    ("name.where(%resource.name.where(family = 'F9').exists()).count()", [100]),
    ("name.given.distinct()", ["A", "B"]),
    ("name.select(given.join(' ') & ' ' & family).isDistinct()", [True]),
    ("'abc'.replaceMatches('(b)', '$1$1')", ["abbc"]),
    ("'1' & '2' & '3'", ["123"]),
])  # fmt: skip
def test_budget__what_goes_through_a_resource_is_not(
    lenient: FHIRPath, expression: str, expected: list[Any]
) -> None:
    assert lenient.compile(expression, "Patient").evaluate(PATIENT) == expected


def test_budget__each_evaluation_has_its_own(lenient: FHIRPath) -> None:
    compiled = lenient.compile("(1).combine(2)" + ".combine($this)" * 3)
    found = [compiled.evaluate(PATIENT) for _ in range(2)]
    assert found[0] == found[1]


def test_fast_lane__more_than_it_compares_is_left_to_the_general_one(lenient: FHIRPath) -> None:
    many = {"resourceType": "Patient", "name": [{"family": str(at % 3)} for at in range(1500)]}
    assert len(lenient.compile("name | name", "Patient").evaluate(many)) == 3


@pytest.mark.parametrize("function", ["ceiling", "floor", "truncate"])
def test_integers__none_of_a_million_digits_is_written_out(
    lenient: FHIRPath, function: str
) -> None:
    assert lenient.compile(f"(10.0).power(900000).{function}()").evaluate(PATIENT) == []

"""docs/profiles.md names everything that the package holds."""

import re
from pathlib import Path

import pytest

from tests.profiles.network import constraints, example_paths, of_type

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "structure", of_type("StructureDefinition"), ids=lambda each: str(each["id"])
)
def test_page__names_each_profile_and_extension(structure: dict[str, str]) -> None:
    assert f"| `{structure['id']}` |" in PAGE or f"`{{E}}/{structure['id']}`" in PAGE


def test_page__states_each_rule_with_its_message() -> None:
    rows = [f"| `{key}` | {each['severity']} |" for key, each in constraints().items()]
    assert [row for row in rows if row not in PAGE] == []
    assert [each["key"] for each in constraints().values() if each["human"] not in PAGE] == []


def test_page__lists_each_search_parameter_and_concept_map() -> None:
    names = [each["code"] for each in of_type("SearchParameter")]
    names += [each["id"] for each in of_type("ConceptMap")]
    assert [name for name in names if f"| `{name}` |" not in PAGE] == []


def test_page__points_at_examples_that_exist() -> None:
    cases = PAGE.partition("## Cases that ask for thought")[2].partition("\n## ")[0]
    last_cells = [line.split(" | ")[-1] for line in cases.splitlines()]
    named = {name for cell in last_cells for name in re.findall("`([a-z-]+)`", cell)}
    assert len(named) > 15
    assert named <= {path.stem for path in example_paths("valid")}

"""Each rule family stands side by side: its specification, its code, its tests, its line in the docs."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from fhir_server.model import texts
from fhir_server.validation import rules

TESTS = Path(__file__).parent
REPOSITORY = TESTS.parents[2]
FAMILIES = sorted(
    path.stem for path in Path(*rules.__path__).glob("*.py") if path.stem != "__init__"
)
_LINK = re.compile(r"https://[^\s,)]+")


def _links(source: Path) -> list[str]:
    return _LINK.findall(ast.get_docstring(ast.parse(source.read_text("utf-8"))) or "")


@pytest.mark.parametrize("family", FAMILIES)
def test_families__tests_name_the_specification_of_the_code(family: str) -> None:
    code, tests = Path(*rules.__path__) / f"{family}.py", TESTS / f"test_{family}.py"
    assert _links(code)
    assert _links(tests) == _links(code)


@pytest.mark.parametrize("family", FAMILIES)
def test_families__each_has_a_line_in_the_docs(family: str) -> None:
    page = (REPOSITORY / "docs/validation.md").read_text("utf-8")
    line = next(line for line in page.splitlines() if f"rules/{family}.py)" in line)
    assert f"test_{family}.py)" in line
    assert _links(Path(*rules.__path__) / f"{family}.py")[0] in line


@pytest.mark.parametrize("family", FAMILIES)
def test_families__tests_are_named_after_the_family(family: str) -> None:
    tree = ast.parse((TESTS / f"test_{family}.py").read_text("utf-8"))
    names = [one.name for one in tree.body if isinstance(one, ast.FunctionDef)]
    named = [name for name in names if name.startswith(f"test_{family}__")]
    assert named == [name for name in names if name.startswith("test_")]
    assert named


def test_families__every_issue_of_validation_is_met_in_a_test() -> None:
    catalogue = yaml.safe_load((Path(*texts.__path__) / "validation.yaml").read_text("utf-8"))
    met = {
        node.value
        for source in TESTS.parents[1].rglob("test_*.py")
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(catalogue) - met == set()

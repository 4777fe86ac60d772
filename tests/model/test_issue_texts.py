import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import fhir_server
import ingest
from fhir_server.model.issues import Reasons, because, error, texts

# Which argument of a call is the id of an issue.
ID_ARGUMENT = {"Issue": 0, "Hl7Fault": 0, "error": 0, "warning": 0, "fault": 0, "refuse": 1,
               "because": 0}  # fmt: skip
ISSUE_ID = re.compile("[a-z0-9]+(-[a-z0-9]+)+")
LOGGERS = {"log", "logger"}


def issue_ids(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        owner = getattr(getattr(called, "value", None), "id", "")
        position = ID_ARGUMENT.get(name)
        if position is None or owner in LOGGERS or len(node.args) <= position:
            continue
        argument = node.args[position]
        text = str(argument.value) if isinstance(argument, ast.Constant) else ""
        if ISSUE_ID.fullmatch(text):
            yield text


SENTENCE = re.compile(r"[^\W\d_]{2,} [a-z]{2,}")
WORDED = {"because", "Reason", "Quoted"}
WORD_PARAMETERS = {"reason", "expected", "form", "human"}
FAULTS = {
    "error", "warning", "refuse", "Issue", "add", "execution_error", "semantic_error", "syntax_error",
    "SnapshotError", "JsonSyntaxError", "XmlSyntaxError", "bad_value", "invalid",
}  # fmt: skip


def prose(argument: ast.AST, caught: set[str]) -> Iterator[str]:
    """Words of one language in what fills a text: a sentence, an exception's words, another issue's text."""
    waiting = [argument]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in WORDED:
                continue
            words = {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
            if name == "text" and (not node.args or words & {"en", "fr"}):
                yield ".text()"
            if name in {"str", "repr"} and any(getattr(a, "id", "") in caught for a in node.args):
                yield f"{name}(exception)"
        if isinstance(node, ast.Constant) and SENTENCE.search(str(node.value)):
            yield str(node.value)
        waiting.extend(ast.iter_child_nodes(node))


def prose_of_a_source(source: Path) -> Iterator[tuple[str, int, str]]:
    tree = ast.parse(source.read_text("utf-8"))
    caught = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if getattr(getattr(node.func, "value", None), "id", "") in {*LOGGERS, "_log"}:
            continue
        filled = [k.value for k in node.keywords if name in FAULTS or k.arg in WORD_PARAMETERS]
        for argument in [*filled, *(node.args if name in FAULTS else ())]:
            for words in prose(argument, caught):
                yield source.name, node.lineno, words


# What the demo prints, and the report on a centre's messages, which is in English.
ENGLISH = {"front_doors.py", "onboarding.py"}


def test_issues__no_parameter_carries_words_of_one_language() -> None:
    folders = [Path(*package.__path__) for package in (fhir_server, ingest)]
    found = [
        one
        for folder in folders
        for source in folder.rglob("*.py")
        if source.name not in ENGLISH
        for one in prose_of_a_source(source)
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'error("a-b", "invalid", reason="this is wrong")',
        'error("a-b", "invalid", reason=f"{name} is wrong")',
        'check(reason="this is wrong")',
        'error("a-b", "invalid", found=fault.text("en"))',
        'try: pass\nexcept ValueError as fault: error("a-b", "invalid", found=str(fault)[:9])',
    ],
)
def test_issues__words_of_one_language_are_found(code: str, tmp_path: Path) -> None:
    source = tmp_path / "code.py"
    source.write_text(code)
    assert list(prose_of_a_source(source)) != []


def test_issues__both_languages_name_the_same_parameters() -> None:
    def named(entry: dict[str, str]) -> set[str | None]:
        return {name for text in entry.values() for _, name, _, _ in Formatter().parse(text)} - {
            None
        }

    assert [i for i, entry in texts().items() if named(entry["en"]) != named(entry["fr"])] == []


def test_issues__no_id_has_texts_in_two_files() -> None:
    folder = Path(*fhir_server.__path__) / "model" / "texts"
    ids = [
        line.partition(":")[0]
        for source in sorted(folder.glob("*.yaml"))
        for line in source.read_text("utf-8").splitlines()
        if line[:1].isalpha()
    ]
    assert [one for one in ids if ids.count(one) > 1] == []


def unfilled(source: Path) -> Iterator[tuple[str, int, str]]:
    """The places of an issue's texts that the code which makes it leaves open."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in ID_ARGUMENT:
            continue
        constants = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        issue_id = next((one for one in constants if one in texts()), None)
        given = {keyword.arg for keyword in node.keywords}
        if issue_id is None or getattr(node.func, "id", "") == "Issue" or None in given:
            continue
        parts = " ".join(texts()[str(issue_id)]["en"].values())
        places = {name for _, name, _, _ in Formatter().parse(parts) if name}
        for place in sorted(places - given):
            yield str(issue_id), node.lineno, place


def test_issues__every_place_of_a_text_is_filled() -> None:
    folders = [Path(*package.__path__) for package in (fhir_server, ingest)]
    sources = [source for folder in folders for source in folder.rglob("*.py")]
    assert [(s.name, *one) for s in sources for one in unfilled(s)] == []


def test_reason__is_told_in_the_language_of_its_issue() -> None:
    inner = because("because-system-not-loaded", system="urn:x")
    outer = error("binding-not-checked", "not-found", found="a", value_set="v", reason=inner)
    assert outer.text("en").endswith("v: the code system urn:x is not loaded.")
    assert outer.text("fr").endswith("v : le système de codes urn:x n’est pas chargé.")


def test_reason__of_another_issue_has_one_full_stop() -> None:
    cause = error("fhirpath-unknown-function", "invalid", name="foo")
    outer = error("invariant-not-checked", "not-supported", key="x-1", reason=cause)
    assert outer.text("en") == "Rule x-1 could not be checked: There is no function foo()."
    assert outer.text("fr").endswith(": La fonction foo() n’existe pas.")


def test_reasons__are_told_once_each() -> None:
    one, other = because("because-is-folder"), because("because-may-not-be-read")
    assert Reasons((one, other, one)).text("fr") == "c’est un dossier; sa lecture n’est pas permise"


def test_issues__every_id_in_the_code_has_its_texts() -> None:
    folders = [Path(*package.__path__) for package in (fhir_server, ingest)]
    sources = [source for folder in folders for source in folder.rglob("*.py")]
    used = {issue_id for source in sources for issue_id in issue_ids(source)}
    assert len(used) > 50
    assert used - texts().keys() == set()


def test_issues__every_text_stands_in_both_languages() -> None:
    without = [
        (issue_id, language)
        for issue_id, entry in texts().items()
        for language in ("en", "fr")
        if not entry.get(language, {}).get("text")
    ]
    assert without == []

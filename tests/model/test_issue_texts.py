import ast
import re
from collections.abc import Iterator
from pathlib import Path

import fhir_server
import ingest
from fhir_server.model.issues import texts

# Which argument of a call is the id of an issue.
ID_ARGUMENT = {"Issue": 0, "Hl7Fault": 0, "error": 0, "warning": 0, "fault": 0, "refuse": 1}
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

"""How a command tells an issue on stderr: its place in the file, what is wrong, how to mend it."""

import sys

from fhir_server.model.issues import Issue, Language

_PLACE = {"en": "line {line}, column {column}: ", "fr": "ligne {line}, colonne {column} : "}


def tell(issue: Issue, language: Language = "en") -> None:
    """Write an issue as one line."""
    place = _PLACE[language].format(line=issue.line, column=issue.column) if issue.line else ""
    told = f"{place}{issue.text(language)} {issue.hint(language)}".strip()
    sys.stderr.write(f"osteon: {told}\n")

"""The words of the reports in English and French; those of the issues stand with the issues."""

from collections.abc import Mapping

from msgspec import structs

from fhir_server.model.issues import Issue, Language, Severity
from fhir_server.validation.slice_table import SliceTable

SEVERITY_WORDS: Mapping[Language, Mapping[Severity, str]] = {
    "en": {"fatal": "fatal", "error": "error", "warning": "warning", "information": "note"},
    "fr": {"fatal": "fatal", "error": "erreur", "warning": "avertissement", "information": "note"},
}

WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "colon": ":", "semicolon": ";", "title": "Validation report",
        "valid": "valid", "invalid": "invalid", "records": "records",
        "summary": "Summary", "by_rule": "By rule", "by_file": "By file", "rule": "rule",
        "severity": "severity", "issues": "issues", "file": "file", "errors": "errors",
        "warnings": "warnings", "notes": "notes", "place": "place", "slice": "slice",
        "discriminator": "discriminator", "expected": "expected", "found": "found",
        "below": "see the table", "line": "line", "column": "column", "element": "element",
        "how": "How to mend it", "findings": "Findings", "none": "No issues.", "profile": "profile",
        "slices": "Slices: what was expected, what was found", "skip": "Go to the findings",
        "left_out": "The findings of {count} further records are left out of this page; they are in the "
                    "other formats.",
    },
    "fr": {
        "colon": "\u00a0:", "semicolon": "\u00a0;", "title": "Rapport de validation",
        "valid": "valide", "invalid": "non valides",
        "records": "enregistrements",
        "summary": "Synthèse", "by_rule": "Par règle", "by_file": "Par fichier", "rule": "règle",
        "severity": "gravité", "issues": "anomalies", "file": "fichier", "errors": "erreurs",
        "warnings": "avertissements", "notes": "notes", "place": "emplacement", "slice": "tranche",
        "discriminator": "discriminant", "expected": "attendu", "found": "trouvé",
        "below": "voir le tableau", "line": "ligne", "column": "colonne", "element": "élément",
        "how": "Comment corriger", "findings": "Constats", "none": "Aucune anomalie.", "profile": "profil",
        "slices": "Tranches : ce qui était attendu, ce qui a été trouvé", "skip": "Aller aux constats",
        "left_out": "Les constats de {count} autres enregistrements ne figurent pas dans cette page ; ils "
                    "sont dans les autres formats.",
    },
}  # fmt: skip


def counted(severities: Mapping[Severity, int], language: Language) -> str:
    """How many of each severity, in words: `2 errors, 1 warning`."""
    words = SEVERITY_WORDS[language]
    return ", ".join(
        f"{severities[severity]} {word}{'s' if severities[severity] > 1 else ''}"
        for severity, word in words.items()
        if severities.get(severity)
    )


def slice_table(issue: Issue) -> SliceTable | None:
    """The table of slices that an issue carries, where it has rows."""
    table = issue.parameters.get("table")
    return table if isinstance(table, SliceTable) and table.rows else None


def text_beside_table(issue: Issue, language: Language) -> str:
    """The text of an issue whose table is drawn: it points there in place of repeating it."""
    if slice_table(issue) is None:
        return issue.text(language)
    parameters = {**issue.parameters, "table": WORDS[language]["below"]}
    return structs.replace(issue, parameters=parameters).text(language)

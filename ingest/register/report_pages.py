"""The onboarding report for people: text and HTML, headings in English or French."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from fhir_server.model.issues import Language
from ingest.register.onboarding import Onboarding

Rows = Sequence[tuple[str, ...]]

HEADINGS: Mapping[str, Mapping[Language, str]] = {
    "title": {"en": "Onboarding report", "fr": "Rapport de raccordement"},
    "ready": {
        "en": "Every message would be stored.",
        "fr": "Tous les messages seraient enregistrés.",
    },
    "not-ready": {
        "en": "Some messages could not be read or would be held.",
        "fr": "Des messages sont illisibles ou seraient mis en attente.",
    },
    "messages": {"en": "Messages, how many", "fr": "Messages, combien"},
    "findings": {"en": "Findings", "fr": "Constats"},
    "codes": {"en": "Codes without a target", "fr": "Codes sans correspondance"},
    "missing": {"en": "Missing fields", "fr": "Champs manquants"},
    "unused": {
        "en": "Fields no element carries, and why",
        "fr": "Champs qu’aucun élément ne porte, et pourquoi",
    },
}

LABELS: Mapping[str, Mapping[Language, str]] = {
    "stored": {"en": "would be stored", "fr": "seraient enregistrés"},
    "held": {"en": "would be held", "fr": "seraient mis en attente"},
    "ignored": {"en": "ask for nothing that is kept", "fr": "ne demandent rien qui soit conservé"},
    "unreadable": {"en": "cannot be read", "fr": "illisibles"},
    "reading": {"en": "reading", "fr": "lecture"},
    "standard": {"en": "standard", "fr": "norme"},
    "mapping": {"en": "mapping", "fr": "correspondance"},
    "holds": {"en": "holds the message", "fr": "met le message en attente"},
    "passes": {"en": "is kept as it is", "fr": "est gardé tel quel"},
    "table": {"en": "table", "fr": "table"},
}
"""Words within the rows; the last column counts messages."""

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td { border-bottom: 1px solid #ccc; padding: .2rem .6rem }
td:last-child { text-align: right }
"""


def label(name: str, language: Language) -> str:
    """A word of the report; names of standards stay as they are."""
    return LABELS[name][language] if name in LABELS else name


def sections(report: Onboarding, language: Language) -> Iterator[tuple[str, Rows]]:
    """The sections that have something in them: the key of the heading, and rows, the count last."""
    types = [(name, str(count)) for name, count in report.types.most_common()]
    outcomes = [
        (label(name, language), str(count))
        for name, count in sorted(report.outcomes.items())
        if count
    ]
    yield "messages", [*types, *outcomes]
    yield (
        "findings",
        [
            (label(one.source, language), one.place, one.text, str(count))
            for one, count in sorted(report.findings.items())
        ],
    )
    yield (
        "codes",
        [
            (
                f"{label('table', language)} {table}",
                code,
                label("holds" if holds else "passes", language),
                str(count),
            )
            for (table, code, holds), count in report.codes.most_common()
        ],
    )
    yield "missing", [(*key, str(count)) for key, count in report.missing.most_common()]
    yield "unused", [(*key, str(count)) for key, count in sorted(report.unused.items())]


def text_report(report: Onboarding, language: Language) -> Iterator[str]:
    """The lines of the text."""
    yield HEADINGS["ready" if report.is_ready else "not-ready"][language]
    for key, rows in sections(report, language):
        if not rows:
            continue
        yield ""
        yield HEADINGS[key][language]
        widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            yield f"  {'  '.join(cells)}".rstrip()


def html_report(report: Onboarding, language: Language) -> str:
    """A page that stands by itself."""
    title = HEADINGS["title"][language]
    parts = [
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title>',
        f"<style>{STYLE}</style>",
        f"<h1>{title}</h1><p>{HEADINGS['ready' if report.is_ready else 'not-ready'][language]}</p>",
    ]
    for key, rows in sections(report, language):
        if rows:
            cells = "".join(
                f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
            )
            parts.append(f"<h2>{HEADINGS[key][language]}</h2><table>{cells}</table>")
    return "\n".join(parts) + "\n"

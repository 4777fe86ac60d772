"""The formats of a validation report, one file each. A writer takes the results one at a time, writes
bytes, and gives the summary; its memory does not grow with the number of records.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO

from fhir_server.model.issues import Language
from fhir_server.validation.report_formats.html import write_html
from fhir_server.validation.report_formats.json import write_json
from fhir_server.validation.report_formats.junit import write_junit
from fhir_server.validation.report_formats.sarif import write_sarif
from fhir_server.validation.report_formats.text import write_text
from fhir_server.validation.sources import Result
from fhir_server.validation.summary import Summary

Writer = Callable[[Iterable[Result], BinaryIO, Language], Summary]

REPORT_FORMATS: Mapping[str, Writer] = {
    "text": write_text,
    "json": write_json,
    "junit": write_junit,
    "sarif": write_sarif,
    "html": write_html,
}
"""The writers by the name of `--format`."""

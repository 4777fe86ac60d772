"""The page: self-contained, readable by screen readers, safe with any content."""

from itertools import pairwise
from typing import Any

import pytest
from lxml import html

from fhir_server.validation.report_formats import html as html_format
from fhir_server.validation.sources import Result
from tests.validation.report_formats.conftest import RESULTS, Write


@pytest.fixture
def page(write: Write) -> Any:
    return html.document_fromstring(write("html").decode())


def test_html__needs_nothing_beside_itself(page: Any) -> None:
    assert not page.xpath("//script | //link | //img | //iframe | //@src")
    assert page.xpath("//a/@href") == ["#findings"]
    assert "url(" not in page.findtext(".//style")


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Validation report"), ("fr", "Rapport de validation")]
)
def test_html__speaks_the_language_it_declares(write: Write, language: str, title: str) -> None:
    found = html.document_fromstring(write("html", language).decode())
    assert found.get("lang") == language
    assert found.findtext(".//h1") == title


def test_html__tables_have_captions_and_headed_rows_and_columns(page: Any) -> None:
    tables = page.xpath("//table")
    assert len(tables) == 3
    for table in tables:
        assert table.findtext("caption")
        assert table.xpath("thead//th[@scope='col']")
        assert all(row.xpath("th[@scope='row']") for row in table.xpath("tbody/tr"))


def test_html__headings_go_down_a_level_at_a_time(page: Any) -> None:
    levels = [int(heading.tag[1]) for heading in page.xpath("//h1 | //h2 | //h3")]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_html__ids_are_unique_and_labels_lead_to_them(page: Any) -> None:
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert set(page.xpath("//@aria-labelledby")) <= set(ids)


def test_html__content_is_escaped(write: Write) -> None:
    text = write("html").decode()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_html__slices_are_a_table(page: Any) -> None:
    row = page.xpath("//li//tbody/tr")[0]
    assert [cell.text_content() for cell in row] == [
        "Observation.category[0]", "lab", "coding.code", "laboratory", "exam",
    ]  # fmt: skip


def test_html__says_how_many_records_it_leaves_out(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html_format, "MAX_RECORDS", 2)
    results: tuple[Result, ...] = (*RESULTS, *RESULTS)
    text = write("html", results=results).decode()
    assert "The findings of 6 further records are left out" in text

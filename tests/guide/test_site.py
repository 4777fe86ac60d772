"""The whole site: links lead somewhere, pages are well formed and accessible, nothing is fetched."""

import re
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest

from fhir_server.guide import GuideSource
from tests.guide.page_outline import PageOutline

LANGUAGES = ("en", "fr")


@pytest.fixture(scope="module")
def outlines(site: Path) -> dict[Path, PageOutline]:
    return {path.resolve(): PageOutline(path) for path in site.rglob("*.html")}


def test_pages__stand_in_both_languages(site: Path) -> None:
    english, french = (
        {path.relative_to(site / language) for path in (site / language).rglob("*")}
        for language in LANGUAGES
    )
    assert english == french
    assert len(english) > 200


def test_pages__are_well_formed(outlines: dict[Path, PageOutline]) -> None:
    assert [(each.path.name, each.faults) for each in outlines.values() if each.faults] == []


def test_links__lead_to_pages_and_places_that_exist(outlines: dict[Path, PageOutline]) -> None:
    broken = []
    for path, outline in outlines.items():
        for link in outline.links:
            target, _, place = link.partition("#")
            there = (path.parent / target).resolve() if target else path
            if not there.is_file() or (place and place not in outlines[there].ids):
                broken.append((path.name, link))
    assert broken == []


def test_pages__load_nothing_from_elsewhere(outlines: dict[Path, PageOutline]) -> None:
    for path, outline in outlines.items():
        for loaded in outline.loaded:
            assert ":" not in loaded
            assert (path.parent / loaded).is_file()
        assert not [tag for tag, values in outline.attributes if "style" in values]


def test_pages__have_one_title_and_headings_in_order(outlines: dict[Path, PageOutline]) -> None:
    for outline in outlines.values():
        levels = outline.headings
        assert levels[0] == 1, outline.path
        assert levels.count(1) == 1, outline.path
        steps = [after - level for level, after in pairwise(levels)]
        assert max(steps, default=0) <= 1, outline.path


def test_pages__give_readers_names_to_hold_on_to(outlines: dict[Path, PageOutline]) -> None:
    for outline in outlines.values():
        assert len(outline.ids) == len(set(outline.ids)), outline.path
        assert outline.count("main") == 1
        assert outline.count("table") == outline.count("caption")
        for tag, values in outline.attributes:
            if tag == "th":
                assert values["scope"] in {"col", "row"}
            if values.get("role") == "region":
                assert values["aria-label"]
                assert values["tabindex"] == "0"
        labelled = {values.get("for") for tag, values in outline.attributes if tag == "label"}
        assert {values["id"] for tag, values in outline.attributes if tag == "input"} <= labelled


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    digits = "".join(digit * 2 for digit in colour) if len(colour) == 3 else colour
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_style__has_the_contrast_of_wcag_aa_in_light_and_dark(site: Path) -> None:
    schemes = re.findall(r":root \{([^}]*)\}", (site / "style.css").read_text(encoding="utf-8"))
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): #(\w+)", scheme))
        for front in ("text", "link", "error", "warning"):
            for back in ("back", "soft", "mark"):
                assert contrast(colours[front], colours[back]) >= 4.5, (front, back)


@pytest.mark.parametrize("language", LANGUAGES)
def test_profile_pages__show_rules_examples_and_elements(
    site: Path, source: GuideSource, language: str
) -> None:
    for profile in source.profiles:
        page = (site / language / "profiles" / f"{profile['id']}.html").read_text(encoding="utf-8")
        ids = set(re.findall(r'id="([^"]+)"', page))
        for element in profile["differential"]["element"]:
            assert f'title="{element["id"]}"' in page
            for constraint in element.get("constraint", ()):
                assert f"rule-{constraint['key']}" in ids
        claiming = [each for each in source.valid if profile["url"] in each.profiles]
        assert claiming
        assert all(each.name in page for each in claiming)


def test_profile_pages__say_where_elements_come_from(site: Path) -> None:
    page = (site / "en" / "profiles" / "bone-sarcoma-patient.html").read_text(encoding="utf-8")
    assert re.search(
        r"<code>birthDate</code></th><td><code>PID-7</code></td><td>[^<]*ADT\^A28", page
    )


def test_profile_pages__name_the_part_that_a_note_goes_into(site: Path) -> None:
    page = (site / "en" / "profiles" / "bone-pathology-report.html").read_text(encoding="utf-8")
    origins = page.partition('id="v2"')[2]
    assert "valueAnnotation.text</code>" in origins
    assert "<code>authorReference</code>" not in origins


def test_profile_pages__tell_conditions_in_words(site: Path) -> None:
    page = (site / "fr" / "profiles" / "bone-pathology-report.html").read_text(encoding="utf-8")
    assert "<td>objet du résultat = conclusion et OBX-2 parmi (ST TX FT)</td>" in unescape(page)


def test_journey_pages__have_a_title_in_the_language_of_the_reader(site: Path) -> None:
    page = (site / "fr" / "journeys" / "ewing-fusion.html").read_text(encoding="utf-8")
    assert "<title>Sarcome d’Ewing et sa fusion ·" in unescape(page)


def test_profile_pages__speak_the_language_of_the_reader(site: Path) -> None:
    page = (site / "fr" / "profiles" / "primary-bone-tumour.html").read_text(encoding="utf-8")
    assert "<h1>Tumeur osseuse primitive</h1>" in page
    assert "Plasmocytome et myélome ne sont pas des sarcomes osseux primitifs" in page


def test_code_system_pages__show_the_evidence_of_each_code(site: Path) -> None:
    page = (site / "en" / "code-systems" / "treatment-setting.html").read_text(encoding="utf-8")
    assert re.search(r'neoadjuvant</code>.*<abbr title="read in a public source">V</abbr>', page)


def test_journey_pages__tell_each_step_in_the_language_of_the_reader(site: Path) -> None:
    page = (site / "fr" / "journeys" / "osteosarcoma-adolescent.html").read_text(encoding="utf-8")
    steps = re.findall(
        r'<th scope="row" class="day">([^<]*)</th><td><a [^>]*>(.*?)</a></td><td>(.*?)</td>', page
    )
    days = [day for day, _, _ in steps]
    assert days == sorted(days)
    assert len(steps) == 52
    told = {unescape(title): unescape(words) for _, title, words in steps}
    assert told["Biopsie d'une tumeur osseuse"] == "Biopsie à l'aiguille"
    assert "Autorisé" in told["Consentement ou opposition"].title()
    assert sum(not words for _, _, words in steps) <= 4

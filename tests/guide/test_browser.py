"""The guide in a real browser, from a disk: the search box answers, in light and dark, on a small screen.

Skipped where there is no Chromium on the path.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on the path")


def shown(page: Path, profile: Path, query: str = "") -> str:
    """The document as the browser has it once its scripts have run."""
    assert BROWSER is not None
    found = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         f"--user-data-dir={profile}",
         "--dump-dom", f"{page.as_uri()}{query}"],
        check=True, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    return found.stdout


def results(document: str) -> list[str]:
    listed = re.search(r'<ol id="found">(.*?)</ol>', document, re.DOTALL)
    assert listed
    return re.findall(r'<a href="([^"]+)">', listed[1])


def test_search__finds_a_profile_by_a_word_of_its_title(site: Path, tmp_path: Path) -> None:
    document = shown(site / "fr" / "index.html", tmp_path, "?q=tumeur+osseuse+primitive")
    assert results(document)[0] == "profiles/primary-bone-tumour.html"
    assert 'role="search" hidden' not in document


def test_search__folds_accents_and_leads_from_a_page_below(site: Path, tmp_path: Path) -> None:
    page = site / "fr" / "profiles" / "tumour-grade.html"
    document = shown(page, tmp_path, "?q=necrose")
    assert "../profiles/chemotherapy-necrosis.html" in results(document)


def test_search__says_when_nothing_is_found(site: Path, tmp_path: Path) -> None:
    document = shown(site / "en" / "index.html", tmp_path, "?q=xylophone")
    assert results(document) == []
    assert ">nothing found<" in document

"""Writes the guide: pages in both languages, examples, style, script and the index of the search box.

Shape: `<folder>/<language>/…html`, `<folder>/examples/…json`; every link is relative, nothing is loaded from
elsewhere, so that the site works from a disk as it does from a server.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from fhir_server.guide.pages import Page, page_path, pages
from fhir_server.guide.source import GuideSource, read_source
from fhir_server.guide.texts import texts_in
from fhir_server.guide.translation import Text
from fhir_server.model.issues import Language
from fhir_server.model.json_source import pretty_json

LANGUAGES: Sequence[Language] = ("en", "fr")
_ASSETS = ("style.css", "search.js")


def build_site(folder: Path, source: GuideSource | None = None) -> int:
    """Write the site and give the number of its pages. Cost: some seconds for the network's package."""
    found = source or read_source()
    folder.mkdir(parents=True, exist_ok=True)
    for name in _ASSETS:
        content = resources.files(__package__).joinpath("templates", name).read_bytes()
        (folder / name).write_bytes(content)
    _write(folder / "index.html", _environment().get_template("languages.html").render())
    for example in (*found.valid, *found.invalid, *found.journeys):
        _write(folder / "examples" / example.name, pretty_json(example.resource).decode())
    written = 1
    for language in LANGUAGES:
        made = list(pages(found, language))
        paths = {each["url"]: page_path(each) for each in found.resources if "url" in each}
        for page in made:
            _write(folder / language / page.path, _render(page, language, paths, found))
        _write(folder / language / "search-index.js", _search_index(made))
        written += len(made)
    return written


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _render(page: Page, language: Language, paths: Mapping[str, str], source: GuideSource) -> str:
    up = "../" * page.path.count("/")
    texts = texts_in(language)
    title = page.title.content or texts["lists"].get(page.content.get("group", ""), texts["title"])
    return _environment().get_template(page.template).render(
        page=page,
        title=title,
        language=language,
        other="fr" if language == "en" else "en",
        texts=texts,
        up=up,
        root=up + "../",
        manifest=source.manifest,
        link=_linker(up, paths),
        **page.content,
    )  # fmt: skip


def _linker(up: str, paths: Mapping[str, str]) -> Callable[[str], str]:
    """The address of the page of a canonical URL, empty for what is not of the package."""

    def link(url: str) -> str:
        path = paths.get(url.partition("|")[0], "")
        return up + path if path else ""

    return link


def _search_index(made: Sequence[Page]) -> str:
    """What the search box looks through: title, kind, path, description and keywords of each page."""
    rows = [
        [page.title.content, page.kind, page.path, page.about.content, page.keywords]
        for page in made
        if page.kind
    ]
    listed = json.dumps(rows, ensure_ascii=False).replace("<", "\\u003c")
    return f"window.guideIndex = {listed};\n"


def _short_url(url: str) -> str:
    """The last part of a canonical URL, by which people call it."""
    return re.split(r"[/#]", url.partition("|")[0])[-1]


def _short_system(name: str) -> str:
    """A system by the last part of its URL, with its version: `icd-o-3 3.1`, `loinc.org`."""
    url, _, version = name.partition("|")
    return f"{_short_url(url)} {version}".strip()


def _in_tongue(text: Text, language: Language) -> str:
    """The `lang` that marks a text which is not in the language of its page."""
    return "" if text.language == language else text.language


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("fhir_server.guide"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short_url"] = _short_url
    environment.filters["short_system"] = _short_system
    environment.filters["tongue"] = _in_tongue
    return environment

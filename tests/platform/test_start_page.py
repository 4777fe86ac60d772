import json
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fhir_server.http import start_page
from fhir_server.model.negotiation import preferred, preferred_language
from fhir_server.settings import Settings, load_settings
from fhir_server.store.database import Database


@dataclass(frozen=True)
class Parts:
    settings: Settings
    database: Database


def _client(database: Database, **settings: Any) -> TestClient:
    routes = start_page.routes(Parts(load_settings(**settings), database))
    return TestClient(Starlette(routes=routes))


@pytest.fixture
def client() -> TestClient:
    return _client(Database("postgresql://unused@/unused"))


class _Outline(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.language: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "html":
            self.language = dict(attrs)["lang"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("fr", "fr"), ("fr-FR,fr;q=0.9,en;q=0.8", "fr"), ("en-GB", "en"), ("de", "en"), ("*", "en")],
)
def test_start_page__speaks_the_language_asked_for(
    client: TestClient, accepted: str, language: str
) -> None:
    answer = client.get("/", headers={"Accept-Language": accepted})
    assert _Outline(answer.text).language == language
    assert answer.headers["Content-Language"] == language


def test_start_page__speaks_the_language_of_the_settings_by_default() -> None:
    client = _client(Database("postgresql://unused@/unused"), language="fr")
    assert client.get("/", headers={"Accept-Language": "de"}).headers["Content-Language"] == "fr"


def test_start_page__has_an_outline_for_screen_readers(client: TestClient) -> None:
    tags = _Outline(client.get("/").text).tags
    assert tags.count("h1") == 1
    assert {"header", "main", "h2", "footer"} <= set(tags)
    assert "script" not in tags


def test_start_page__json_twin_says_the_same(client: TestClient) -> None:
    page = client.get("/").text
    twin = json.loads(client.get("/", headers={"Accept": "application/json"}).text)
    assert all(place["address"] in page for place in twin["places"])
    assert len(twin["uses"]) == page.count("<h3")


def test_start_page__escapes_what_settings_say() -> None:
    database = Database("postgresql://unused@/unused")
    client = _client(database, base_url="https://host.example/<b>fhir")
    assert "<b>fhir" not in client.get("/").text


def test_start_page__both_languages_say_the_same_things() -> None:
    settings = load_settings(data_dir=Path("var"))
    english, french = (start_page.start_page_content(settings, one) for one in start_page.LANGUAGES)
    assert [place.address for place in english["places"]] == [
        place.address for place in french["places"]
    ]
    assert [use.commands for use in english["uses"]] == [use.commands for use in french["uses"]]
    assert english["texts"].keys() == french["texts"].keys()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "text/html"),
        ("", "text/html"),
        ("*/*", "text/html"),
        ("application/json", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("text/*;q=0.9, application/json;q=0.8", "text/html"),
        ("text/html;q=0, */*", "application/json"),
        ("image/png", None),
        ("application/json;q=x", None),
    ],
)
def test_preferred__follows_the_quality_values(header: str | None, expected: str | None) -> None:
    assert preferred(header, ["text/html", "application/json"]) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "en"),
        ("fr-FR, en", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("fr;q=0.3, en;q=0.9", "en"),
        ("de", "en"),
    ],
)
def test_preferred_language__of_equals_is_the_first_named(
    header: str | None, expected: str
) -> None:
    assert preferred_language(header, "en") == expected


def test_readme__shows_each_command_of_the_start_page() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    page = start_page.start_page_content(Settings.model_construct(), "en")
    missing = [one for use in page["uses"] for one in use.commands if one not in readme]
    assert missing == []


def test_start_page__commands_fit_the_settings() -> None:
    page = start_page.start_page_content(load_settings(http_port=81, mllp_port=82), "en")
    demo = page["uses"][-1].commands[0]
    assert demo.endswith(" --base http://127.0.0.1:81/fhir --mllp 127.0.0.1:82")

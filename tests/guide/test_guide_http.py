"""The guide below `/guide`: built once, with the headers of a page that loads nothing from elsewhere."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fhir_server.guide import built
from fhir_server.http import guide
from fhir_server.settings import Settings, load_settings
from fhir_server.store.database import Database


@dataclass(frozen=True)
class Parts:
    settings: Settings
    database: Database


@pytest.fixture
def built_times(site: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """How often a site was built; building copies one page."""
    times: list[Path] = []

    def build(folder: Path) -> int:
        times.append(folder)
        (folder / "en").mkdir(parents=True)
        (folder / "en" / "index.html").write_bytes((site / "en" / "index.html").read_bytes())
        return 1

    monkeypatch.setattr(built, "build_site", build)
    return times


def client(data_dir: Path) -> TestClient:
    parts = Parts(load_settings(data_dir=data_dir), Database("postgresql://unused@/unused"))
    return TestClient(Starlette(routes=guide.routes(parts)), follow_redirects=False)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_front_door__leads_to_the_language_asked_for(tmp_path: Path, language: str) -> None:
    answer = client(tmp_path).get("/guide", headers={"Accept-Language": language})
    assert (answer.status_code, answer.headers["location"]) == (
        307,
        f"/guide/{language}/index.html",
    )


def test_guide__is_built_once_and_kept(tmp_path: Path, built_times: list[Path]) -> None:
    for _ in range(2):
        reader = client(tmp_path)
        for _ in range(2):
            assert reader.get("/guide/en/index.html").status_code == 200
    assert len(built_times) == 1


def test_guide__allows_its_own_scripts_and_styles_only(
    tmp_path: Path, built_times: list[Path]
) -> None:
    answer = client(tmp_path).get("/guide/en/index.html")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["en/none.html", "%2e%2e/%2e%2e/settings.py", "../pyproject.toml"])
def test_guide__shows_nothing_else(tmp_path: Path, built_times: list[Path], path: str) -> None:
    assert client(tmp_path).get(f"/guide/{path}").status_code == 404


def test_built_site__replaces_a_former_one(tmp_path: Path, built_times: list[Path]) -> None:
    former = tmp_path / "cache" / "guide-0"
    former.mkdir(parents=True)
    assert built.built_site(tmp_path).is_dir()
    assert not former.exists()

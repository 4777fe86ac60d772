from pathlib import Path

import pytest

from fhir_server.cli.main import run
from fhir_server.cli.reference import PAGES
from fhir_server.settings import Settings, SettingsError, load_settings
from fhir_server.settings.kinds import without_password
from fhir_server.settings.listing import documented_settings, unknown_variables

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_reference__page_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_settings__each_is_documented() -> None:
    assert all(len(setting.description) > 20 for setting in documented_settings())


def test_settings__command_lists_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["settings"]) == 0
    shown = capsys.readouterr().out
    assert all(f"OSTEON_{name.upper()}=" in shown for name in Settings.model_fields)


def test_settings__json_lists_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["settings", "--format", "json"]) == 0
    assert capsys.readouterr().out.count('"variable"') == len(Settings.model_fields)


def test_load_settings__fault_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTEON_MAX_BODY_BYTES", "many")
    with pytest.raises(SettingsError, match=r"^OSTEON_MAX_BODY_BYTES: 'many' cannot be used"):
        load_settings()


def test_load_settings__fault_hides_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTEON_DATABASE_URL", "mysql://osteon:secret@host/name")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "secret" not in str(caught.value)


def test_load_settings__empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTEON_DATABASE_URL", "")
    assert load_settings().database_url is None


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_load_settings__loopback_is_taken(address: str) -> None:
    assert load_settings(bind=address).bind == address


def test_fhir_base__follows_the_address_unless_given() -> None:
    assert load_settings(bind="::1", http_port=81).fhir_base == "http://[::1]:81/fhir"
    given = load_settings(base_url="https://host.example/fhir/")
    assert given.fhir_base == "https://host.example/fhir"


def test_unknown_variables__are_found_with_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTEON_HTTPPORT", "1")
    assert unknown_variables()["OSTEON_HTTPPORT"] == "OSTEON_HTTP_PORT"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://a:b@host/c", "postgresql://a:…@host/c"),
        ("postgresql://a@host/c", "postgresql://a@host/c"),
        ("postgresql://a:b@[::1/c", "(not readable)"),
    ],
)
def test_without_password__hides_it(url: str, shown: str) -> None:
    assert without_password(url) == shown

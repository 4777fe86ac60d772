"""The start page at `/`: what runs and how to try each use, in English and French; JSON by `Accept`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from fhir_server.http.parts import ServerParts
from fhir_server.model.issues import Language
from fhir_server.model.negotiation import preferred, preferred_language
from fhir_server.settings import Settings

LANGUAGES: Sequence[Language] = ("en", "fr")
DEFAULT_FHIR = "http://127.0.0.1:8080/fhir"
DEFAULT_MLLP = "127.0.0.1:2575"
"""Where the commands of `osteon` look for the server."""
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept, Accept-Language",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Something that runs, and where."""

    name: str
    address: str
    is_link: bool
    about: str


@dataclass(frozen=True, slots=True)
class Use:
    """One of the four uses, with the commands that try it."""

    title: str
    about: str
    commands: Sequence[str]


def routes(parts: ServerParts) -> list[Route]:
    """The page and its style sheet."""
    settings = parts.settings

    def start_page(request: Request) -> Response:
        language = language_of(request, settings)
        media = preferred(request.headers.get("accept"), ["text/html", "application/json"])
        page = start_page_content(settings, language)
        headers = {**_PAGE_HEADERS, "Content-Language": language}
        if media == "application/json":
            return JSONResponse(_as_json(page), headers=headers)
        return HTMLResponse(_environment().get_template("start.html").render(page), headers=headers)

    def style(_request: Request) -> Response:
        sheet = resources.files(__package__).joinpath("templates/style.css").read_bytes()
        return Response(sheet, media_type="text/css", headers={"Cache-Control": "max-age=3600"})

    return [
        Route("/", start_page, methods=["GET"], name="start-page"),
        Route("/style.css", style, methods=["GET"], name="style"),
    ]


def language_of(request: Request, settings: Settings) -> Language:
    """The language a client asks for, else the one of the settings."""
    return preferred_language(request.headers.get("accept-language"), settings.language)


def start_page_content(settings: Settings, language: Language) -> Mapping[str, Any]:
    """What the page says, ready for the template."""
    texts = _texts()
    values = _values(settings)
    return {
        "language": language,
        "texts": {name: text[language] for name, text in texts["page"].items()},
        "places": [_place(entry, language, values) for entry in texts["places"]],
        "uses": [_use(entry, language, values) for entry in texts["uses"]],
    }


def _values(settings: Settings) -> Mapping[str, str]:
    mllp = f"{settings.bind}:{settings.mllp_port}"
    return {
        "origin": settings.origin,
        "fhir": settings.fhir_base,
        "mllp": mllp,
        "base_option": ""
        if settings.fhir_base == DEFAULT_FHIR
        else f" --base {settings.fhir_base}",
        "mllp_option": "" if mllp == DEFAULT_MLLP else f" --mllp {mllp}",
    }


def _place(entry: Mapping[str, Any], language: Language, values: Mapping[str, str]) -> Place:
    address = entry["address"].format_map(values)
    return Place(address=address, is_link=address.startswith("http"), **entry[language])


def _use(entry: Mapping[str, Any], language: Language, values: Mapping[str, str]) -> Use:
    commands = [command.format_map(values) for command in entry["commands"]]
    return Use(commands=commands, **entry[language])


def _as_json(page: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "title": page["texts"]["title"],
        "about": page["texts"]["about"],
        "places": [
            {"name": place.name, "address": place.address, "about": place.about}
            for place in page["places"]
        ],
        "uses": [
            {"title": use.title, "about": use.about, "commands": list(use.commands)}
            for use in page["uses"]
        ],
    }


@cache
def _texts() -> Mapping[str, Any]:
    source = resources.files(__package__).joinpath("texts/start_page.yaml").read_text("utf-8")
    texts: Mapping[str, Any] = yaml.safe_load(source)
    return texts


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("fhir_server.http"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

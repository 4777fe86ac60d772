"""One FHIR request, read from HTTP: path parts, parameters, preferences, content.

Source: FHIR R4 http.html; RFC 7240 (Prefer); RFC 9110 (content negotiation).
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast
from urllib.parse import parse_qsl

from fhir_server.http.formats import (
    FORMATS,
    Format,
    acceptable_format,
    check_content_parameters,
    format_of_content,
    media_type_of,
    not_acceptable,
    read_for_validation,
    read_source,
)
from fhir_server.interactions.bundle_response import ReturnPreference
from fhir_server.interactions.conditions import Conditions, parse_entity_tags
from fhir_server.interactions.operations.given import given_pairs
from fhir_server.interactions.patching.document import Patch, fhirpath_patch, read_patch
from fhir_server.interactions.query import GENERAL, query_pairs, query_text
from fhir_server.interactions.resumption import ONCE, Resumption
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Language, refuse
from fhir_server.model.negotiation import preferred_language
from fhir_server.model.reading import Reading

FORM = "application/x-www-form-urlencoded"
_PREFER = re.compile(r"\s*(?P<name>[A-Za-z-]+)\s*(?:=\s*\"?(?P<value>[^\s\"]*)\"?)?\s*")
_RETURNS = {
    "minimal": "minimal",
    "representation": "representation",
    "operationoutcome": "OperationOutcome",
}


@dataclass(frozen=True)
class Call:
    """One request.

    Shape: `path` holds the parts that the route names (`type`, `id`, `version`); `headers` has names in
    lower case; `content` the body's bytes; `resumption` what is known of an earlier attempt.
    """

    server: FhirServer
    method: str
    path: Mapping[str, str]
    query: str
    headers: Mapping[str, str]
    content: bytes
    resumption: Resumption = ONCE

    @property
    def is_read(self) -> bool:
        """Whether it asks for content and changes nothing."""
        return self.method in {"GET", "HEAD"}

    @property
    def type(self) -> str:
        """The resource type of the path."""
        return self.path["type"]

    @property
    def id(self) -> str:
        """The id of the path."""
        return self.path["id"]

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of the URL without those of the format. Errors: as `query_pairs`."""
        return [pair for pair in query_pairs(self.query) if pair[0] not in GENERAL]

    @cached_property
    def sent_pairs(self) -> list[tuple[str, str]]:
        """All parameters, of the URL and of a form in the body: what the links of an answer repeat.

        Errors: Refused 415 for a body that is no form; as `query_pairs`.
        """
        return query_pairs(self.query) + ([] if self.is_read else self._form_pairs)

    @cached_property
    def _form_pairs(self) -> list[tuple[str, str]]:
        if self.content and self.media_type != FORM:
            raise refuse(415, "form-expected", "not-supported")
        check_content_parameters(self.headers.get("content-type", ""))
        return query_pairs(query_text(self.content))

    @cached_property
    def operation_pairs(self) -> list[tuple[str, str]]:
        """The parameters of an operation: those of the URL, and those of a Parameters resource in the
        body. Errors: Refused 400 where the body is none.
        """
        sent = given_pairs(self.resource) if self.method == "POST" and self.content else []
        return [*self.pairs, *sent]

    @property
    def format_pairs(self) -> list[tuple[str, str]]:
        """What the URL says of the format: the links of an answer repeat it."""
        return [pair for pair in query_pairs(self.query) if pair[0] in GENERAL]

    @cached_property
    def resource(self) -> Any:
        """The content, JSON or XML; of a Binary its content in any other format too.

        Errors: Refused 400 (unreadable) or 415 (another format).
        """
        is_binary = self.path.get("type") == "Binary" and self.media_type not in {*FORMATS, ""}
        if is_binary and self.content:
            return self._binary
        return read_source(self.content, self._content_format, self.server.definitions.type_model)

    @property
    def _binary(self) -> dict[str, Any]:
        # https://hl7.org/fhir/R4/binary.html#rest
        context = self.headers.get("x-security-context")
        return {
            "resourceType": "Binary",
            **({"id": self.id} if "id" in self.path else {}),
            "contentType": self.headers["content-type"].strip(),
            **({"securityContext": {"reference": context}} if context else {}),
            "data": base64.b64encode(self.content).decode(),
        }

    @property
    def reading(self) -> Reading:
        """The content as far as it can be read. Errors: Refused 400 (nothing can) or 415."""
        return read_for_validation(
            self.content, self._content_format, self.server.definitions.type_model
        )

    @property
    def _content_format(self) -> Format:
        if not self.content:
            raise refuse(400, "body-missing", "required")
        kind = format_of_content(self.media_type)
        if kind is None:
            raise refuse(415, "media-type-not-supported", "not-supported")
        check_content_parameters(self.headers.get("content-type", ""))
        return kind

    @property
    def patch(self) -> Patch:
        """The content as a patch. Errors: Refused 400 (no patch) or 415 (no kind of patch)."""
        if not self.content:
            raise refuse(400, "body-missing", "required")
        if self.media_type in FORMATS:
            return fhirpath_patch(self.server, self.resource)
        check_content_parameters(self.headers.get("content-type", ""))
        return read_patch(self.server, self.media_type, self.content)

    @cached_property
    def language(self) -> Language:
        """The language of texts, by Accept-Language."""
        header = self.headers.get("accept-language")
        return preferred_language(header, self.server.settings.language)

    @cached_property
    def preferences(self) -> dict[str, str]:
        """What Prefer asks for, names and values in lower case; of what is named twice, the first.

        Errors: Refused 400 for an unknown `return` where handling is to be strict; else it is ignored.
        Source: RFC 7240 §2
        """
        found: dict[str, str] = {}
        for part in re.split(r"[,;]", self.headers.get("prefer", "")):
            match = _PREFER.fullmatch(part)
            if match is not None:
                found.setdefault(match["name"].lower(), (match["value"] or "").lower())
        if found.get("return", "minimal") not in _RETURNS:
            if found.get("handling") == "strict":
                raise refuse(400, "prefer-invalid", "value", "http.Prefer")
            del found["return"]
        return found

    def returns(self, default: ReturnPreference) -> ReturnPreference:
        """How much of the outcome to send back."""
        asked = self.preferences.get("return")
        return cast("ReturnPreference", _RETURNS[asked]) if asked else default

    @property
    def wants_later(self) -> bool:
        """Whether the client would rather ask again than wait (`respond-async`)."""
        return "respond-async" in self.preferences

    @property
    def is_lenient(self) -> bool:
        """Whether unknown search parameters may be dropped (and said so)."""
        return self.preferences.get("handling") == "lenient"

    @property
    def is_pretty(self) -> bool:
        """Whether the client asks for indented text."""
        return self._general.get("_pretty") == "true"

    @property
    def conditions(self) -> Conditions:
        """The versions that If-Match and If-None-Match name. Errors: Refused 400 for any other form."""
        return Conditions(
            parse_entity_tags(self.headers.get("if-match"), "http.If-Match"),
            parse_entity_tags(self.headers.get("if-none-match"), "http.If-None-Match"),
        )

    @property
    def if_none_exist(self) -> str | None:
        """The criteria of a conditional create."""
        sent = self.headers.get("if-none-exist")
        return None if sent is None else query_text(sent.encode("latin-1"))

    @property
    def media_type(self) -> str:
        """The media type of the content, in lower case; empty where none is named."""
        return media_type_of(self.headers.get("content-type", ""))

    @cached_property
    def format(self) -> Format:
        """The format of the answer, JSON where the client takes neither."""
        return self._acceptable or "json"

    @property
    def names_format(self) -> bool:
        """Whether `_format` says how the answer is to be written."""
        return "_format" in self._general

    def check_format(self) -> None:
        """Errors: Refused 406 where the client takes neither JSON nor XML."""
        if self._acceptable is None:
            raise not_acceptable()

    @cached_property
    def _acceptable(self) -> Format | None:
        asked = self._general.get("_format")
        return acceptable_format(asked, self.headers.get("accept"), self.media_type)

    @cached_property
    def _general(self) -> dict[str, str]:
        """How the answer is to be written, by the URL or the form; unreadable ones say nothing here."""
        sent = self.query
        if self.media_type == FORM:
            sent += "&" + query_text(self.content)
        if not sent:
            return {}
        return {name: value for name, value in parse_qsl(sent) if name in GENERAL}

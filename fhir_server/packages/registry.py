"""A package registry: which versions it has of a package, and their archives.

Shape: `GET {registry}/{name}` lists the versions as npm registries do, `GET {registry}/{name}/{version}`
gives the archive. Source: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

import hashlib
import re
from typing import Any

import httpx2

from fhir_server.definitions.installed import version_key
from fhir_server.definitions.packages import PackageError
from fhir_server.model.json_source import JsonSyntaxError, parse_json
from fhir_server.operator_error import OperatorError
from fhir_server.packages.archive import MAX_ARCHIVE_BYTES
from fhir_server.packages.manifest import Need

MAX_LISTING_BYTES = 16 * 1024 * 1024
_SHA1 = re.compile(r"[0-9a-f]{40}")


class RegistryUnreachableError(OperatorError):
    """The registry gives no answer; the message says which and why."""


class Registry:
    """The registry at a URL."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    def newest(self, need: Need) -> str:
        """The newest version that meets a need; a pre-release only where it is named.

        Errors: PackageError where the registry has none; RegistryUnreachableError.
        """
        listed = self._listing(need.name).get("versions")
        versions = [str(version) for version in listed] if isinstance(listed, dict) else []
        if need.version in versions:
            return need.version
        fitting = [version for version in versions if need.is_met_by(version)]
        released = [version for version in fitting if "-" not in version]
        if not fitting:
            raise PackageError(f"the registry has no {need}")
        return max(released or fitting, key=version_key)

    def fetch(self, name: str, version: str) -> bytes:
        """The archive of a package, its hash checked where the registry states one.

        Errors: PackageError, RegistryUnreachableError.
        """
        entry = (self._listing(name).get("versions") or {}).get(version) or {}
        expected = (entry.get("dist") or {}).get("shasum") if isinstance(entry, dict) else None
        content = self._get(f"{name}/{version}", MAX_ARCHIVE_BYTES)
        # SHA-1 is what registries state; it guards against damage on the way, not against the registry.
        found = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        if isinstance(expected, str) and _SHA1.fullmatch(expected) and found != expected:
            raise PackageError(f"{name}@{version} came damaged: its hash is not the registry's")
        return content

    def _listing(self, name: str) -> dict[str, Any]:
        try:
            listing = parse_json(self._get(name, MAX_LISTING_BYTES))
        except JsonSyntaxError:
            raise PackageError(f"the registry says nothing readable of {name}") from None
        return listing if isinstance(listing, dict) else {}

    def _get(self, path: str, limit: int) -> bytes:
        url = f"{self._url}/{path}"
        try:
            with httpx2.stream(
                "GET", url, timeout=self._timeout_s, follow_redirects=True
            ) as answer:
                if answer.status_code == 404:
                    raise PackageError(f"the registry has no {path.replace('/', '@')}")
                if answer.status_code != 200:
                    raise RegistryUnreachableError(
                        f"the package registry {self._url} answers {answer.status_code}"
                    )
                chunks: list[bytes] = []
                size = 0
                for chunk in answer.iter_bytes():
                    size += len(chunk)
                    if size > limit:
                        raise PackageError(
                            f"{path}: more than {limit} bytes come from the registry"
                        )
                    chunks.append(chunk)
                return b"".join(chunks)
        except (httpx2.HTTPError, httpx2.InvalidURL) as fault:
            raise RegistryUnreachableError(
                f"the package registry {self._url} cannot be reached: {type(fault).__name__}"
            ) from None

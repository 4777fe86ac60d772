"""Where notifications may go: what the operator allows, so that no client can make this server call
services that only it can reach (server-side request forgery).

Loopback names are taken literally, and a listed prefix is the operator's word for the host: no answer of a
name server widens either. Redirects are never followed.
"""

import ipaddress
from urllib.parse import SplitResult, urlsplit

from fhir_server.settings import Settings

_SCHEMES = {"http": 80, "https": 443}


def is_endpoint(url: str) -> bool:
    """Whether a URL is one that can be called: http or https, a host, nothing of a user in it."""
    try:
        parts = urlsplit(url)
        usable = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not parts.username and not parts.password and not parts.fragment and url.isprintable()
    return usable and plain and parts.scheme in _SCHEMES and bool(parts.hostname) and " " not in url


def is_allowed(settings: Settings, url: str) -> bool:
    """Whether OSTEON_SUBSCRIPTION_ENDPOINTS lets notifications go to a URL."""
    if not is_endpoint(url):
        return False
    parts = urlsplit(url)
    for allowed in settings.subscription_endpoint_list:
        if allowed == "loopback":
            own = {settings.http_port, settings.mllp_port}
            if _is_loopback(str(parts.hostname)) and _port(parts) not in own:
                return True
        elif _is_below(parts, urlsplit(allowed)):
            return True
    return False


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_below(parts: SplitResult, allowed: SplitResult) -> bool:
    same = (parts.scheme, parts.hostname, _port(parts)) == (
        allowed.scheme, allowed.hostname, _port(allowed),
    )  # fmt: skip
    folder = allowed.path.rstrip("/") + "/"
    climbs = ".." in parts.path.split("/") or "%2e" in parts.path.lower()
    return same and not climbs and (parts.path + "/").startswith(folder)


def _port(parts: SplitResult) -> int:
    return parts.port or _SCHEMES[parts.scheme]

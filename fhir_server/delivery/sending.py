"""Sending one request to a subscriber: bounded in time and size, following nobody elsewhere."""

import asyncio

import httpx2

from fhir_server.interactions.subscriptions.notification import Outgoing

MOST_ANSWER_BYTES = 64 * 1024
"""An answer is read so far, so that its connection can be used again; what it says is not looked at."""


def new_client() -> httpx2.AsyncClient:
    """A client that takes no proxy from the environment and follows no redirect."""
    return httpx2.AsyncClient(trust_env=False, follow_redirects=False)


async def send(client: httpx2.AsyncClient, outgoing: Outgoing, timeout_s: float) -> str | None:
    """Send; None where the subscriber has taken it, else what went wrong, without any content.

    Units: `timeout_s` for the whole exchange, however slowly the subscriber answers.
    """
    try:
        async with asyncio.timeout(timeout_s):
            request = client.stream(
                outgoing.method, outgoing.url, headers=list(outgoing.headers),
                content=outgoing.content, timeout=timeout_s,
            )  # fmt: skip
            async with request as answer:
                status = answer.status_code
                size = 0
                async for chunk in answer.aiter_raw():
                    size += len(chunk)
                    if size > MOST_ANSWER_BYTES:
                        break
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except httpx2.TimeoutException:
        return f"no answer within {timeout_s:g} s"
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as fault:
        return f"connection failed ({type(fault).__name__})"
    return None if 200 <= status < 300 else f"HTTP {status}"

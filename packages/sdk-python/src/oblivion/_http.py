"""HTTP to Nexus. httpx is imported at the first one: it is slower than all of `import oblivion`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pydantic import ValidationError

from oblivion.errors import ApiError, Unreachable
from oblivion_protocol import Page, Problem, SearchHit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    import httpx

    from oblivion._auth import TokenSource

TIMEOUT_SECONDS = 10.0
_UNAUTHORIZED = 401


@cache
def _ssl_context() -> ssl.SSLContext:
    # Loading the certificates takes longer than a request, and a context may be shared.
    import httpx

    return httpx.create_ssl_context()


async def request(
    method: str,
    url: str,
    *,
    params: Mapping[str, str | int] | None = None,
    form: Mapping[str, str] | None = None,
    token: str | None = None,
) -> httpx.Response:
    """One request, whatever the status of its response. Raises `Unreachable` when there is none."""
    import httpx

    headers = {"Accept": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        async with httpx.AsyncClient(verify=_ssl_context(), timeout=TIMEOUT_SECONDS) as client:
            return await client.request(method, url, params=params, data=form, headers=headers)
    except httpx.TransportError as error:
        raise Unreachable(f"No answer from {url}: {error or type(error).__name__}") from error


async def search(uri: str, tokens: TokenSource, query: str, limit: int) -> list[SearchHit]:
    """Passages of the tenant's history, best first.

    Raises `ApiError`, `Unreachable` or `CredentialsRefused`.
    """
    url = f"{uri}/v1/search"
    params: dict[str, str | int] = {"q": query, "limit": limit}
    response = await request("GET", url, params=params, token=await tokens.current())
    if response.status_code == _UNAUTHORIZED:
        # The cached token may have been revoked, or signed with a key that is gone.
        response = await request("GET", url, params=params, token=await tokens.fresh())
    if not response.is_success:
        raise _api_error(response)
    try:
        return Page[SearchHit].model_validate_json(response.content).items
    except ValidationError as error:
        raise ApiError(response.status_code, "unreadable", "The answer is no page of search hits.") from error


def _api_error(response: httpx.Response) -> ApiError:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return ApiError(response.status_code, "unknown", response.reason_phrase)
    return ApiError(response.status_code, problem.code, problem.detail)

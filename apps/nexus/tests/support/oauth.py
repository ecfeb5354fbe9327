"""How an OAuth client authenticates, and how it is refused."""

import base64

import httpx


def basic(client_id: str, secret: str) -> dict[str, str]:
    """HTTP Basic."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def assert_refused(answer: httpx.Response, status: int, error: str) -> None:
    """An error of RFC 6749 §5.2, with all that belongs to it."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert set(answer.json()) == {"error", "error_description"} and answer.json()["error_description"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store" and answer.headers["pragma"] == "no-cache"
    assert (status == 401) == ("www-authenticate" in answer.headers)

"""What was sent comes back in no refusal: it may have been a credential in the wrong field."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from pydantic import ValidationError

from nexus.gateway.sockets import parsed_refusal
from nexus.http.app import create_app, create_routes
from nexus.http.parts import HttpParts
from nexus.integrations.clickup.source import ClickUpSource
from nexus.integrations.slack.source import SlackSource
from nexus.kit.clock import SystemClock
from nexus.pipeline.ports import RawRequest, Unreadable
from oblivion_protocol.commands import COMMANDS

CANARY = "canary-5f1d7c"
NAMES_WHAT_WAS_LOOKED_FOR = "/v1/aliases/{alias}"
"""A 404 that names the agent that was asked for, as it was asked for: a name, and of that shape."""
MISPLACED: tuple[Any, ...] = (
    CANARY, f"{CANARY}\x00", CANARY * 5000, [CANARY], {"x": CANARY}, [[{"x": [CANARY]}]], f"xoxb-{CANARY}",
)  # fmt: skip


def bodies(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[Any]:
    """For each field of a body, and for all of them: the canary in every wrong shape."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        yield from bodies(schema["anyOf"][0], schemas)
        return
    fields = schema.get("properties", {})
    for wrong in MISPLACED:
        yield wrong
        yield {"unknown": wrong}
        yield dict.fromkeys(fields, wrong)
        for name in fields:
            yield {name: wrong}


def operations() -> Iterator[tuple[str, str, list[dict[str, Any]], list[Any]]]:
    """(method, path, parameters of the query, bodies)"""
    document = create_routes("test").openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found: list[Any] = []
            for media in operation.get("requestBody", {}).get("content", {}).values():
                found += bodies(media["schema"], document["components"]["schemas"])
            yield method.upper(), path, [one for one in operation.get("parameters", ()) if one["in"] == "query"], found


async def test_no_refusal_of_any_route_repeats_what_a_field_held(parts: HttpParts, acme) -> None:
    transport = httpx.ASGITransport(create_app(parts))
    echoed: list[str] = []
    refused = 0
    async with httpx.AsyncClient(transport=transport, base_url="http://nexus") as api:
        for method, path, queries, found in operations():
            address = re.sub(r"{\w+}", str(uuid4()), path)
            tries: list[dict[str, Any]] = [{"content": json.dumps(body).encode()} for body in found] or [{}]
            tries += [{"params": {one["name"]: CANARY}} for one in queries]
            tries += [{"headers": {"Authorization": f"{scheme} {CANARY}"}} for scheme in ("Bearer", "Basic", "")]
            tries += [{"headers": acme.headers | {"Content-Type": f"text/{CANARY}"}, "content": b"x"}]
            for one in tries:
                headers = acme.headers | {"Content-Type": "application/json"} | one.pop("headers", {})
                answer = await api.request(method, address, headers=headers, **one)
                if answer.status_code < 400:
                    continue
                refused += 1
                if CANARY in answer.text + str(answer.headers) and path != NAMES_WHAT_WAS_LOOKED_FOR:
                    echoed.append(f"{method} {path} {str(one)[:200]} → {answer.status_code} {answer.text[:300]}")
    assert refused > 300
    assert echoed == []


async def test_no_refusal_repeats_an_address_that_is_not_well_formed(api: httpx.AsyncClient, acme) -> None:
    for _, path, _, _ in operations():
        if "{" in path:
            answer = await api.get(re.sub(r"{\w+}", quote(f" {CANARY}\n", safe=""), path), headers=acme.headers)
            assert CANARY not in answer.text, (path, answer.text)


@pytest.mark.parametrize("wrong", MISPLACED, ids=str)
async def test_no_oauth_refusal_repeats_a_credential(api: httpx.AsyncClient, wrong: Any) -> None:
    for path in ("/auth/token", "/auth/introspect"):
        for field in ("grant_type", "client_id", "client_secret", "scope", "token", "subject_token", "audience"):
            given = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y", "token": "z"}
            answer = await api.post(path, json=given | {field: wrong})
            assert answer.status_code >= 400
            assert CANARY not in answer.text + str(answer.headers), (path, field)


def test_no_refusal_of_a_frame_repeats_what_it_held() -> None:
    refused = 0
    for model in COMMANDS.values():
        for field in model.model_fields:
            for wrong in MISPLACED:
                try:
                    model.model_validate({"task_id": "t", "epoch": 1, "event_id": "e"} | {field: wrong})
                except ValidationError as error:
                    refused += 1
                    assert CANARY not in str(parsed_refusal(error)), (model.__name__, field)
    assert refused > 100


def test_no_refusal_of_a_webhook_repeats_what_it_held() -> None:
    refused = 0
    for source, fields in (
        (SlackSource(), ("type", "api_app_id", "team_id", "event_id", "event", "event_time", "authorizations")),
        (ClickUpSource(SystemClock()), ("webhook_id", "event", "task_id", "history_items")),
    ):
        for field in fields:
            for wrong in MISPLACED:
                event: Any = {"type": "message"} if source.name == "slack" else "taskCreated"
                sender = {"api_app_id": "A", "team_id": "T", "webhook_id": "w"}
                body = {"type": "event_callback", "event_id": "E", "event": event, **sender, field: wrong}
                request = RawRequest(json.dumps(body).encode(), {"content-type": "application/json"}, "")
                try:
                    source.key_of(request)
                    source.read(request)
                except Unreadable as error:
                    refused += 1
                    assert CANARY not in str(error), (source.name, field)
    assert refused > 20

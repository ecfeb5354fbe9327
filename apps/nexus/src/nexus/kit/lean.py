"""Imports that cost less than their authors meant them to."""

import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def without(module: str) -> Generator[None]:
    """Within, an optional dependency seems not to be installed, unless somebody has imported it already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # pyright: ignore[reportArgumentType] - how the import system spells "not to be found"
    try:
        yield
    finally:
        del sys.modules[module]

"""For all tests of the repository, before any of them is imported."""

import os
import tempfile
from pathlib import Path

import certifi
import pytest

_END = "-----END CERTIFICATE-----\n"
_LONG = ("tests/cli/", "tests/flows/")


def pytest_configure(config: pytest.Config) -> None:
    """Every HTTP client reads all authorities of the world; tests ask nobody but loopback.

    Processes that a test starts inherit the file that names but one, and so do the workers of xdist.
    """
    if hasattr(config, "workerinput"):
        return
    first, _, _ = Path(certifi.where()).read_text(encoding="utf-8").partition(_END)
    directory = tempfile.TemporaryDirectory(prefix="oblivion-authority-")
    config.add_cleanup(directory.cleanup)
    path = Path(directory.name) / "one.pem"
    path.write_text(first + _END, encoding="utf-8")
    os.environ["SSL_CERT_FILE"] = str(path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that take long come first (`--no-loadscope-reorder`): begun last, they would run on alone."""
    items.sort(key=lambda item: not any(part in item.nodeid for part in _LONG))

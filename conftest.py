"""For all tests of the repository, before any of them is imported."""

import atexit
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest

_END = "-----END CERTIFICATE-----\n"
_LONG = ("tests/cli/", "tests/flows/")
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 6 * 2**30


@pytest.fixture(autouse=True)
def levels_of_logs() -> Iterator[None]:
    """A command that is tested within this process sets the level of all loggers, which is the next test's, too."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


def pytest_configure(config: pytest.Config) -> None:
    """Every HTTP client reads all authorities of the world; tests ask nobody but loopback.

    Processes that a test starts inherit the file that names but one, and so do the workers of xdist.
    """
    if hasattr(config, "workerinput"):
        return
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As the shell starts what runs in the background; what tests start would not hear Ctrl+C either.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    first, _, _ = Path(certifi.where()).read_text(encoding="utf-8").partition(_END)
    memory = _memory()
    directory = tempfile.TemporaryDirectory(prefix="oblivion-", dir=memory, ignore_cleanup_errors=True)
    atexit.register(directory.cleanup)  # after those who are asked later, and keep something in it
    path = Path(directory.name) / "one.pem"
    path.write_text(first + _END, encoding="utf-8")
    os.environ["SSL_CERT_FILE"] = str(path)
    if memory is not None:
        os.environ["TMPDIR"] = tempfile.tempdir = directory.name


def _memory() -> Path | None:
    """Where temporary files are kept in memory, if there is room: a database waits for its disk at every commit, and
    most tests have one made. A run at full size measures, and so it has the disk that an installation has.
    """
    full = "1" in (os.environ.get("FAULTS_SCALE"), os.environ.get("ATTACKS_SCALE"))
    if full or not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ROOM_BYTES:
        return None
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
    return _MEMORY if int(facts["MemAvailable"].split()[0]) * 1024 >= _ROOM_BYTES else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that take long come first (`--no-loadscope-reorder`): begun last, they would run on alone."""
    items.sort(key=lambda item: not any(part in item.nodeid for part in _LONG))

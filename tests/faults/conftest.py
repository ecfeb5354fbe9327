"""Fixtures of the fault scenarios: size, seed, a place for a cluster, and where results go."""

import os
import random
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from recording import Recording

DEFAULT_SCALE = 0.1

# Agents of scenarios keep nothing on this machine: what a dead one had finished is done anew, under another epoch.
os.environ["OBLIVION_JOURNAL"] = ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is slow and wants the machine for itself."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture
def scale() -> float:
    """Size of a scenario; 1.0 is what `docs/reliability.md` states (FAULTS_SCALE)."""
    return float(os.environ.get("FAULTS_SCALE", DEFAULT_SCALE))


@pytest.fixture
def seed() -> int:
    """What all dice of a scenario start from (FAULTS_SEED); the report names it."""
    return int(os.environ.get("FAULTS_SEED") or random.randrange(1, 10**6))


@pytest.fixture
def recording(request: pytest.FixtureRequest, scale: float, seed: int) -> Recording:
    """Takes the report of this test."""
    return Recording(request.node.nodeid, scale, seed)


@pytest.fixture
def cluster_directory() -> Generator[Path]:
    """A folder for a cluster, where PostgreSQL, which runs as another user, may go.

    FAULTS_KEEP names a folder that stays, for a look at the logs afterwards.
    """
    kept = os.environ.get("FAULTS_KEEP")
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(tempfile.mkdtemp(prefix="oblivion-", dir=kept))
        return
    with tempfile.TemporaryDirectory(prefix="oblivion-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)

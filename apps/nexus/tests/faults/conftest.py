"""A Valkey that a test may hurt, and a canary that does not take its time."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from support.bells import Post, doorbell

from nexus.doorbell import canary, hearing
from nexus.kit.embedded import EmbeddedValkey


@pytest.fixture
def own_valkey(tmp_path: Path) -> Generator[EmbeddedValkey]:
    """A server of this test's own."""
    server = EmbeddedValkey(tmp_path, persistent=False)
    server.start()
    yield server
    server.stop(immediate=True)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks more often, and gives up hope sooner."""
    monkeypatch.setattr(canary, "CANARY_SECONDS", 0.5)
    monkeypatch.setattr(canary, "CLOSE_LOOK_SECONDS", 0.3)
    monkeypatch.setattr(canary, "INCURABLE_SECONDS", 2.0)
    monkeypatch.setattr(hearing, "IDLE_WAIT_SECONDS", 1)


@pytest.fixture
async def post(own_valkey: EmbeddedValkey, quick: None) -> AsyncGenerator[Post]:
    """A doorbell that hears."""
    async with doorbell(own_valkey) as running:
        yield running

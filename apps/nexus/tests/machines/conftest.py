"""State machines over the real code on a real PostgreSQL, with crashes at every await."""

import asyncio
import secrets
from collections.abc import Generator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from machines.crashing import install
from machines.plant import DEEP, Plant
from machines.watching import watch_sql

from nexus.kit.embedded import EmbeddedPostgres
from nexus.store.database import Database

_QUICK = settings(
    max_examples=10,
    stateful_step_count=25,
    deadline=None,
    derandomize=False,
    print_blob=True,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to make an example small takes minutes
    suppress_health_check=list(HealthCheck),
)
_DEEP = settings(_QUICK, max_examples=400, stateful_step_count=60, phases=tuple(Phase))

DEEP_TIMEOUT_SECONDS = 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if DEEP and "machines" in item.path.parts:
            item.add_marker(pytest.mark.timeout(DEEP_TIMEOUT_SECONDS), append=False)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for report in terminalreporter.stats.get("", []):
        steps = dict(report.user_properties).get("steps")
        if steps is not None and report.when == "teardown":
            terminalreporter.write_line(f"{report.nodeid.rsplit('/', 1)[-1]}: {steps}")


@pytest.fixture
def profile() -> settings:
    """How long a machine runs: modest, or `OBLIVION_HYPOTHESIS=deep`."""
    return _DEEP if DEEP else _QUICK


@pytest.fixture
def finding() -> settings:
    """For a machine that is to find something that was broken on purpose: it stops there, and remembers nothing."""
    return settings(_QUICK, max_examples=200, phases=(Phase.generate,), database=None, report_multiple_bugs=False)


@pytest.fixture(scope="module")
def runner() -> Generator[asyncio.Runner]:
    """One event loop for a file, in which processes can be stopped."""
    with asyncio.Runner() as made:
        install(made.get_loop())
        yield made


@pytest.fixture(scope="module")
def machine_url(postgres: EmbeddedPostgres, runner: asyncio.Runner) -> Generator[str]:
    """A migrated database, watched by triggers."""
    name = f"machines_{secrets.token_hex(6)}"
    url = postgres.url.rsplit("/", 1)[0] + f"/{name}"

    async def on(where: str, *statements: str) -> None:
        connection = await asyncpg.connect(where)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    runner.run(on(postgres.url, f"CREATE DATABASE {name} TEMPLATE oblivion_template"))
    runner.run(on(url, watch_sql(), f"ALTER DATABASE {name} SET synchronous_commit = off"))
    yield url
    runner.run(on(postgres.url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="module")
def module_plant(machine_url: str, runner: asyncio.Runner) -> Generator[Plant]:
    """The plant of a file."""

    async def build() -> Plant:
        return Plant(machine_url, Database(machine_url), await asyncpg.connect(machine_url))

    made = runner.run(build())
    yield made

    async def tear_down() -> None:
        await made.end()
        await made.observer.close()
        await made.db.aclose()

    runner.run(tear_down())


@pytest.fixture
def plant(
    module_plant: Plant, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> Generator[Plant]:
    """The plant of a file, in which time passes when a test says so."""
    module_plant.hold_time(monkeypatch)
    module_plant.awaits_before = 0
    module_plant.notes.clear()
    yield module_plant
    runner.run(module_plant.end())
    record_property("steps", ", ".join([*module_plant.notes, f"{module_plant.awaits} awaits executed"]))

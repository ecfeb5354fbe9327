"""Tasks of one alias of which some wait for an agent that an operator has chosen: neither hides the other."""

import re
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select
from support.standins import HeldClock

from nexus.kit.ids import new_id
from nexus.store.database import Database
from nexus.store.tables import Agent, AgentAlias, AgentSession, Connection, Task, TaskMapping, Tenant
from nexus.tasks.dispatch import Dispatcher


class Office:
    """A tenant with a squad of two, `here` and `away`, and tasks for it."""

    def __init__(self, db: Database) -> None:
        self.db, self.clock, self.tenant = db, HeldClock(), new_id()
        self.agents = {"here": new_id(), "away": new_id()}
        self._tracker = new_id()
        self.dispatcher = Dispatcher(db, self.clock, lambda: 0.0)

    async def open(self) -> None:
        async with self.db.system() as session:
            session.add(Tenant(id=self.tenant, name="acme"))
        async with self.db.tenant(self.tenant) as session:
            session.add(
                Connection(
                    id=self._tracker, tenant_id=self.tenant, vendor="clickup", workspace_id="1", name="n", sealed=b""
                )
            )
            for name, agent_id in self.agents.items():
                session.add(Agent(id=agent_id, tenant_id=self.tenant, name=name, skills=["fix_bug"]))
                await session.flush()
                session.add(AgentAlias(tenant_id=self.tenant, agent_id=agent_id, alias="Squad"))
        await self.arrives("here")

    async def arrives(self, name: str, capacity: int = 1) -> None:
        async with self.db.tenant(self.tenant) as session:
            session.add(
                AgentSession(
                    tenant_id=self.tenant, agent_id=self.agents[name], instance=name, gateway="g", sid=name, skills=[],
                    capacity=capacity, version="1", connected_at=self.clock.now(), last_seen_at=self.clock.now(),
                )
            )  # fmt: skip

    async def wants(self, title: str, chosen: str | None = None) -> None:
        """One task more, younger than those before."""
        async with self.db.tenant(self.tenant) as session:
            conversation = TaskMapping(
                id=new_id(), tenant_id=self.tenant, tracker="clickup", tracker_connection_id=self._tracker,
                item_id=title, list_id="l", title=title, url="u", snapshot={}, alias="squad",
            )  # fmt: skip
            session.add(conversation)
            await session.flush()
            session.add(
                Task(
                    tenant_id=self.tenant, conversation_id=conversation.id, alias="squad", type="fix_bug", title=title,
                    instructions="i", expires_at=self.clock.now() + timedelta(days=1),
                    next_offer_at=self.clock.now(), wanted_agent_id=self.agents[chosen] if chosen else None,
                )
            )  # fmt: skip

    async def stands(self) -> dict[str, tuple[str, str | None, UUID | None]]:
        """State, reason and holder by title."""
        async with self.db.tenant(self.tenant) as session:
            rows = await session.execute(select(Task.title, Task.state, Task.reason, Task.agent_id))
            return {title: (state, reason, agent_id) for title, state, reason, agent_id in rows}


@pytest.fixture
async def office(database_url: str) -> AsyncGenerator[Office]:
    db = Database(database_url, pool_size=3)
    made = Office(db)
    await made.open()
    yield made
    await db.aclose()


async def test_task_that_waits_for_one_agent_does_not_keep_others_from_theirs(office: Office) -> None:
    await office.wants("for one", "away")
    await office.wants("for anybody")
    assert await office.dispatcher.run_once() == 1
    assert await office.stands() == {
        "for one": ("submitted", "agent_offline", None),
        "for anybody": ("offered", None, office.agents["here"]),
    }


async def test_tasks_that_find_nobody_free_do_not_keep_the_chosen_agent_from_its_own(office: Office) -> None:
    await office.arrives("away", capacity=0)
    for number in range(3):
        await office.wants(f"for anybody {number}")
    await office.wants("for one", "here")
    async with office.db.tenant(office.tenant) as session:
        (await session.get_one(Agent, office.agents["here"])).muted_at = office.clock.now()
    assert await office.dispatcher.run_once() == 0
    stands = await office.stands()
    assert stands["for one"] == ("submitted", "muted", None)
    assert {stands[f"for anybody {number}"][1] for number in range(3)} == {"agent_busy"}, "the other one is not muted"


async def test_chosen_agent_takes_its_task_as_soon_as_it_arrives(office: Office) -> None:
    await office.wants("for one", "away")
    assert await office.dispatcher.run_once() == 0
    await office.arrives("away")
    office.clock.advance(2)
    assert await office.dispatcher.run_once() == 1
    assert await office.stands() == {"for one": ("offered", None, office.agents["away"])}


async def test_task_that_waits_on_for_the_same_was_last_changed_when_that_began(office: Office) -> None:
    await office.wants("for one", "away")
    await office.dispatcher.run_once()

    async def changed() -> list[datetime]:
        async with office.db.tenant(office.tenant) as session:
            return list(await session.scalars(select(Task.updated_at)))

    began = await changed()
    for _ in range(2):
        office.clock.advance(2)
        await office.dispatcher.run_once()
    assert await changed() == began
    await office.arrives("away")
    office.clock.advance(2)
    await office.dispatcher.run_once()
    assert await changed() > began


async def test_an_offer_is_made_without_a_look_at_tasks_that_are_over(office: Office) -> None:
    """They pile up for ever, and only who says `finished_at IS NULL` is led past them (`ix_tasks_open`)."""
    said: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    await office.wants("the export fails")
    event.listen(office.db.engine.sync_engine, "before_cursor_execute", hear)
    assert await office.dispatcher.run_once() == 1
    by_state = [one for one in said if re.search(r"tasks\.(state (=|IN)|lease_until <)", one)]
    assert len(by_state) >= 4  # else nothing was heard
    assert [one for one in by_state if "tasks.finished_at IS NULL" not in one and "tasks.id =" not in one] == []

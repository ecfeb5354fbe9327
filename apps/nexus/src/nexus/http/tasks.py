"""Tasks: what agents were asked to do, and where it stands."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from nexus.auth.errors import NotFound
from nexus.http.access import CanOperate, CanReadAdmin
from nexus.http.conversation import read_conversation
from nexus.http.inputs import AgentName, Input, SearchText, VendorId
from nexus.http.paging import Paging
from nexus.http.parts import HttpParts, Parts
from nexus.http.problems import Refused
from nexus.http.task_rows import Mirror, TaskFilter, TaskRow, find_task, read_tasks, task_resource
from nexus.http.timeline import read_timeline
from oblivion_protocol.operating import ConversationEntry
from oblivion_protocol.resources import Page, TaskResource, TimelineEntry
from oblivion_protocol.states import TaskState

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])


class Reassignment(Input):
    """To whom a task goes; without an agent, to whoever is free."""

    agent: AgentName | None = None


@router.get("")
async def list_tasks(
    principal: CanReadAdmin,
    parts: Parts,
    paging: Paging,
    state: Annotated[list[TaskState] | None, Query(description="One of these states")] = None,
    mirror: Mirror | None = None,
    agent: AgentName | None = None,
    list_id: VendorId | None = None,
    channel_id: VendorId | None = None,
    waiting: Annotated[bool, Query(description="Nobody is at work on it, and it is not over")] = False,
    q: Annotated[SearchText | None, Query(description="Part of the title, or the id of a task or an item")] = None,
) -> Page[TaskResource]:
    """Newest conversation first, each with its latest task; also those that nobody was asked about yet."""
    async with parts.db.tenant(principal.tenant_id) as session:
        rows = await read_tasks(
            session,
            TaskFilter(
                states=tuple(state or ()),
                mirror=mirror,
                agent=agent,
                list_id=list_id,
                channel_id=channel_id,
                waiting=waiting,
                text=q,
            ),
            before=paging.after,
            limit=paging.limit + 1,
        )
    shown, next_cursor = paging.page(rows, lambda row: row.position)
    now = parts.clock.now()
    return Page(items=[task_resource(row, now) for row in shown], next_cursor=next_cursor)


@router.get("/{task_id}")
async def get_task(task_id: UUID, principal: CanReadAdmin, parts: Parts) -> TaskResource:
    """A task by its id, or the latest task of a conversation by the conversation's."""
    return await _shown(parts, principal.tenant_id, task_id)


@router.get("/{task_id}/timeline")
async def get_task_timeline(
    task_id: UUID, principal: CanReadAdmin, parts: Parts, paging: Paging
) -> Page[TimelineEntry]:
    """Everything that happened, oldest first: webhooks that came in, commands of agents, effects that went out."""
    row = await _found(parts, principal.tenant_id, task_id)
    only = task_id if row.task is not None and row.task.id == task_id else None
    async with parts.db.tenant(principal.tenant_id) as session:
        hops = await read_timeline(session, row.conversation.id, only, paging.after, paging.limit + 1)
    shown, next_cursor = paging.page(hops, lambda hop: (hop.at, hop.id))
    return Page(items=[hop.entry() for hop in shown], next_cursor=next_cursor)


@router.get("/{task_id}/conversation")
async def get_task_conversation(
    task_id: UUID, principal: CanReadAdmin, parts: Parts, paging: Paging
) -> Page[ConversationEntry]:
    """Everything that was said, oldest first, by people, agents and Oblivion, and in which tools it can be seen."""
    row = await _found(parts, principal.tenant_id, task_id)
    async with parts.db.tenant(principal.tenant_id) as session:
        entries = await read_conversation(session, row.conversation, paging.after, paging.limit + 1)
    shown, next_cursor = paging.page(entries, lambda entry: (entry.at, UUID(entry.id)))
    return Page(items=list(shown), next_cursor=next_cursor)


@router.post("/{task_id}/cancel")
async def cancel_task(task_id: UUID, principal: CanOperate, parts: Parts) -> TaskResource:
    """Stops a task: from now on nothing that its agent does has an effect."""
    task = (await _found(parts, principal.tenant_id, task_id)).task
    if task is None:
        raise Refused(409, "No agent was asked yet, so there is nothing to cancel.")
    if not await parts.tasks.cancel(principal.tenant_id, task.id, principal.actor):
        raise Refused(409, "The task is over already.")
    return await _shown(parts, principal.tenant_id, task.id)


@router.post("/{task_id}/reassign")
async def reassign_task(
    task_id: UUID, principal: CanOperate, parts: Parts, body: Reassignment | None = None
) -> TaskResource:
    """Takes a task from whoever has it and offers it anew: to one agent, or to whoever is free.

    What the previous agent still sends has no effect. Refused with `over` when the task is over, with `not_capable`
    when the agent cannot do it or does not stand behind the alias.
    """
    task = (await _found(parts, principal.tenant_id, task_id)).task
    if task is None:
        raise Refused(409, "No agent was asked yet, so there is nothing to give to another.")
    agent = (body or Reassignment()).agent
    await parts.tasks.reassign(principal.tenant_id, task.id, agent, principal.actor)
    return await _shown(parts, principal.tenant_id, task.id)


async def _shown(parts: HttpParts, tenant_id: UUID, wanted: UUID) -> TaskResource:
    return task_resource(await _found(parts, tenant_id, wanted), parts.clock.now())


async def _found(parts: HttpParts, tenant_id: UUID, wanted: UUID) -> TaskRow:
    async with parts.db.tenant(tenant_id) as session:
        row = await find_task(session, wanted)
    if row is None:
        raise NotFound("No task with this id.")
    return row

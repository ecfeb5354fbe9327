"""Tasks: what agents were asked to do, and where it stands."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from nexus.auth.errors import NotFound
from nexus.http.access import CanOperate, CanReadAdmin
from nexus.http.inputs import AgentName
from nexus.http.paging import Paging
from nexus.http.parts import HttpParts, Parts
from nexus.http.problems import Refused
from nexus.http.task_rows import Mirror, TaskRow, find_task, read_tasks, task_resource
from nexus.http.timeline import read_timeline
from oblivion_protocol.resources import Page, TaskResource, TimelineEntry
from oblivion_protocol.states import TaskState

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])


@router.get("")
async def list_tasks(
    principal: CanReadAdmin,
    parts: Parts,
    paging: Paging,
    state: Annotated[list[TaskState] | None, Query(description="One of these states")] = None,
    mirror: Mirror | None = None,
    agent: AgentName | None = None,
) -> Page[TaskResource]:
    """Newest conversation first, each with its latest task; also those that nobody was asked about yet."""
    async with parts.db.tenant(principal.tenant_id) as session:
        rows = await read_tasks(
            session,
            states=state or [],
            mirror=mirror,
            agent=agent,
            before=paging.after,
            limit=paging.limit + 1,
        )
    shown, next_cursor = paging.page(rows, lambda row: row.position)
    return Page(items=[task_resource(row) for row in shown], next_cursor=next_cursor)


@router.get("/{task_id}")
async def get_task(task_id: UUID, principal: CanReadAdmin, parts: Parts) -> TaskResource:
    """A task by its id, or the latest task of a conversation by the conversation's."""
    return task_resource(await _found(parts, principal.tenant_id, task_id))


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


@router.post("/{task_id}/cancel")
async def cancel_task(task_id: UUID, principal: CanOperate, parts: Parts) -> TaskResource:
    """Stops a task: from now on nothing that its agent does has an effect."""
    task = (await _found(parts, principal.tenant_id, task_id)).task
    if task is None:
        raise Refused(409, "No agent was asked yet, so there is nothing to cancel.")
    if not await parts.canceller.cancel(principal.tenant_id, task.id, principal.actor):
        raise Refused(409, "The task is over already.")
    return task_resource(await _found(parts, principal.tenant_id, task.id))


async def _found(parts: HttpParts, tenant_id: UUID, wanted: UUID) -> TaskRow:
    async with parts.db.tenant(tenant_id) as session:
        row = await find_task(session, wanted)
    if row is None:
        raise NotFound("No task with this id.")
    return row

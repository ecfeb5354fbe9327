"""People who may use the dashboard: known by e-mail, each with a role."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.auth.audit import record
from nexus.auth.errors import Invalid, LastAdmin, NotFound
from nexus.auth.roles import Role
from nexus.kit.clock import Clock
from nexus.store.database import Database
from nexus.store.tables import Member

MAX_EMAIL_CHARS = 254
SEEN_SECONDS = 60
"""How exact `last_seen_at` is: it is not written more often than this."""

_LOCK = 0x6D656D62
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+=?^_`{|}~-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
"""What a browser takes for an e-mail, without the slash, which would not fit into an address of the API."""


@dataclass(frozen=True, slots=True)
class PutMember:
    """A member after a change; `before` is the role until then, None for a new one."""

    member: Member
    before: Role | None


def email_of(text: str) -> str:
    """The e-mail in lower case, as members are known by. Raises Invalid."""
    email = text.lower()
    if len(email) > MAX_EMAIL_CHARS or not _EMAIL.fullmatch(email):
        raise Invalid("That is no e-mail address, such as ann@example.com.")
    return email


class Members:
    """Adds, changes, lists and removes members; there is always an admin left who can do so again."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def listed(
        self, tenant_id: UUID, *, after: tuple[datetime, UUID] | None = None, limit: int | None = None
    ) -> Sequence[Member]:
        """Members in the order in which they were added."""
        query = select(Member).order_by(Member.created_at, Member.id).limit(limit)
        if after is not None:
            query = query.where(tuple_(Member.created_at, Member.id) > after)
        async with self._db.tenant(tenant_id) as session:
            return list(await session.scalars(query))

    async def put(self, tenant_id: UUID, email: str, role: Role, *, actor: str) -> PutMember:
        """Adds a member, or gives one another role. Raises Invalid or LastAdmin."""
        email = email_of(email)
        async with self._db.tenant(tenant_id) as session:
            admins = await _one_at_a_time(session, tenant_id)
            member = await session.scalar(select(Member).where(Member.email == email))
            if member is None:
                member = Member(tenant_id=tenant_id, email=email, role=role, created_at=self._clock.now())
                session.add(member)
                record(session, tenant_id, actor, "member.add", email, {"role": role})
                return PutMember(member, None)
            before = cast("Role", member.role)
            if before != role:
                _keep_one(admins, email)
                member.role = role
                record(session, tenant_id, actor, "member.change", email, {"role": role, "before": before})
        return PutMember(member, before)

    async def remove(self, tenant_id: UUID, email: str, *, actor: str) -> None:
        """Ends a member's rights, with the next token that is asked for them. Raises NotFound or LastAdmin."""
        email = email_of(email)
        async with self._db.tenant(tenant_id) as session:
            admins = await _one_at_a_time(session, tenant_id)
            member = await session.scalar(select(Member).where(Member.email == email))
            if member is None:
                raise NotFound(f"{email} is no member.")
            _keep_one(admins, email)
            await session.delete(member)
            record(session, tenant_id, actor, "member.remove", email, {"role": member.role})

    async def role_of(self, tenant_id: UUID, email: str) -> Role | None:
        """The role of an e-mail in lower case, who is seen by it; None when they are no member."""
        now = self._clock.now()
        stale = or_(Member.last_seen_at.is_(None), Member.last_seen_at <= now - timedelta(seconds=SEEN_SECONDS))
        async with self._db.tenant(tenant_id) as session:
            role = await session.scalar(select(Member.role).where(Member.email == email))
            if role is not None:
                await session.execute(update(Member).where(Member.email == email, stale).values(last_seen_at=now))
        return cast("Role | None", role)


async def _one_at_a_time(session: AsyncSession, tenant_id: UUID) -> list[str]:
    """The admins' e-mails, which nobody else changes before this transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(str(tenant_id)))))
    return list(await session.scalars(select(Member.email).where(Member.role == "admin")))


def _keep_one(admins: Sequence[str], email: str) -> None:
    if list(admins) == [email]:
        raise LastAdmin(f"{email} is the last admin: make somebody else one first.")

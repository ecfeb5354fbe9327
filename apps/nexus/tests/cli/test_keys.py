"""The keys of an installation are changed by command, while it works: nothing is lost, and status says what is left."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from cli.test_commands import oblivion
from sqlalchemy import LargeBinary, select, text, update
from support.standins import HeldClock

from nexus.auth import resealing
from nexus.auth.clients import Clients
from nexus.auth.keys import SigningKeys
from nexus.auth.resealing import SEALED, Resealer
from nexus.kit.ids import new_id
from nexus.kit.sealing import Sealer, SealError
from nexus.store.database import Database
from nexus.store.tables import ApiKeySecret, AuditEntry, Base, Connection, Tenant, WebhookKey

OLD, NEW = "the old secret key that is long enough to be taken", "the new secret key that is long enough to be taken"
CONNECTIONS = 7


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, pool_size=4)
    yield opened
    await opened.aclose()


@pytest.fixture
async def tenant_id(db: Database) -> UUID:
    """A tenant with connections and webhooks, sealed under the old key."""
    sealer = Sealer([OLD])
    await SigningKeys(db, sealer, HeldClock()).ensure()
    async with db.system() as session:
        tenant = Tenant(name="acme")
        session.add(tenant)
    async with db.tenant(tenant.id) as session:
        for number in range(CONNECTIONS):
            connection = Connection(
                id=new_id(),
                tenant_id=tenant.id,
                vendor="slack",
                workspace_id=str(number),
                name="Acme",
                sealed=sealer.seal({"token": number}),
            )
            session.add(connection)
            await session.flush()
            session.add(
                WebhookKey(
                    tenant_id=tenant.id,
                    connection_id=connection.id,
                    source="slack",
                    key=str(number),
                    sealed=sealer.seal({"secret": str(number)}),
                )
            )
    return tenant.id


def parts(db: Database, *keys: str) -> Resealer:
    return Resealer(db, Sealer([*keys]), HeldClock())


async def opened(db: Database, *keys: str) -> int:
    """How many of the connections these keys open."""
    sealer, good = Sealer([*keys]), 0
    async with db.system() as session:
        for row in await session.scalars(select(Connection)):
            try:
                sealer.open(row.sealed)
            except SealError:
                continue
            good += 1
    return good


def test_every_column_that_holds_something_sealed_is_sealed_anew() -> None:
    found = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name.startswith("sealed")
    }
    assert found == {f"{table.__tablename__}.{column.key}" for table, column, _ in SEALED.values()}


async def test_everything_is_sealed_anew_once(db: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "BATCH", 3)
    resealer = parts(db, NEW, OLD)
    before = await resealer.report()
    assert {kind: (count.total, count.resealed, count.lost) for kind, count in before.items()} == {
        "connections": (7, 7, 0),
        "webhooks": (7, 7, 0),
        "signing keys": (1, 1, 0),
    }
    assert await opened(db, NEW) == 0, "to look changes nothing"
    assert await resealer.reseal(actor="test") == before
    assert {kind: count.resealed for kind, count in (await resealer.reseal(actor="test")).items()} == {
        "connections": 0,
        "webhooks": 0,
        "signing keys": 0,
    }
    assert await opened(db, NEW) == CONNECTIONS
    await SigningKeys(db, Sealer([NEW]), HeldClock()).current()
    async with db.tenant(tenant_id) as session:
        acts = list(await session.scalars(select(AuditEntry).where(AuditEntry.action == "keys.reseal")))
    assert [act.data["connections"] for act in acts] == [7, 0]


async def test_what_was_broken_off_is_carried_on(
    db: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "BATCH", 2)
    sealer = Sealer([NEW, OLD])
    seal, left = sealer.seal, [5]

    def until_killed(value: dict[str, object]) -> bytes:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return seal(value)

    sealer.seal = until_killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await Resealer(db, sealer, HeldClock()).reseal(actor="test")
    assert await opened(db, NEW) == 4, "two whole batches"
    assert await opened(db, NEW, OLD) == CONNECTIONS
    assert (await parts(db, NEW, OLD).reseal(actor="test"))["connections"].resealed == 3
    assert await opened(db, NEW) == CONNECTIONS


async def test_what_no_key_opens_is_counted_and_left_alone(db: Database, tenant_id: UUID) -> None:
    async with db.tenant(tenant_id) as session:
        foreign = Sealer(["a third key"]).seal({"token": 1})
        await session.execute(update(Connection).where(Connection.workspace_id == "3").values(sealed=foreign))
    count = (await parts(db, NEW, OLD).reseal(actor="test"))["connections"]
    assert (count.total, count.resealed, count.lost) == (7, 6, 1)
    async with db.system() as session:
        kept = await session.scalar(select(Connection.sealed).where(Connection.workspace_id == "3"))
    assert kept == foreign


async def test_a_login_moves_a_secret_to_the_new_key_and_status_names_who_has_not_been_here(
    db: Database, tenant_id: UUID
) -> None:
    clock = HeldClock()
    before = Clients(db, Sealer([OLD]), clock)
    comes, its_secret = await before.create(tenant_id, "comes", ["admin:read"])
    absent, _ = await before.create(tenant_id, "absent", ["admin:read"])
    of_old, old_secret = await before.create(tenant_id, "of an earlier release", ["admin:read"])
    async with db.tenant(tenant_id) as session:
        key = text(
            "UPDATE api_key_secrets SET pepper = NULL FROM api_keys k WHERE k.id = api_key_id AND client_id = :c"
        )
        await session.execute(key, {"c": of_old})
    resealer, during = parts(db, NEW, OLD), Clients(db, Sealer([NEW, OLD]), clock)
    assert {one.client_id: one.known for one in await resealer.dependents()} == {
        comes: True,
        absent: True,
        of_old: False,
    }
    assert await during.authenticate(comes, its_secret)
    assert await during.authenticate(of_old, old_secret)
    assert await during.authenticate(absent, "obl_sk_wrong") is None
    assert [one.client_id for one in await resealer.dependents()] == [absent]
    after = Clients(db, Sealer([NEW]), clock)
    assert await after.authenticate(comes, its_secret)
    assert await after.authenticate(of_old, old_secret)
    await after.rotate(tenant_id, absent, 0)
    assert await resealer.dependents() == []
    async with db.system() as session:
        assert len({row.secret_hash for row in await session.scalars(select(ApiKeySecret))}) == 4


@pytest.mark.timeout(240)
async def test_the_whole_way_by_command(database_url: str, redis_url: str, db: Database, tenant_id: UUID) -> None:
    async def at(keys: str, *command: str) -> tuple[int, str]:
        code, out, err = await oblivion(
            *command,
            OBLIVION_DATABASE_URL=database_url,
            OBLIVION_REDIS_URL=redis_url,
            OBLIVION_SECRET_KEY=keys,
        )
        assert "Traceback" not in err, err
        return code, out

    code, out = await at(f"{NEW},{OLD}", "keys", "rotate")
    assert code == 0 and "signs from" in out, out
    code, out = await at(f"{NEW},{OLD}", "keys", "status")
    assert code == 1 and "connections: 7 sealed, 7 of them under an old key" in out, out
    assert "next" in out
    code, out = await at(f"{NEW},{OLD}", "keys", "reseal")
    assert code == 0 and "connections: 7 of 7 sealed anew" in out and "signing keys: 1 of 2 sealed anew" in out, out
    code, out = await at(NEW, "keys", "status")
    assert code == 0 and "client secrets: none hangs on an old key" in out, out
    code, out = await at(OLD, "doctor")
    assert code == 1 and "OBLIVION_SECRET_KEY does not open 7 of the connections" in out, out
    async with db.tenant(tenant_id) as session:
        acts = await session.scalars(select(AuditEntry.action).order_by(AuditEntry.created_at))
    assert list(acts) == ["keys.rotate", "keys.reseal"]

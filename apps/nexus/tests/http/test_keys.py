"""Signing keys: made once, rotated without losing a token, forgotten in time."""

import asyncio

import pytest
from sqlalchemy import delete, func, select

from nexus.auth.errors import TokenInvalid
from nexus.auth.keys import SigningKeys
from nexus.auth.tokens import Tokens
from nexus.kit.ids import new_id
from nexus.kit.sealing import Sealer, SealError
from nexus.store.database import Database
from nexus.store.tables import SigningKey


@pytest.fixture(autouse=True)
async def no_keys(database: Database):
    async with database.system() as session:
        await session.execute(delete(SigningKey))


async def count(database: Database) -> int:
    async with database.system() as session:
        return await session.scalar(select(func.count()).select_from(SigningKey))


async def test_many_processes_that_start_at_once_make_one_key(database, sealer, clock):
    processes = [SigningKeys(database, sealer, clock) for _ in range(8)]
    await asyncio.gather(*(keys.ensure() for keys in processes))
    assert await count(database) == 1
    assert len({(await keys.current())[0] for keys in processes}) == 1


async def test_a_first_token_makes_the_first_key(database, sealer, clock):
    keys = [SigningKeys(database, sealer, clock) for _ in range(4)]
    await asyncio.gather(*(Tokens(each, "https://i", clock).issue("c", new_id(), []) for each in keys))
    assert await count(database) == 1


async def test_another_process_knows_a_new_key_at_once(database, sealer, clock):
    here, there = (SigningKeys(database, sealer, clock) for _ in range(2))
    tenant = new_id()
    old = await Tokens(here, "https://i", clock).issue("c", tenant, ["agent"])
    verifier = Tokens(there, "https://i", clock)
    await verifier.verify(old.access_token)

    await here.rotate(published_seconds=0)
    new = await Tokens(here, "https://i", clock).issue("c", tenant, ["agent"])

    assert (await verifier.verify(new.access_token)).client_id == "c"
    assert (await verifier.verify(old.access_token)).client_id == "c"
    assert len((await there.jwks())["keys"]) == 2


async def test_a_process_that_signs_with_its_copy_after_a_rotation_is_still_believed(database, sealer, clock):
    here, there = (SigningKeys(database, sealer, clock) for _ in range(2))
    await there.current()
    await here.rotate(published_seconds=0)
    clock.advance(29)
    late = await Tokens(there, "https://i", clock).issue("c", new_id(), ["agent"])
    clock.advance(899)
    assert (await Tokens(here, "https://i", clock).verify(late.access_token)).client_id == "c"
    await there.current()
    assert (await there.current())[0] == (await here.current())[0]


async def test_a_key_is_published_for_three_minutes_before_it_signs(database, sealer, clock):
    here, there = (SigningKeys(database, sealer, clock) for _ in range(2))
    old, _ = await here.current()
    await there.current()
    made = await here.rotate()
    assert (made.signs_from - made.created_at).total_seconds() == 180
    assert {key["kid"] for key in (await here.jwks())["keys"]} == {old, made.kid}
    clock.advance(179)
    assert [(await keys.current())[0] for keys in (here, there)] == [old, old]
    assert {key["kid"] for key in (await there.jwks())["keys"]} == {old, made.kid}
    clock.advance(1)
    assert [(await keys.current())[0] for keys in (here, there)] == [made.kid, made.kid], "and nobody had to read"


async def test_a_rotation_within_a_rotation_replaces_nothing_that_is_published(database, sealer, clock):
    keys = SigningKeys(database, sealer, clock)
    first, _ = await keys.current()
    second = await keys.rotate()
    clock.advance(60)
    third = await keys.rotate()
    assert {key["kid"] for key in (await keys.jwks())["keys"]} == {first, second.kid, third.kid}
    signing = []
    for _ in range(3):
        signing.append((await keys.current())[0])
        clock.advance(120)
    assert signing == [first, second.kid, third.kid]


async def test_a_key_that_signs_at_once_takes_the_place_of_one_that_was_to_come(database, sealer, clock):
    keys = SigningKeys(database, sealer, clock)
    first, _ = await keys.current()
    await keys.rotate()
    now = await keys.rotate(published_seconds=0)
    assert {key["kid"] for key in (await keys.jwks())["keys"]} == {first, now.kid}
    for _ in range(2):
        assert (await keys.current())[0] == now.kid
        clock.advance(600)


async def test_a_leaked_key_ends_with_every_token_that_it_signed(database, sealer, clock):
    here, there = (SigningKeys(database, sealer, clock) for _ in range(2))
    token = await Tokens(here, "https://i", clock).issue("c", new_id(), ["agent"])
    await Tokens(there, "https://i", clock).verify(token.access_token)
    made = await here.rotate(leaked=True)
    assert [key["kid"] for key in (await here.jwks())["keys"]] == [made.kid]
    with pytest.raises(TokenInvalid):
        await Tokens(here, "https://i", clock).verify(token.access_token)
    clock.advance(30)
    with pytest.raises(TokenInvalid):
        await Tokens(there, "https://i", clock).verify(token.access_token)


async def test_a_retired_key_ends_after_two_lives_of_a_token(database, sealer, clock):
    keys = SigningKeys(database, sealer, clock)
    old, _ = await keys.current()
    new = (await keys.rotate(published_seconds=0)).kid
    assert {key["kid"] for key in (await keys.jwks())["keys"]} == {old, new}
    clock.advance(1799)
    assert await keys.find(old) is not None
    clock.advance(2)
    assert await keys.find(old) is None
    assert [key["kid"] for key in (await keys.jwks())["keys"]] == [new]
    await keys.rotate()
    assert await count(database) == 2


async def test_known_keys_stay_good_while_the_database_is_away(database, sealer, clock):
    class Moody:
        away = False

        def system(self):
            if self.away:
                raise ConnectionRefusedError
            return database.system()

    db = Moody()
    tokens = Tokens(SigningKeys(db, sealer, clock), "https://i", clock)
    token = await tokens.issue("c", new_id(), ["agent"])
    db.away = True
    clock.advance(60)
    assert (await tokens.verify(token.access_token)).client_id == "c"
    with pytest.raises(ConnectionRefusedError):
        await tokens.verify((await other_token(database, sealer, clock)).access_token)


async def other_token(database, sealer, clock):
    keys = SigningKeys(database, sealer, clock)
    await keys.rotate(published_seconds=0)
    return await Tokens(keys, "https://i", clock).issue("c", new_id(), ["agent"])


async def test_private_keys_are_sealed(database, sealer, clock):
    await SigningKeys(database, sealer, clock).ensure()
    with pytest.raises(SealError):
        await SigningKeys(database, Sealer(["another"]), clock).current()


async def test_an_unknown_key_is_refused(database, sealer, clock):
    keys = SigningKeys(database, sealer, clock)
    stranger = await Tokens(keys, "https://i", clock).issue("c", new_id(), ["agent"])
    async with database.system() as session:
        await session.execute(delete(SigningKey))
    with pytest.raises(TokenInvalid):
        await Tokens(SigningKeys(database, sealer, clock), "https://i", clock).verify(stranger.access_token)

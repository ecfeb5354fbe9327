"""A webhook's secret is renewed without an event being turned away: for a while both are good, in every process."""

import asyncio

import pytest
from pipeline import fakes
from pipeline.fakes import HOOK, SECRET, Place, SilentBell, place_on, webhook
from support.standins import HeldClock

from nexus.pipeline import connections as connections_module
from nexus.pipeline.inbox import BadSignature, Inbox, Stored
from nexus.pipeline.ports import HookSecret
from nexus.pipeline.subscriptions import OVERLAP_SECONDS, Subscriptions


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


async def renew(place: Place, clock: HeldClock, secret: str) -> None:
    """As connecting again does."""
    subscriptions = Subscriptions(place.db, place.sealer, clock)
    connected = await place.connections.get(place.connection_id)
    async with place.db.tenant(place.tenant_id) as session:
        await subscriptions.store(session, connected, [HookSecret(HOOK, secret)])
    known = await subscriptions.with_known(connected)
    assert known.credentials["hooks"] == {HOOK: secret}


def process(place: Place, clock: HeldClock) -> Inbox:
    """One that has cached nothing yet."""
    return Inbox(place.db, place_on(place.db).connections, SilentBell(), clock)


async def takes(inbox: Inbox, dedup: str, secret: str) -> bool:
    try:
        return isinstance(await inbox.receive("faketool", webhook(dedup, secret=secret)), Stored)
    except BadSignature:
        return False


async def test_both_secrets_are_good_for_an_hour_and_then_the_new_one(place: Place, clock: HeldClock) -> None:
    await renew(place, clock, "second")
    inbox = process(place, clock)
    assert [await takes(inbox, f"a{secret}", secret) for secret in (SECRET, "second", "third")] == [True, True, False]
    clock.advance(OVERLAP_SECONDS - 1)
    assert await takes(inbox, "b", SECRET)
    clock.advance(1)
    assert [await takes(inbox, f"c{secret}", secret) for secret in (SECRET, "second")] == [False, True]


async def test_a_second_renewal_ends_the_secret_before_the_last(place: Place, clock: HeldClock) -> None:
    await renew(place, clock, "second")
    await renew(place, clock, "third")
    inbox = process(place, clock)
    assert [await takes(inbox, secret, secret) for secret in (SECRET, "second", "third")] == [False, True, True]


async def test_to_connect_again_with_the_same_secret_prolongs_nothing(place: Place, clock: HeldClock) -> None:
    await renew(place, clock, "second")
    clock.advance(OVERLAP_SECONDS - 1)
    await renew(place, clock, "second")
    clock.advance(1)
    assert not await takes(process(place, clock), "a", SECRET)


async def test_a_process_that_remembers_the_old_secret_takes_the_new_one_at_once(
    place: Place, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections_module, "RENEWED_SECONDS", 0.0)
    monkeypatch.setattr("nexus.pipeline.inbox.RENEWED_SECONDS", 0.0)
    inbox = process(place, clock)
    assert await takes(inbox, "a", SECRET)
    await renew(place, clock, "second")
    assert await takes(inbox, "b", "second")


async def test_a_flood_of_forgeries_has_the_secret_read_once_a_second(
    place: Place, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    verify = fakes.FakeSource.verify

    def counted(self: fakes.FakeSource, request: object, secret: str, now: object) -> bool:
        verified.append(secret)
        return verify(self, request, secret, now)  # type: ignore[arg-type]

    monkeypatch.setattr(fakes.FakeSource, "verify", counted)
    inbox = place.inbox
    assert await takes(inbox, "a", SECRET)
    reads = 0
    read = place.db.system

    def counting() -> object:
        nonlocal reads
        reads += 1
        return read()

    monkeypatch.setattr(place.db, "system", counting)
    results = await asyncio.gather(*(takes(inbox, f"f{number}", "forged") for number in range(100)))
    assert not any(results) and reads <= 2
    assert len(verified) == 101, "a forgery costs one HMAC, as it costs an unknown webhook"

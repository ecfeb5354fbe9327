"""Forged webhooks at the real door: signed by nobody, by somebody else, for another moment or over another body."""

import asyncio
import gzip
import hashlib
import hmac
import json
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from attacks.conftest import Figures
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select
from support.standins import Silent

from nexus.http.metrics import IngestMetrics
from nexus.http.webhooks import WebhookDoor
from nexus.integrations import discover, names
from nexus.kit.clock import SystemClock
from nexus.kit.ids import new_id
from nexus.kit.sealing import Sealer
from nexus.pipeline.connections import Connections
from nexus.pipeline.inbox import Inbox
from nexus.store.database import Database
from nexus.store.tables import Connection, InboxEvent, Tenant, WebhookKey

pytestmark = pytest.mark.timeout(120)

FORGERIES = 100_000
AT_ONCE = 50
CONTROL_EVERY = 250
"""So often comes a webhook that is what it says: it must be stored, or the refusals prove nothing."""
PAYLOADS = Path(__file__).parent.parent / "payloads"
NUMBERS = (
    "NaN",
    "inf",
    "-1",
    "+1",
    "1e9",
    "0x5f",
    " 1",
    "1 ",
    "1.0",
    "",
    "0",
    "9" * 400,
    "１７９５",
    "\u0661",
    "null",
    "1\x00",
)
SLACK_TIME, SLACK_SIGNATURE, CLICKUP_SIGNATURE = b"x-slack-request-timestamp", b"x-slack-signature", b"x-signature"


@dataclass(frozen=True)
class Sender:
    """A vendor's side of one workspace."""

    source: str
    secret: str
    body: Callable[[random.Random], tuple[bytes, bytes]]
    """A genuine event, new each time, and its content type."""

    def sign(self, body: bytes, secret: str, at: int) -> list[tuple[bytes, bytes]]:
        """The headers that authenticate a body."""
        if self.source == "clickup":
            return [(CLICKUP_SIGNATURE, hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode())]
        digest = hmac.new(secret.encode(), b"v0:%d:%b" % (at, body), hashlib.sha256).hexdigest()
        return [(SLACK_TIME, b"%d" % at), (SLACK_SIGNATURE, f"v0={digest}".encode())]


@dataclass(frozen=True)
class Webhook:
    """A request, and how it would have to be to be genuine."""

    sender: Sender
    other_secret: str
    body: bytes
    content_type: bytes
    signed: list[tuple[bytes, bytes]]
    more: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])

    @property
    def signature(self) -> bytes:
        return self.signed[-1][1]

    def with_signature(self, value: bytes) -> "Webhook":
        return replace(self, signed=[*self.signed[:-1], (self.signed[-1][0], value)])

    def resigned(self, secret: str, at: int) -> "Webhook":
        return replace(self, signed=self.sender.sign(self.body, secret, at))


@dataclass
class Answers:
    """What the door said."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    accepted: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])
    controls: int = 0


@pytest.fixture
async def db(database_url: str) -> AsyncGenerator[Database]:
    """The database of two tenants."""
    opened = Database(database_url)
    yield opened
    await opened.aclose()


@pytest.fixture
async def office(db: Database) -> tuple[WebhookDoor, list[tuple[Sender, str]]]:
    """The real door, and for each vendor the workspaces of two tenants, each with the secret of the other."""
    sealer = Sealer(["a secret key of the tests"])
    senders: list[list[Sender]] = []
    for tenant in ("ours", "theirs"):
        mine = [clickup(f"wh-{tenant}", f"{tenant}-{secrets.token_hex(16)}"), slack(f"A{tenant}", f"T{tenant}")]
        async with db.system() as session:
            row = Tenant(id=new_id(), name=tenant)
            session.add(row)
            await session.flush()
            for sender, key in zip(mine, (f"wh-{tenant}", f"A{tenant}:T{tenant}"), strict=True):
                connection = Connection(
                    id=new_id(), tenant_id=row.id, vendor=sender.source, workspace_id=tenant, name=tenant,
                    sealed=sealer.seal({"token": "t"}), facts={},
                )  # fmt: skip
                session.add(connection)
                await session.flush()
                session.add(
                    WebhookKey(
                        id=new_id(), tenant_id=row.id, connection_id=connection.id, source=sender.source, key=key,
                        sealed=sealer.seal({"secret": sender.secret}),
                    )
                )  # fmt: skip
        senders.append(mine)
    inbox = Inbox(db, Connections(db, sealer, discover()), Silent(), SystemClock())
    pairs = [
        (one, other.secret)
        for first, second in (senders, senders[::-1])
        for one, other in zip(first, second, strict=True)
    ]
    return WebhookDoor(inbox, IngestMetrics(CollectorRegistry(), names())), pairs


def clickup(webhook_id: str, secret: str) -> Sender:
    found = [one for one in samples("clickup", "webhook_task*.json") if one["event"] != "taskTimeTrackedUpdated"]

    def body(dice: random.Random) -> tuple[bytes, bytes]:
        event = dice.choice(found) | {"webhook_id": webhook_id, "task_id": f"t{dice.getrandbits(64):x}"}
        items = [one | {"id": str(dice.getrandbits(60))} for one in event.get("history_items") or ()]
        return json.dumps(event | {"history_items": items}).encode(), b"application/json"

    return Sender("clickup", secret, body)


def slack(app: str, team: str) -> Sender:
    found = [one for one in samples("slack", "event_message_*human*.json") if "event" in one]
    presses = samples("slack", "interactivity_block_actions.json")

    def body(dice: random.Random) -> tuple[bytes, bytes]:
        if dice.random() < 0.3:
            press = dice.choice(presses) | {"api_app_id": app, "team": {"id": team}}
            press["actions"] = [
                one | {"action_ts": f"{dice.randrange(10**9, 2 * 10**9)}.1"} for one in press["actions"]
            ]
            return urlencode({"payload": json.dumps(press)}).encode(), b"application/x-www-form-urlencoded"
        event = dice.choice(found) | {"api_app_id": app, "team_id": team, "event_id": f"Ev{dice.getrandbits(64):x}"}
        event["authorizations"] = [{"team_id": team}]
        return json.dumps(event).encode(), b"application/json"

    return Sender("slack", secrets.token_hex(16), body)


def samples(vendor: str, pattern: str) -> list[dict[str, Any]]:
    """Real payloads of a vendor."""
    found = [json.loads(path.read_text()) for path in sorted((PAYLOADS / vendor).glob(pattern))]
    return [payload_in(one) for one in found]


def payload_in(sample: dict[str, Any]) -> dict[str, Any]:
    """Some samples carry notes beside what was sent."""
    inner = sample.get("payload", sample.get("body", sample))
    return inner if isinstance(inner, dict) else sample


def genuine(dice: random.Random, sender: Sender, other_secret: str) -> Webhook:
    body, content_type = sender.body(dice)
    return Webhook(sender, other_secret, body, content_type, sender.sign(body, sender.secret, int(time.time())))


# --- how to forge; each returns a request that nobody has signed ---

Forgery = Callable[[Webhook, random.Random], Webhook]


def flip_in_signature(one: Webhook, dice: random.Random) -> Webhook:
    at = dice.randrange(len(one.signature))
    return one.with_signature(one.signature[:at] + bytes([dice.randrange(256)]) + one.signature[at + 1 :])


def cut_signature(one: Webhook, dice: random.Random) -> Webhook:
    return one.with_signature(one.signature[: dice.randrange(len(one.signature))])


def longer_signature(one: Webhook, dice: random.Random) -> Webhook:
    return one.with_signature(
        one.signature + dice.choice([b"0", b" ", b"\x00", b"=", b",", one.signature, b"a" * 50_000])
    )


def other_case(one: Webhook, dice: random.Random) -> Webhook:
    return one.with_signature(dice.choice([one.signature.upper(), one.signature.title(), one.signature.swapcase()]))


def other_scheme(one: Webhook, dice: random.Random) -> Webhook:
    digest = one.signature.removeprefix(b"v0=")
    return one.with_signature(dice.choice([b"v1=", b"sha256=", b"v0 =", b"v0:", b"V0=", b"v0=v0=", b"v0=0x"]) + digest)


def other_digest(one: Webhook, dice: random.Random) -> Webhook:
    how = dice.choice([hashlib.sha1, hashlib.md5, hashlib.sha512])
    prefix = b"v0=" if one.sender.source == "slack" else b""
    return one.with_signature(prefix + hmac.new(one.sender.secret.encode(), one.body, how).hexdigest().encode())


def unkeyed_digest(one: Webhook, dice: random.Random) -> Webhook:
    return one.with_signature(
        hashlib.sha256(one.body + dice.choice([b"", one.sender.secret.encode()])).hexdigest().encode()
    )


def strange_signature(one: Webhook, dice: random.Random) -> Webhook:
    odd = [
        b"",
        b"NaN",
        b"null",
        b"0" * 64,
        b"\xff\xfe",
        "é".encode("latin-1") * 64,
        "ｖ０＝".encode(),
        b"[]",
        b"\x00" * 64,
    ]
    return one.with_signature(dice.choice(odd))


def strange_time(one: Webhook, dice: random.Random) -> Webhook:
    number = dice.choice(NUMBERS).encode("utf-8")
    if one.sender.source != "slack":
        return one.with_signature(number)
    return replace(one, signed=[(SLACK_TIME, number), one.signed[-1]])


def strange_time_signed(one: Webhook, dice: random.Random) -> Webhook:
    """Even one that was signed so."""
    number = dice.choice(NUMBERS).encode("utf-8")
    digest = hmac.new(one.sender.secret.encode(), b"v0:%b:%b" % (number, one.body), hashlib.sha256).hexdigest()
    if one.sender.source != "slack":
        return one.with_signature(f"v0={digest}".encode())
    return replace(one, signed=[(SLACK_TIME, number), (SLACK_SIGNATURE, f"v0={digest}".encode())])


def replayed(one: Webhook, dice: random.Random) -> Webhook:
    """Genuine once, or genuine some day. ClickUp's carries no time: its replay is caught as a duplicate, elsewhere."""
    if one.sender.source != "slack":
        return one.with_signature(b"")
    away = dice.choice([303, 600, 86_400, 10**8]) + dice.randrange(100)
    return one.resigned(one.sender.secret, int(time.time()) + dice.choice([-1, 1]) * away)


def fresh_time_old_signature(one: Webhook, dice: random.Random) -> Webhook:
    if one.sender.source != "slack":
        return one.with_signature(b"")
    old = one.resigned(one.sender.secret, int(time.time()) - 10_000)
    return replace(old, signed=[(SLACK_TIME, b"%d" % time.time()), old.signed[-1]])


def key_of_another_tenant(one: Webhook, dice: random.Random) -> Webhook:
    return one.resigned(one.other_secret, int(time.time()))


def guessed_key(one: Webhook, dice: random.Random) -> Webhook:
    unknown = "an unknown webhook costs the same time as a wrong signature"
    secret = one.sender.secret
    guess = dice.choice(
        ["", "secret", "x", unknown, secret[:-1], secret + " ", secret + secret, secret.swapcase() + "X"]
    )
    return one.resigned(guess, int(time.time()))


def no_signature(one: Webhook, dice: random.Random) -> Webhook:
    return replace(one, signed=one.signed[: dice.randrange(len(one.signed))])


def two_signatures(one: Webhook, dice: random.Random) -> Webhook:
    """Whoever reads the first and whoever reads the last must not come to different ends."""
    name, right = one.signed[-1]
    both = [(name, right), (name, dice.choice([right, b"0" * 64, b""]))]
    dice.shuffle(both)
    return replace(one, signed=[*one.signed[:-1], *both])


def two_times(one: Webhook, dice: random.Random) -> Webhook:
    if one.sender.source != "slack":
        return two_signatures(one, dice)
    return replace(one, signed=[(SLACK_TIME, dice.choice([b"0", one.signed[0][1]])), *one.signed])


def name_nearly(one: Webhook, dice: random.Random) -> Webhook:
    """A server hands names on in small letters, as they came: nothing else is that header."""
    name, value = one.signed[-1]
    names_nearly = [name + b" ", b"x" + name, name.replace(b"-", b"_"), name.upper(), name[:-1]]
    return replace(one, signed=[*one.signed[:-1], (dice.choice(names_nearly), value)])


def vendors_mixed(one: Webhook, dice: random.Random) -> Webhook:
    name = SLACK_SIGNATURE if one.sender.source == "clickup" else CLICKUP_SIGNATURE
    return replace(one, signed=[(name, one.signature)])


def flip_in_body(one: Webhook, dice: random.Random) -> Webhook:
    at = dice.randrange(len(one.body))
    return replace(one, body=one.body[:at] + bytes([one.body[at] ^ (1 << dice.randrange(8))]) + one.body[at + 1 :])


def body_of_another(one: Webhook, dice: random.Random) -> Webhook:
    return replace(one, body=one.sender.body(dice)[0])


def body_written_anew(one: Webhook, dice: random.Random) -> Webhook:
    """The same to a parser, and not the bytes that were signed."""
    if one.content_type != b"application/json":
        return replace(one, body=one.body.replace(b"%", b"%25", 1) if dice.random() < 0.5 else b"x=1&" + one.body)
    try:
        read = json.loads(one.body)
    except ValueError:  # forged already
        return one
    written = [
        json.dumps(read, separators=(",", ":")),
        json.dumps(read, indent=1),
        json.dumps(read, sort_keys=True) + " ",
    ]
    return replace(one, body=dice.choice(written).encode())


def body_edges(one: Webhook, dice: random.Random) -> Webhook:
    edges = [one.body + b"\n", b" " + one.body, b"\xef\xbb\xbf" + one.body, one.body + b"\x00", one.body[:-1], b"",
             one.body * 2, one.body.replace(b"{", b'{"webhook_id":"wh-theirs","api_app_id":"Atheirs",', 1)]  # fmt: skip
    return replace(one, body=dice.choice(edges))


def packed_body(one: Webhook, dice: random.Random) -> Webhook:
    return replace(one, body=gzip.compress(one.body), more=[(b"content-encoding", b"gzip")])


def large_body(one: Webhook, dice: random.Random) -> Webhook:
    return (
        replace(one, body=one.body + b" " * dice.choice([1000, 100_000, 1024 * 1024]))
        if dice.random() < 0.02
        else (no_signature(one, dice))
    )


FORGERIES_BY_NAME: dict[str, Forgery] = {
    how.__name__: how
    for how in (
        flip_in_signature, cut_signature, longer_signature, other_case, other_scheme, other_digest, unkeyed_digest,
        strange_signature, strange_time, strange_time_signed, replayed, fresh_time_old_signature, key_of_another_tenant,
        guessed_key, no_signature, two_signatures, two_times, name_nearly, vendors_mixed, flip_in_body, body_of_another,
        body_written_anew, body_edges, packed_body, large_body,
    )
}  # fmt: skip


async def test_no_forged_webhook_is_accepted_and_none_breaks_the_door(
    office: tuple[WebhookDoor, list[tuple[Sender, str]]],
    db: Database,
    size: Callable[[int], int],
    dice: random.Random,
    figures: Figures,
) -> None:
    door, senders = office
    answers, tried = Answers(), 0
    while tried < size(FORGERIES):
        batch: list[asyncio.Task[None]] = []
        for _ in range(AT_ONCE):
            original = genuine(dice, *dice.choice(senders))
            forged, how = original, [dice.choice(list(FORGERIES_BY_NAME)) for _ in range(dice.choice((1, 1, 1, 2, 3)))]
            for name in how:
                if forged.signed and forged.signature and forged.body:  # there is something left to forge
                    forged = FORGERIES_BY_NAME[name](forged, dice)
            if is_genuine(forged):
                continue
            tried += 1
            batch.append(asyncio.create_task(knock(door, forged, " + ".join(how), answers)))
            if tried % CONTROL_EVERY == 0:
                batch.append(asyncio.create_task(control(door, original, answers)))
        await asyncio.gather(*batch)
    async with db.system() as session:
        stored = (await session.execute(select(func.count()).select_from(InboxEvent))).scalar_one()
    figures.keep(
        "Forged webhooks",
        forged=tried,
        accepted=len(answers.accepted),
        server_errors=len(answers.failed),
        genuine_between=answers.controls,
        **{f"answered_{status}": number for status, number in sorted(answers.statuses.items())},
    )
    assert (answers.accepted, answers.failed) == ([], [])
    assert stored == answers.controls > 0
    assert set(answers.statuses) <= {400, 403, 408, 413}, "ClickUp suspends a webhook on 401 and 410"


def is_genuine(one: Webhook) -> bool:
    """Judged apart from Nexus: one signature, over these bytes, by this sender, now."""
    wanted = (CLICKUP_SIGNATURE,) if one.sender.source == "clickup" else (SLACK_TIME, SLACK_SIGNATURE)
    told = [header for header in one.signed if header[0] in wanted]
    given = dict(told)
    if len(told) != len(wanted) or len(given) != len(wanted):
        return False
    stamp = given.get(SLACK_TIME, b"%d" % time.time())
    if not stamp.isdigit() or abs(int(stamp[:20]) - time.time()) > 301:
        return False
    # A button's press that names no app is of whoever has signed it: the other tenant's own, in its own inbox.
    secrets = [one.sender.secret, *([one.other_secret] if names_no_app(one) else [])]
    return any(dict(one.sender.sign(one.body, secret, int(stamp))) == given for secret in secrets)


def names_no_app(one: Webhook) -> bool:
    """Whether it is an interaction of Slack's that does not say of which app."""
    told = parse_qs(one.body.decode(errors="replace")).get("payload")
    try:
        return told is not None and not json.loads(told[0]).get("api_app_id")
    except (ValueError, AttributeError):
        return False


async def knock(door: WebhookDoor, one: Webhook, how: str, answers: Answers) -> None:
    try:
        status = await post(door, one)
    except Exception as error:
        answers.failed.append(f"{how}: {error!r}")
        return
    answers.statuses[status] += 1
    if status == 200:
        answers.accepted.append(f"{how}: {one}"[:600])
    elif status >= 500:
        answers.failed.append(f"{how}: {status}")


async def control(door: WebhookDoor, one: Webhook, answers: Answers) -> None:
    status = await post(door, one)
    assert status == 200, f"a genuine webhook was answered {status}: {one}"
    answers.controls += 1


async def post(door: WebhookDoor, one: Webhook) -> int:
    """The status of the answer."""
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": one.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    headers = [(b"content-type", one.content_type), (b"content-length", b"%d" % len(one.body)), *one.signed, *one.more]
    path = f"/webhooks/{one.sender.source}"
    if one.content_type == b"application/x-www-form-urlencoded":
        path += "/interactive"
    await door({"type": "http", "method": "POST", "path": path, "headers": headers}, receive, send)
    return status

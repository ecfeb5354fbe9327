"""A running `oblivion up` from outside: what people write there, what they can see, and the harm that can be done."""

import asyncio
import contextlib
import ipaddress
import os
import signal
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from redis.asyncio import Redis
from sqlalchemy import text

from nexus.drill.checker import Seen
from nexus.drill.load import ClickUpHook, in_comments, in_thread, key_in
from nexus.store.database import Database

HTTP_SECONDS = 10
POST_TRIES = 30
_PAGE_SIZE = 200
_COMMENTS_PER_PAGE = 25
_CLICKUP_LABEL = "(in ClickUp)"
_LATE_MARK = "delivered late"
_LOCAL_ADDRESSES = ("nexus_url", "sandbox_url", "clickup_api_url", "slack_api_url", "database_url", "redis_url")

Row = Mapping[str, Any]


class DrillError(Exception):
    """The drill cannot be run; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A task of the drill, and its card."""

    key: str
    """Stands in the task's title."""
    item_id: str
    root_ts: str
    opened_at: float
    """Unix seconds."""


def refuse_what_is_not_local(addresses: Mapping[str, str]) -> None:
    """Raises DrillError unless every address is on this machine: a drill kills and floods."""
    for name in _LOCAL_ADDRESSES:
        host = urlsplit(addresses.get(name, "")).hostname or ""
        if host == "localhost" or _is_loopback(host):
            continue
        raise DrillError(
            f"A drill breaks things on purpose, so it only touches this machine, and {name} is at {host or 'nowhere'}. "
            "Run it against an `oblivion up` that runs everything by itself."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Live:
    """Connections to everything; what it is told and finds there is the sandbox's word, never Nexus's."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        pids: Callable[[], Mapping[str, int | None]],
        clients: tuple[httpx.AsyncClient, httpx.AsyncClient, httpx.AsyncClient],
        db: Database,
        world: Mapping[str, Any],
    ) -> None:
        self.addresses = addresses
        self.channel_id = addresses["slack_channel_id"]
        self.nexus_url = addresses["nexus_url"]
        self._pids = pids
        self._clickup, self._slack, self._control = clients
        self._db = db
        self._world = world
        self._tenant_id = UUID(addresses["tenant_id"])

    # --- people ---

    async def create_task(self, title: str, description: str) -> str:
        """Somebody writes a task into the linked list; its id."""
        path = f"list/{self.addresses['clickup_list_id']}/task"
        return str((await self._ask_clickup("POST", path, name=title, markdown_description=description))["id"])

    async def change_task(self, item_id: str, **changes: str) -> None:
        """Somebody changes a task."""
        await self._ask_clickup("PUT", f"task/{item_id}", **changes)

    async def comment(self, item_id: str, said: str) -> float:
        """Somebody comments on a task; when, in Unix seconds by ClickUp's clock."""
        made = await self._ask_clickup("POST", f"task/{item_id}/comment", comment_text=said, notify_all=False)
        return int(made["date"]) / 1000

    async def reply(self, root_ts: str, said: str) -> float:
        """Somebody writes below a card; when, in Unix seconds by Slack's clock."""
        for _ in range(POST_TRIES):
            answer = await self._slack.post(
                "chat.postMessage", json={"channel": self.channel_id, "thread_ts": root_ts, "text": said}
            )
            if answer.status_code == 429:
                await asyncio.sleep(float(answer.headers.get("retry-after", "1")))
                continue
            document = answer.raise_for_status().json()
            if not document["ok"]:
                raise DrillError(f"Slack would not take a reply: {document['error']}")
            return float(document["ts"])
        raise DrillError("Slack took no reply for half a minute. Wait a little, then try again.")

    # --- what can be seen ---

    async def thread(self, root_ts: str) -> list[dict[str, Any]]:
        """Everything below a card, and the card itself first, oldest first."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            query = {"channel": self.channel_id, "ts": root_ts, "limit": _PAGE_SIZE, "cursor": cursor}
            page = (await self._slack.get("conversations.replies", params=query)).raise_for_status().json()
            if not page["ok"]:
                raise DrillError(f"Slack would not show a thread: {page['error']}")
            found += [message for message in page["messages"] if message["ts"] != root_ts or not found]
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                return found

    async def comments(self, item_id: str) -> list[dict[str, Any]]:
        """Every comment on a task, oldest first."""
        found: list[dict[str, Any]] = []
        older: dict[str, str] = {}
        while True:
            answer = await self._clickup.get(f"task/{item_id}/comment", params=older)
            page: list[dict[str, Any]] = answer.raise_for_status().json()["comments"]
            found += page
            if len(page) < _COMMENTS_PER_PAGE:
                return found[::-1]
            older = {"start": str(page[-1]["date"]), "start_id": str(page[-1]["id"])}

    async def seen(self, conversation: Conversation) -> list[Seen]:
        """Every mirrored comment in the thread and every mirrored reply among the comments."""
        effects: list[Seen] = []
        for message in (await self.thread(conversation.root_ts))[1:]:
            key = key_in(str(message["text"]))
            if key and "bot_id" in message and str(message.get("username", "")).endswith(_CLICKUP_LABEL):
                late = _LATE_MARK in str(message["blocks"][:1])
                ts = float(message["ts"])
                effects.append(Seen(key, in_thread(conversation.item_id), ts, late, ts))
        own = await self._own_user_id()
        for place, comment in enumerate(await self.comments(conversation.item_id)):
            key = key_in(str(comment["comment_text"]))
            if key and str(comment["user"]["id"]) == own:
                at = int(comment["date"]) / 1000
                late = _LATE_MARK in str(comment["comment_text"]).partition("\n")[0]
                effects.append(Seen(key, in_comments(conversation.item_id), place, late, at))
        return effects

    async def deliveries(self, since: int, vendor: str, event: str) -> list[dict[str, Any]]:
        """What the sandbox sent to Nexus after an entry of its record: one dict for each try."""
        query: dict[str, str | int] = {"since": since, "vendor": vendor, "event": event}
        return (await self._control.get("deliveries", params=query)).raise_for_status().json()["deliveries"]

    async def calls(self, since: int, vendor: str, method: str) -> list[dict[str, Any]]:
        """What was called at the sandbox after an entry of its record."""
        query: dict[str, str | int] = {"since": since, "vendor": vendor, "method": method}
        return (await self._control.get("calls", params=query)).raise_for_status().json()["calls"]

    async def last_entry(self) -> int:
        """The newest entry of the sandbox's record."""
        nothing = {"vendor": "slack", "method": "none"}
        return int((await self._control.get("calls", params=nothing)).raise_for_status().json()["last"])

    async def rows(self, query: str, **parameters: object) -> list[Row]:
        """What Nexus itself has written down."""
        async with self._db.tenant(self._tenant_id) as session:
            return [dict(row) for row in (await session.execute(text(query), parameters)).mappings()]

    # --- harm ---

    def pid(self, part: str) -> int | None:
        """Process id of a part; None while it does not run."""
        return self._pids().get(part)

    def needs(self, part: str) -> None:
        """Raises DrillError when `oblivion up` does not run this part by itself."""
        if part not in self._pids():
            raise DrillError(
                f"This drill breaks the {part} that `oblivion up` starts, and this one uses another. "
                "Start `oblivion up` without OBLIVION_DATABASE_URL and OBLIVION_REDIS_URL."
            )

    def kill(self, part: str) -> bool:
        """SIGKILL; False when it does not run at this moment."""
        pid = self.pid(part)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    @asynccontextmanager
    async def redis(self) -> AsyncGenerator[Redis]:
        """A client of the Valkey that Nexus uses."""
        client: Redis = Redis.from_url(self.addresses["redis_url"], socket_timeout=5)  # pyright: ignore[reportUnknownMemberType]
        try:
            yield client
        finally:
            await client.aclose()

    async def add_fault(self, **rule: str | float) -> int:
        """Has the sandbox spoil calls; the rule's number."""
        return int((await self._control.post("faults", json=rule)).raise_for_status().json()["id"])

    async def remove_fault(self, number: int) -> None:
        """Ends one rule."""
        (await self._control.delete("faults", params={"id": number})).raise_for_status()

    async def hook(self) -> tuple[ClickUpHook, str]:
        """Our webhook at ClickUp, and its health: `active`, `failing` or `suspended`."""
        document = await self._own_hook()
        return ClickUpHook(document["id"], document["secret"]), str(document["health"]["status"])

    async def set_hook(self, status: str) -> None:
        """`inactive` suspends our webhook, as ClickUp does after many failures; `active` ends that."""
        document = await self._own_hook()
        change = {"endpoint": document["endpoint"], "events": document["events"], "status": status}
        answer = await self._clickup.put(f"webhook/{document['id']}", json=change, headers=self._as_bot())
        answer.raise_for_status()

    async def _own_hook(self) -> dict[str, Any]:
        path = f"team/{self._world['clickup']['team_id']}/webhook"
        hooks = (await self._clickup.get(path, headers=self._as_bot())).raise_for_status().json()["webhooks"]
        for hook in hooks:
            if str(hook["endpoint"]).startswith(self.nexus_url):
                return hook
        raise DrillError("ClickUp has no webhook for Nexus. Stop `oblivion up` and start it again.")

    async def _own_user_id(self) -> str:
        answer = await self._clickup.get("user", headers=self._as_bot())
        return str(answer.raise_for_status().json()["user"]["id"])

    def _as_bot(self) -> dict[str, str]:
        return {"Authorization": str(self._world["clickup"]["token"])}

    async def _ask_clickup(self, verb: str, path: str, **body: object) -> dict[str, Any]:
        return (await self._clickup.request(verb, path, json=body)).raise_for_status().json()


@asynccontextmanager
async def connected(addresses: Mapping[str, str], pids: Callable[[], Mapping[str, int | None]]) -> AsyncGenerator[Live]:
    """Opens everything that a drill needs. Raises DrillError."""
    refuse_what_is_not_local(addresses)

    def client(base_url: str, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=base_url, headers=headers, timeout=HTTP_SECONDS, trust_env=False)

    db = Database(addresses["database_url"], pool_size=2, application_name="oblivion drill")
    async with (
        client(addresses["clickup_api_url"], Authorization=addresses["clickup_token"]) as clickup,
        client(addresses["slack_api_url"], Authorization=f"Bearer {addresses['slack_human_token']}") as slack,
        client(f"{addresses['sandbox_url']}/_control") as control,
    ):
        try:
            world = (await control.get("world")).raise_for_status().json()
            yield Live(addresses, pids, (clickup, slack, control), db, world)
        except (httpx.HTTPError, OSError) as error:
            raise DrillError(
                f"The sandbox or PostgreSQL stopped answering ({type(error).__name__}). "
                "See whether `oblivion up` still runs, and the files in .oblivion/logs."
            ) from error
        finally:
            with contextlib.suppress(Exception):
                await db.aclose()

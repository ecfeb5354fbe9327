"""What the sandbox has written down: calls by kind, and messages that were deleted again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster import Cluster

from nexus.drill.load import Webhook, key_in

WRITES = {"slack": "chat.postMessage", "clickup": "POST /task/*/comment"}
"""The calls that make something new, by vendor."""


async def last_entry(cluster: Cluster) -> int:
    """The newest entry's number: `since` of what comes after it."""
    return int((await cluster.sandbox.get("/_control/calls", params={"method": "none"})).json()["last"])


@dataclass(frozen=True)
class Calls:
    """Calls of Nexus after an entry of the record."""

    entries: Sequence[Mapping[str, Any]]

    @property
    def writes(self) -> list[Mapping[str, Any]]:
        """Those that make a message or a comment."""
        return [each for each in self.entries if each["method"] == WRITES["slack"] or _is_comment(each)]

    @property
    def faults(self) -> dict[str, int]:
        """How often each fault was applied."""
        return dict(Counter(each["fault"] for each in self.entries if each["fault"]))

    @property
    def reads(self) -> int:
        """How many calls only looked."""
        return sum(
            each["verb"] == "GET" or ".repl" in each["method"] or ".hist" in each["method"] for each in self.entries
        )

    @property
    def removals(self) -> int:
        """How many calls deleted something."""
        return sum(each["verb"] == "DELETE" or each["method"] == "chat.delete" for each in self.entries)


async def calls_since(cluster: Cluster, since: int) -> Calls:
    """What Nexus called, without bodies."""
    answer = await cluster.sandbox.get("/_control/calls", params={"since": since, "body": "0"})
    return Calls([each for each in answer.raise_for_status().json()["calls"] if each["token"] == "bot"])


async def effects(cluster: Cluster, vendor: str, since: int = 0) -> list[dict[str, Any]]:
    """Our own messages or comments that hold a key, deleted ones as well."""
    answer = await cluster.sandbox.get(f"/_control/{vendor}/effects", params={"since": since})
    found = answer.raise_for_status().json()["effects"]
    return [each for each in found if each["bot"] and key_in(each["text"])]


async def healed(cluster: Cluster, since: int) -> int:
    """How many messages and comments stood there twice for a moment, and were deleted again by Nexus."""
    found = [await effects(cluster, vendor, since) for vendor in WRITES]
    return sum(each["deleted"] for of_vendor in found for each in of_vendor)


async def stored(cluster: Cluster, webhooks: Sequence[Webhook]) -> tuple[int, int]:
    """(how many of these have a row in the inbox, how many rows they have)."""
    ((distinct, rows),) = await cluster.rows(
        "SELECT count(DISTINCT body), count(*) FROM inbox WHERE body = ANY(CAST(:bodies AS bytea[]))",
        bodies=list({each.body for each in webhooks}),
    )
    return distinct, rows


def _is_comment(call: Mapping[str, Any]) -> bool:
    return call["verb"] == "POST" and call["path"].endswith("/comment")
